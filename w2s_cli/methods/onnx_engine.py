"""Networks run by onnxruntime on the processor, for those without PyTorch.

The graphs in `weights/shipped/graphs` are those of the networks that ship, without
their weights: these are read from the same safetensors files that PyTorch reads, or
from a user's of the same networks. `.ci/graphs.py` writes them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError, WeightsError
from w2s_cli.methods.network_engines import Opened, Run, by_scale
from w2s_cli.networks.graph import open_onnx
from w2s_cli.weights.catalogue import SHIPPED

NAME = "onnxruntime"
GRAPHS = SHIPPED / "graphs"
_INSTALL = "pip install torch"


@dataclass(frozen=True, eq=False)
class OnnxNetwork:
    """A network, as a `StabilisedNetwork` says what it is."""

    scale: int
    margin: int
    multiple_of: int
    whole: bool
    channels: int
    conditions: int
    memory: int  # bytes a pixel that it works with
    run: Run  # (N, C, Y, X) -> (N, K, Y * scale, X * scale)


@dataclass(frozen=True, eq=False)
class OnnxAtWork:
    """A network of one plane at work."""

    network: OnnxNetwork
    precision: str

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Map (N, Y, X) to (N, Y * scale, X * scale)."""
        return self.network.run(blocks[:, None])[:, 0]


def available_device(name: str) -> str:
    """Return "cpu"; raise UsageError where another device is asked for."""
    if name not in ("auto", "cpu"):
        raise UsageError(
            f"--device {name} needs PyTorch, which is not installed: onnxruntime "
            "computes on the processor here",
            hint=f"leave --device out, or {_INSTALL}",
        )
    return "cpu"


def fastest(device: str) -> str:
    """Return the one precision."""
    return "fp32"


def open_network(path: Path, device: str) -> Opened:
    """Return the network of a weight file that has the tensors of one that ships."""
    tensors, record, digest = _read(path)
    shapes = {name: [*tensor.shape] for name, tensor in tensors.items()}
    for name, facts in _known().items():
        if facts["tensors"] == shapes:
            rest = {key: it for key, it in facts.items() if key != "tensors"}
            network = OnnxNetwork(**rest, run=_opened(name, tensors))
            return Opened(network, record, digest, device)
    raise UsageError(
        f"{path} is of a network that only PyTorch runs, which is not installed",
        hint=f"{_INSTALL}; without it, weights of the networks that ship do",
    )


def open_errors(
    path: Path, device: str
) -> tuple[Mapping[int, Run], Mapping[str, Any], str]:
    """Return what estimates errors, by scale; the record and hash of its file."""
    tensors, record, digest = _read(path)
    runs = {}
    for scale, own in by_scale(tensors).items():
        named = {f"network.{name}": tensor for name, tensor in own.items()}
        runs[scale] = _opened(f"errors-x{scale}", named)
    return runs, record, digest


def at_work(opened: Opened, precision: str) -> OnnxAtWork:
    """Return a network of one plane, as it maps (N, Y, X)."""
    return OnnxAtWork(opened.network, _checked(precision))


def forward_planes(
    network: OnnxNetwork, planes: FloatArray, device: str, precision: str
) -> FloatArray:
    """Map (N, C, Y, X) to (N, K, Y * scale, X * scale), all that it gives."""
    _checked(precision)
    return network.run(planes)


def memory(network: OnnxNetwork, precision: str) -> tuple[int, int]:
    """Return the bytes a pixel that it works with: see `Traits.memory`."""
    return network.memory, network.memory


def _checked(precision: str) -> str:
    if precision != "fp32":
        raise UsageError(
            f"--precision {precision} needs PyTorch, which is not installed",
            hint=f"leave --precision out, or {_INSTALL}",
        )
    return precision


@cache
def _known() -> dict[str, dict[str, Any]]:
    """Return what is known of each graph: its network's facts and tensors."""
    found: dict[str, dict[str, Any]] = json.loads((GRAPHS / "graphs.json").read_text())
    return found


def _opened(name: str, tensors: Mapping[str, FloatArray]) -> Run:
    return open_onnx((GRAPHS / f"{name}.onnx").read_bytes(), "cpu", tensors)


def _read(path: Path) -> tuple[dict[str, FloatArray], dict[str, Any], str]:
    """Return the tensors of a safetensors file, its record and its hash."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if not path.is_file():
        raise WeightsError(f"no weights at {path}", hint="give a file with --weights")
    content = path.read_bytes()
    try:
        tensors = load(content)
        size = int.from_bytes(content[:8], "little")
        head = json.loads(content[8 : 8 + size]).get("__metadata__", {})
        record = json.loads(head.get("w2s", "{}"))
    except (SafetensorError, ValueError, KeyError) as error:
        raise WeightsError(
            f"{path} is no safetensors file that can be read without PyTorch: {error}",
            hint=f"{_INSTALL}, or give a file that `w2s train` has written",
        ) from error
    if "seen" in record:  # as `trained_on` was called before
        record["trained_on"] = record.pop("seen")
    exact = {name: np.asarray(it, np.float32) for name, it in tensors.items()}
    if not all(np.isfinite(it).all() for it in exact.values()):
        raise WeightsError(f"{path} has numbers that are not finite")
    return exact, record, sha256(content).hexdigest()
