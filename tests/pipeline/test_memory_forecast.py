"""Forecasts of memory beside what was measured."""

import numpy as np
import pytest

from w2s_cli.methods.build import build
from w2s_cli.pipeline.memory_forecast import memory_needed
from w2s_cli.stack import Stack


@pytest.mark.parametrize(
    ("method", "side", "dtype", "tile", "measured"),
    [
        ("identity", 64, "uint16", 512, 283),
        ("identity", 4096, "uint16", 512, 457),
        ("identity", 4096, "float32", 512, 475),
        ("gaussian", 4096, "uint8", 512, 424),
        ("bicubic", 2048, "uint16", 512, 408),
        ("bicubic", 4096, "uint16", 512, 756),
        ("wiener", 512, "uint16", 512, 321),
        ("wiener", 2048, "uint16", 512, 686),
        ("richardson-lucy", 1024, "uint16", 512, 429),
        ("nlm", 700, "uint16", 512, 352),
        ("wavelet", 1024, "uint16", 512, 454),
        ("wavelet", 2048, "uint16", 512, 460),
        ("pure-let", 1024, "uint16", 512, 523),
        ("pure-let", 2048, "uint16", 512, 593),
        ("vst+bm3d", 256, "uint16", 512, 349),
        ("vst+bm3d", 512, "uint16", 512, 460),
        ("vst+bm3d", 1024, "uint16", 512, 905),
        ("denoise-fast", 64, "uint16", 512, 374),
        ("denoise-fast", 1024, "uint16", 512, 582),
        ("denoise", 1024, "uint16", 512, 784),
        ("jdsr-fast", 1024, "uint16", 512, 667),
        ("jdsr", 700, "uint16", 512, 795),
    ],
)
def test_a_forecast_is_never_below_and_at_most_a_quarter_above(
    method: str, side: int, dtype: str, tile: int, measured: int
) -> None:
    """Peak resident memory in MiB of `w2s restore` on Linux, fp32, one thread."""
    plane = np.broadcast_to(np.zeros((), dtype), (side, side))
    chain = build(method, (), (), "cpu", "fp32")
    forecast = memory_needed(Stack(plane, "YX"), chain, tile) / (1 << 20)
    assert measured <= forecast <= 1.25 * measured
