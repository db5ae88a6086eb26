"""Weight files: tensors, and a record of what they expect and where they come from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any

from safetensors.torch import save as as_bytes
from torch import Tensor

from w2s_cli.errors import WeightsError
from w2s_cli.io.atomic_files import replacing
from w2s_cli.weights import containers, contents
from w2s_cli.weights.catalogue import SHIPPED
from w2s_cli.weights.contents import Refusal

_KEY = "w2s"  # where the record stands in a safetensors header


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tensors of a network, and their record."""

    state: Mapping[str, Tensor]  # by name, on the CPU
    # What the network expects, what it was trained on, its licence; empty where the
    # file does not say
    record: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""  # SHA-256 of the file, in hexadecimal
    container: str = ""  # how the file is packed
    wrapper: str = ""  # what the training script had put around the tensors


def shipped(name: str) -> Path:
    """Return the path of weights that come with the package."""
    return SHIPPED / f"{name}.safetensors"


def load(path: Path, *, as_stored: bool = False) -> Checkpoint:
    """Return the tensors of a checkpoint, and its record if it has one.

    It may be a safetensors file, or whatever `torch.save` has written: a state dict, a
    dictionary with one in it, a whole module. Nothing in it is ever run; only tensors
    come out, without the prefixes of wrappers. Beyond the tensors, this takes little
    memory. Floats become float32, unless they are taken as they are stored.

    Raises WeightsError when the file is missing, damaged, of another kind, or holds no
    tensors, more than one network, numbers that are not finite, or names that weights
    don't need.
    """
    if path.is_dir():
        raise WeightsError(f"{path} is a folder", hint="name a file in it")
    if not path.is_file():
        raise WeightsError(f"no weights at {path}", hint="give a file with --weights")
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            found = containers.read_contents(file, size)
            state = contents.read_tensors(
                file, size, found.layouts, as_float32=not as_stored
            )
            file.seek(0)
            digest = file_digest(file, "sha256").hexdigest()
        try:
            record = json.loads(found.metadata.get(_KEY, "{}"))
        except (TypeError, ValueError, RecursionError) as error:
            raise Refusal("has a damaged record") from error
        if not isinstance(record, dict):
            raise Refusal("has a damaged record")
        if "seen" in record:  # as `trained_on` was called before
            record["trained_on"] = record.pop("seen")
    except Refusal as refusal:
        raise WeightsError(f"{path} {refusal}", hint=refusal.hint) from refusal
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror or error}") from error
    return Checkpoint(state, record, digest, found.container, found.wrapper)


def save(
    path: Path,
    state: Mapping[str, Tensor],
    record: Mapping[str, Any],
    *,
    halve: bool = True,
    overwrite: bool = True,
) -> None:
    """Write tensors, floats as float16 if wanted, and their record as safetensors.

    The file appears when it is whole, where `overwrite` in place of one that is there.
    """
    written: dict[str, Tensor] = {}
    places = set()
    for name, tensor in state.items():
        rounded = tensor.half() if halve and tensor.is_floating_point() else tensor
        packed = rounded.contiguous()
        # The format wants each tensor by itself; two may be views of the same elements.
        if packed.untyped_storage().data_ptr() in places:
            packed = packed.clone()
        places.add(packed.untyped_storage().data_ptr())
        written[name] = packed
    with replacing(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(as_bytes(written, {_KEY: json.dumps(record)}))
