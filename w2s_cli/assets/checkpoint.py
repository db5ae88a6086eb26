"""Weight files: tensors, and a record of what they expect and where they come from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as as_bytes
from torch import Tensor

from w2s_cli.errors import WeightsError

SHIPPED = Path(__file__).parent / "weights"
_KEY = "w2s"  # where the record stands in a safetensors header


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tensors of a network, and their record.

    Attributes
    ----------
    state
        Tensor by name, on the CPU, in float32.
    record
        What the network expects, what it was trained on, its licence.
    digest
        SHA-256 of the file, in hexadecimal.
    """

    state: Mapping[str, Tensor]
    record: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""


def shipped(name: str) -> Path:
    """Return the path of weights that come with the package."""
    return SHIPPED / f"{name}.safetensors"


def load(path: Path) -> Checkpoint:
    """Return the tensors and the record of a safetensors file.

    Raises
    ------
    WeightsError
        When the file is missing, damaged, of another kind, or holds no record.
    """
    if not path.is_file():
        raise WeightsError(f"no weights at {path}", hint="give a file with --weights")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path} is not a whole safetensors file: {error}",
            hint="fetch or copy the weights again",
        ) from error
    if _KEY not in metadata:
        raise WeightsError(
            f"{path} does not say what input its network expects",
            hint="use weights that `w2s train` has written",
        )
    return Checkpoint(state, json.loads(metadata[_KEY]), digest(path))


def save(path: Path, state: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write tensors, in float16, and their record; the file appears when whole."""
    halves = {name: tensor.half().contiguous() for name, tensor in state.items()}
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(as_bytes(halves, {_KEY: json.dumps(record)}))
    partial.replace(path)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()
