"""Floating-point operations of a network, and the most that a device can do."""

from time import perf_counter

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from w2s_cli.networks.rebuild import Network


def gflop(network: Network, height: int, width: int) -> float:
    """Return the billions of floating-point operations of a pass over one block.

    A multiplication and an addition are two operations; those of convolutions and
    matrix products are counted, nothing else. Nothing is computed: the shapes of the
    tensors tell, for networks too that look at all of their input.
    """
    counter = FlopCounterMode(display=False)
    # no_grad: in inference mode matrix products would pass uncounted.
    with FakeTensorMode(allow_non_fake_inputs=True), counter, torch.no_grad():
        network(
            torch.empty(1, network.channels, height, width, device=_device(network))
        )
    return float(counter.get_total_flops()) / 1e9


def _device(network: Network) -> torch.device:
    if isinstance(network, torch.nn.Module):
        return next(network.parameters()).device
    return torch.device("cpu")


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
