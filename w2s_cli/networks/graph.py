"""Graphs of other programs, ONNX or TorchScript: an array in, an array out."""

import io
import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import UsageError, WeightsError

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
        return (_onnx if kind == "onnx" else _torchscript)(content, device)
    except UsageError:
        raise
    except Exception as error:  # both libraries raise classes of their own
        raise WeightsError(
            f"the {kind} graph cannot be opened: {_first(error)}"
        ) from error


def _onnx(content: bytes, device: str) -> Run:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise UsageError(
            "ONNX graphs need the package onnxruntime, which is not installed",
            hint="pip install onnxruntime",
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is raised as well
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.startswith("cuda"):
        number = int(device.partition(":")[2] or 0)
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": number}))
    session = onnxruntime.InferenceSession(content, options, providers=providers)
    [taken], [_] = session.get_inputs(), session.get_outputs()

    def run(block: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            [made] = session.run(None, {taken.name: block})
        except Exception as error:
            raise WeightsError(f"the graph fails: {_first(error)}") from error
        return np.asarray(made, np.float32)

    return run


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
