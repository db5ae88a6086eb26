"""Forecasts of memory beside what was measured, and tiles that there is room for."""

import numpy as np
import pytest

from w2s_cli.methods.build import build
from w2s_cli.pipeline import memory_forecast
from w2s_cli.pipeline.memory_forecast import (
    fitting_tile,
    machine_memory,
    memory_needed,
)
from w2s_cli.restorers.chain import Chain
from w2s_cli.stack import Computed, Stack


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


LARGE = Stack(Computed((4096, 4096), np.dtype(np.uint16), lambda index: None), "YX")


@pytest.fixture(scope="module")
def chain() -> Chain:
    return build("denoise-fast", device="cpu")


@pytest.mark.parametrize("gibibytes", [2, 4, 16, 64])
def test_a_tile_is_halved_until_the_forecast_is_half_of_the_memory(
    gibibytes: int, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = gibibytes * 2**30
    monkeypatch.setattr(memory_forecast, "machine_memory", lambda: room)
    fits = [
        side
        for side in (1024, 512, 256, 128, 64, 32)
        if memory_needed(LARGE, chain, side) <= room / 2
    ]
    assert fitting_tile(LARGE, chain, 1024) == fits[0]


def test_nothing_is_halved_where_it_would_not_help(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    for unknown_or_hopeless in (None, 2**20):
        monkeypatch.setattr(
            memory_forecast, "machine_memory", lambda room=unknown_or_hopeless: room
        )
        assert fitting_tile(LARGE, chain, 1024) == 1024
    monkeypatch.setattr(memory_forecast, "machine_memory", lambda: 2**31)
    assert fitting_tile(LARGE, build("pure-let"), 1024) == 1024  # it takes whole planes


def test_the_memory_of_this_machine_is_known_where_the_system_tells_it() -> None:
    memory = machine_memory()
    assert memory is None or memory > 2**28
