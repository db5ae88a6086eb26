"""Run a network on arrays in torch: devices, precisions, operations."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor, nn

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.networks.rebuild import Network


def available_device(name: str) -> str:
    """Return a device that is there, the fastest one for "auto"."""
    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = name.partition(":")
    mps = int(torch.backends.mps.is_available())
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": mps}
    if kind not in there or (number and not number.isdecimal()):
        raise UsageError(
            f"no device is called {name!r}", hint="use auto, cpu, cuda, cuda:0 or mps"
        )
    if int(number or 0) >= there[kind]:
        raise UsageError(
            f"there is no device {name!r} on this machine", hint="use --device auto"
        )
    return name


def device_title(device: str) -> str:
    """Return the model of a GPU; of another device its name."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return device


def threads() -> int:
    """Return how many threads torch computes with on the processor."""
    return torch.get_num_threads()


def restart_peak(device: str) -> None:
    """Forget how much memory of a GPU was in use at most until now."""
    if torch.device(device).type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: str) -> int | None:
    """Return the most bytes of a GPU that tensors took since `restart_peak`.

    None for other devices, which keep no account.
    """
    if torch.device(device).type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return None


# How torch, oneDNN, CUDA, cuDNN, Metal and C++ say that they cannot have memory.
_NO_MEMORY = re.compile(
    r"can't allocate memory|could not create a (primitive|memory)|not enough memory"
    r"|out of memory|bad_alloc|ALLOC_FAILED|[Cc]annot allocate memory"
)


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn torch's ways to say "out of memory" into Python's."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MemoryError(str(error)) from error
    except RuntimeError as error:
        if _NO_MEMORY.search(str(error)):
            raise MemoryError(str(error)) from error
        raise


TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, eq=False)
class NetworkRunner:
    """A network at work."""

    network: Network  # on the device
    device: str  # where it computes
    precision: str  # "fp32", "bf16" or "fp16"

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return what it makes of planes: see `forward`."""
        return forward(self.network, blocks, self.device, self.precision)


def to_device(network: Network, device: str) -> Network:
    """Return the network on a device, ready to restore."""
    if isinstance(network, torch.nn.Module):
        network.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def forward(
    network: Network, blocks: FloatArray, device: str, precision: str
) -> FloatArray:
    """Map (N, Y, X) to (N, Y * scale, X * scale), less the noise it predicts.

    A network for colours gets the same plane in each, and the mean of what it gives is
    taken.
    """
    place, dtype = torch.device(device), TYPES[precision]
    with torch.inference_mode(), memory_errors():
        image = torch.from_numpy(blocks[:, None]).to(place)
        image = image.expand(-1, network.channels, -1, -1)
        image = image.contiguous(memory_format=torch.channels_last)
        with torch.autocast(place.type, dtype, enabled=dtype != torch.float32):
            result = network(image)
        clean: Tensor = result.float()
        if network.predicts == "noise":
            clean = image - clean
        pixels: FloatArray = clean.mean(1).cpu().numpy()
    return pixels


def forward_planes(
    network: Callable[[Tensor], Tensor],
    planes: FloatArray,
    device: str,
    precision: str,
) -> FloatArray:
    """Map (N, C, Y, X) to (N, K, Y * scale, X * scale), all that a network gives."""
    place, dtype = torch.device(device), TYPES[precision]
    with torch.inference_mode(), memory_errors():
        image = torch.from_numpy(planes).to(place, memory_format=torch.channels_last)
        with torch.autocast(place.type, dtype, enabled=dtype != torch.float32):
            made = network(image)
        result: FloatArray = made.float().cpu().numpy()
    return result


def fastest(device: str) -> str:
    """Return the fastest precision of a device that convolutions bear."""
    kind = torch.device(device).type
    if kind == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if kind == "cpu" and not is_slow("cpu", "bf16") else "fp32"


def is_slow(device: str, precision: str) -> bool:
    """Return whether a processor only imitates a precision, at about ten times fp32."""
    if torch.device(device).type != "cpu" or precision in ("auto", "fp32"):
        return False
    mkldnn = torch.ops.mkldnn
    if precision == "bf16":
        return not mkldnn._is_mkldnn_bf16_supported()
    return not mkldnn._is_mkldnn_fp16_supported()


def gflop(network: Network, height: int, width: int) -> float:
    """Return the billions of floating-point operations of a pass over one block.

    A multiplication and an addition are two operations; those of convolutions and
    matrix products are counted, nothing else. Nothing is computed: the shapes of the
    tensors tell, for networks too that look at all of their input.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    device = "cpu"
    if isinstance(network, nn.Module):
        device = str(next(network.parameters()).device)
    # no_grad: in inference mode matrix products would pass uncounted.
    with FakeTensorMode(allow_non_fake_inputs=True), counter, torch.no_grad():
        network(torch.empty(1, network.channels, height, width, device=device))
    return float(counter.get_total_flops()) / 1e9


_SIZES = ((64, 64), (64, 128), (64, 256), (64, 512), (256, 64), (256, 128), (256, 256))
"""Channels, and side of the image: what fits a cache, and what fills a GPU."""
_ROUNDS = 9
_SECONDS = 0.5  # for all rounds of a size, about
_LAUNCHES = 20  # a round on a GPU: waiting for it takes as long as a convolution


def convolution_peak(device: str, dtype: torch.dtype) -> float:
    """Return the GFLOP/s of a 3x3 convolution at the size that is fastest."""
    return max(_speed(*size, device, dtype) for size in _SIZES)


@torch.inference_mode()
def _speed(channels: int, side: int, device: str, dtype: torch.dtype) -> float:
    """Return the GFLOP/s of the fastest of a few rounds."""
    layer = nn.Conv2d(channels, channels, 3, padding=1, device=device, dtype=dtype)
    layer = layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    image = torch.randn(1, channels, side, side, device=device, dtype=dtype)
    image = image.contiguous(memory_format=torch.channels_last)
    launches = 1 if image.device.type == "cpu" else _LAUNCHES
    _round(layer, image, 1)  # the first one is slow
    times = [_round(layer, image, launches)]
    while len(times) < _ROUNDS and sum(times) * launches < _SECONDS:
        times.append(_round(layer, image, launches))
    return 2 * 9 * (channels * side) ** 2 / 1e9 / min(times)


def _round(layer: nn.Module, image: Tensor, launches: int) -> float:
    """Return the seconds of one of so many convolutions."""
    _wait(image.device)
    start = perf_counter()
    for _ in range(launches):
        layer(image)
    _wait(image.device)
    return (perf_counter() - start) / launches


def _wait(device: torch.device) -> None:
    """Wait until a device has done what it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
