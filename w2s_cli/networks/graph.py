"""Graphs of other programs, ONNX or TorchScript: an array in, an array out."""

import io
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import UsageError, WeightsError
from w2s_cli.networks.devices import cores

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def open_graph(
    kind: Literal["onnx", "torchscript"], content: bytes, device: str
) -> Run:
    """Return what runs a graph of one input and one output.

    Parameters
    ----------
    kind, content
        The graph's format, and the bytes of its file.
    device
        Where torch would compute: "cpu", "cuda" or "cuda:N".

    Raises
    ------
    UsageError
        When onnxruntime is not installed.
    WeightsError
        When it is no graph, or one that cannot be run.
    """
    try:
        return (open_onnx if kind == "onnx" else _torchscript)(content, device)
    except UsageError:
        raise
    except Exception as error:  # both libraries raise classes of their own
        raise WeightsError(
            f"the {kind} graph cannot be opened: {_first(error)}"
        ) from error


def open_onnx(
    content: bytes,
    device: str,
    tensors: Mapping[str, NDArray[np.float32]] | None = None,
) -> Callable[..., NDArray[np.float32]]:
    """Return what runs an ONNX graph: all its inputs to its one output.

    `tensors` are its weights, where it has none of its own. The threads are those that
    `OMP_NUM_THREADS` allows, as for torch, or one a core.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise UsageError(
            "ONNX graphs need the package onnxruntime, which is not installed",
            hint="pip install onnxruntime",
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is raised as well
    # An arena keeps more than twice what a forecast of memory allows for.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or cores())
    given = tensors or {}
    values = [*map(onnxruntime.OrtValue.ortvalue_from_numpy, given.values())]
    options.add_external_initializers([*given], values)
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.startswith("cuda"):
        number = int(device.partition(":")[2] or 0)
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": number}))
    session = onnxruntime.InferenceSession(content, options, providers=providers)
    [_] = session.get_outputs()
    names = [one.name for one in session.get_inputs()]
    if tensors is None:
        [_] = names
    return _OnnxGraph(session, names, values)


@dataclass(frozen=True, eq=False)
class _OnnxGraph:
    """A graph that onnxruntime has opened."""

    session: Any
    names: Sequence[str]  # of its inputs
    weights: Sequence[Any]  # which it reads where they lie, as long as it is there

    def __call__(self, *blocks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what it makes of its inputs."""
        try:
            [made] = self.session.run(None, dict(zip(self.names, blocks, strict=True)))
        except Exception as error:
            if "allocate" in str(error) or "bad_alloc" in str(error):
                raise MemoryError(_first(error)) from error
            raise WeightsError(f"the graph fails: {_first(error)}") from error
        return np.asarray(made, np.float32)


def _torchscript(content: bytes, device: str) -> Run:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what torch will not have for ever
        loaded: Any = torch.jit.load(  # type: ignore[no-untyped-call]
            io.BytesIO(content), map_location=device
        )
    loaded.eval()

    def run(block: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            with torch.inference_mode():
                made = loaded(torch.from_numpy(block).to(device))
        except Exception as error:
            raise WeightsError(f"the graph fails: {_first(error)}") from error
        if not isinstance(made, torch.Tensor):
            [made] = made
        return np.asarray(made.float().cpu().numpy(), np.float32)

    return run


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
