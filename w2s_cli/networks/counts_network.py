"""A network from camera counts to camera counts, as one graph for other programs."""

import copy
import io
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.onnx.utils import register_custom_op_symbolic

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.networks.rebuild import Network
from w2s_cli.restorers.units import Linear

OPSET = 17
"""Of the ONNX graphs: the newest that the usual exporter and older readers share."""
_START = (1980, 1, 1, 0, 0, 0)  # the time of every file in a zip

_Way: TypeAlias = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Ways:
    """From counts into the numbers of a network, and back to counts."""

    enter: _Way
    leave: _Way


def stabilised(noise: NoiseModel, lowered: float, *, of_noisy: bool = False) -> Ways:
    """Return the ways of a network that knows stabilised counts, `lowered` by as much.

    It is that of `NoiseModel.stabilise`, and back that of `NoiseModel.square`. A
    network whose training had noisy targets gives roots of means of squares, which are
    those of means and 1 for the variance: that 1 is put aside while values are raised.
    """

    def enter(counts: Tensor) -> Tensor:
        light = (counts - noise.offset) / noise.gain + noise.lift
        return 2 * torch.sqrt(torch.clamp(light, min=0)) - lowered

    def leave(values: Tensor) -> Tensor:
        if of_noisy and lowered:
            mean = torch.sqrt(torch.clamp(values**2 - 1, min=0)) + lowered
            values = torch.sqrt(mean**2 + 1)
        elif lowered:
            values = values + lowered
        return ((values / 2) ** 2 - noise.lift) * noise.gain + noise.offset

    return Ways(enter, leave)


def linear(numbers: Linear) -> Ways:
    """Return the ways of a network that takes counts less a zero, over a unit."""
    return Ways(
        lambda counts: (counts - numbers.zero) / numbers.one,
        lambda values: values * numbers.one + numbers.zero,
    )


class CountsNetwork(nn.Module):
    """A network that takes and gives counts, (N, 1, Y, X) float32.

    Parameters
    ----------
    network
        The network; what is given is copied.
    ways
        From counts into its numbers, and back.
    told
        What a conditional network is told of noise and blur; all pixels are known.
    """

    def __init__(
        self, network: Network, ways: Ways, told: Sequence[float] = ()
    ) -> None:
        super().__init__()
        # Other layouts in memory, which the processor likes, are no part of a graph.
        self.network: Any = copy.deepcopy(network).to(  # type: ignore[attr-defined]
            "cpu", memory_format=torch.contiguous_format
        )
        self.ways, self.told = ways, told
        self.eval().requires_grad_(False)

    def forward(self, counts: Tensor) -> Tensor:
        """Map (N, 1, Y, X) counts to (N, 1, Y * scale, X * scale)."""
        image = self.ways.enter(counts)
        if self.told:
            even = [torch.full_like(image, number) for number in (0, *self.told)]
            made = self.network(torch.cat([image, *even], 1))[:, :1]
            return self.ways.leave(torch.clamp(made, min=0))
        image = image.expand(-1, self.network.channels, -1, -1)
        made = self.network(image)
        clean = image - made if self.network.predicts == "noise" else made
        return self.ways.leave(clean.mean(1, keepdim=True))

    def restored(self, counts: FloatArray) -> FloatArray:
        """Return what torch makes of a (Y, X) plane of counts."""
        return _of_plane(self, counts)

    def onnx(self, example: FloatArray) -> bytes:
        """Return the graph as ONNX; `example` is a plane that it can take."""
        return onnx_graph(self, {"input": _batch(example)})

    def torchscript(self, example: FloatArray) -> bytes:
        """Return the graph as TorchScript, without where the code of torch lay here."""
        saved, stripped = io.BytesIO(), io.BytesIO()
        with _quiet():
            traced: Any = torch.jit.trace(  # type: ignore[no-untyped-call]
                self, _batch(example), check_trace=False
            )
            torch.jit.save(torch.jit.freeze(traced, optimize_numerics=False), saved)
        with zipfile.ZipFile(saved) as source, zipfile.ZipFile(stripped, "w") as target:
            for one in source.namelist():
                # Where the code was, and a number that each process draws.
                if not one.endswith((".debug_pkl", "/.data/serialization_id")):
                    target.writestr(zipfile.ZipInfo(one, _START), source.read(one))
        return stripped.getvalue()


def onnx_graph(
    network: nn.Module, inputs: Mapping[str, Tensor], *, folded: bool = True
) -> bytes:
    """Return a network's graph as ONNX; images among the inputs may be of any size.

    Where it is not `folded`, its weights are in it as they are, by their names.
    """
    free = {0: "batch", 2: "y", 3: "x"}
    images = [name for name, tensor in inputs.items() if tensor.ndim == 4]
    with _quiet(), TemporaryDirectory() as folder:
        file = Path(folder) / "network.onnx"
        # An operator of ONNX since opset 9 that the exporter has forgotten.
        register_custom_op_symbolic(
            "aten::asinh", lambda graph, value: graph.op("Asinh", value), OPSET
        )
        torch.onnx.export(
            network,
            tuple(inputs.values()),
            file,
            opset_version=OPSET,
            dynamo=False,  # the other one has no opset below 18
            do_constant_folding=folded,
            input_names=[*inputs],
            output_names=["output"],
            dynamic_axes=dict.fromkeys([*images, "output"], free),
        )
        return file.read_bytes()


def run_torchscript(content: bytes, planes: Sequence[FloatArray]) -> list[FloatArray]:
    """Return what a TorchScript file makes of (Y, X) planes."""
    with _quiet():
        loaded: Any = torch.jit.load(io.BytesIO(content))  # type: ignore[no-untyped-call]
        return [_of_plane(loaded, plane) for plane in planes]


def torch_version() -> str:
    """Return the version of torch, without what its build is called."""
    return torch.__version__.partition("+")[0]


def _of_plane(run: _Way, counts: FloatArray) -> FloatArray:
    with torch.inference_mode():
        return np.asarray(run(_batch(counts))[0, 0].numpy(), np.float32)


def _batch(counts: FloatArray) -> Tensor:
    return torch.from_numpy(np.asarray(counts, np.float32)[None, None])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch from saying what will be removed, or might depend on the size.

    What does is found by comparing numbers at several sizes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
