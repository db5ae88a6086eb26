"""How much the networks of a method compute, and how fast that can be at best."""

from collections import Counter

from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.tiling import block_shapes


def gflop_by_precision(chain: Chain, side: int, tile: int) -> dict[str, float]:
    """Return the work of the networks of a chain on a square plane.

    Their passes over the tiles are counted, margins and all.
    """
    blocks = Counter(block_shapes(side, side, chain.traits, tile))
    work: dict[str, float] = {}
    scale = 1
    for link in chain.links:
        if running := getattr(link, "running", None):
            from w2s_cli.networks.flops import gflop

            gflops = sum(
                count * gflop(running.network, height * scale, width * scale)
                for (height, width), count in blocks.items()
            )
            work[running.precision] = work.get(running.precision, 0) + gflops
        scale *= link.traits.scale
    return work


def peak(device: str, precision: str) -> float:
    """Return the GFLOP/s that convolutions reach on a device in a precision."""
    from w2s_cli.networks.flops import convolution_peak
    from w2s_cli.networks.inference import TYPES, available_device

    return convolution_peak(available_device(device), TYPES[precision])
