"""What runs the shipped networks: PyTorch, or onnxruntime where that is missing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.restorers.restorer import NetworkAtWork

Run: TypeAlias = Callable[..., FloatArray]


class StabilisedNetwork(Protocol):
    """What a network on stabilised counts says of itself, whatever runs it."""

    scale: int  # output pixels per input pixel
    margin: int  # input pixels on each side that a pixel depends on
    multiple_of: int  # sides of the input must be multiples of this
    whole: bool  # whether a pixel depends on the whole input
    channels: int  # planes that it takes
    conditions: int  # how many of them are constant, and tell it of noise and blur


@dataclass(frozen=True)
class Opened:
    """A weight file, its network ready to run."""

    network: Any  # a StabilisedNetwork
    record: Mapping[str, Any]
    digest: str
    device: str


class Engine(Protocol):
    """A module that runs networks."""

    NAME: str

    def available_device(self, name: str, /) -> str:
        """Return a device that is there, the fastest one for "auto"."""
        ...

    def fastest(self, device: str, /) -> str:
        """Return the fastest precision of a device."""
        ...

    def open_network(self, path: Path, device: str, /) -> Opened:
        """Return the network of a weight file, on a device."""
        ...

    def open_errors(
        self, path: Path, device: str, /
    ) -> tuple[Mapping[int, Run], Mapping[str, Any], str]:
        """Return what estimates errors, by scale; the record and hash of its file."""
        ...

    def at_work(self, opened: Opened, precision: str, /) -> NetworkAtWork:
        """Return a network of one plane, as it maps (N, Y, X)."""
        ...

    def forward_planes(
        self, network: Any, planes: FloatArray, device: str, precision: str, /
    ) -> FloatArray:
        """Map (N, C, Y, X) to (N, K, Y * scale, X * scale), all that it gives."""
        ...

    def memory(self, network: Any, precision: str, /) -> tuple[int, int]:
        """Return the bytes a pixel that it works with: see `Traits.memory`."""
        ...


def has_torch() -> bool:
    """Return whether PyTorch is installed; it is not loaded."""
    try:
        return find_spec("torch") is not None
    except (ImportError, ValueError):
        return False


def by_scale(tensors: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """Return the tensors of the networks in the file of standard errors."""
    found: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        start, _, rest = name.partition(".")
        found.setdefault(int(start[1:]), {})[rest] = tensor
    return found


@cache
def engine() -> Engine:
    """Return what runs networks here."""
    if has_torch():
        from w2s_cli.methods import torch_engine

        return torch_engine
    if find_spec("onnxruntime") is None:
        raise UsageError(
            "networks need PyTorch or onnxruntime, and neither is installed",
            hint="pip install onnxruntime, or torch; or take --method pure-let",
        )
    from w2s_cli.methods import onnx_engine

    return onnx_engine
