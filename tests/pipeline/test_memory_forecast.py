"""Forecasts of memory beside what was measured, and tiles that there is room for."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from w2s_cli.errors import OutOfMemoryError
from w2s_cli.methods.build import build
from w2s_cli.pipeline import memory_forecast
from w2s_cli.pipeline.memory_forecast import (
    fitting_tile,
    machine_memory,
    memory_needed,
)
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.stack import Computed, Stack


@pytest.mark.parametrize(
    ("method", "side", "dtype", "tile", "measured"),
    [
        ("identity", 64, "uint16", 512, 283),
        ("identity", 4096, "uint16", 512, 287),
        ("identity", 4096, "float32", 512, 475),
        ("gaussian", 4096, "uint8", 512, 424),
        ("bicubic", 2048, "uint16", 512, 408),
        ("bicubic", 4096, "uint16", 512, 335),
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
def test_a_forecast_is_never_below_and_little_above(
    method: str, side: int, dtype: str, tile: int, measured: int
) -> None:
    """Peak resident memory in MiB of `w2s restore` on Linux, fp32, one thread."""
    plane = np.broadcast_to(np.zeros((), dtype), (side, side))
    chain = build(method, (), (), "cpu", "fp32")
    forecast = memory_needed(Stack(plane, "YX"), chain, tile) / (1 << 20)
    areas = 26 * side**2 / (1 << 20)  # unknown ones, which these planes have not
    assert measured <= forecast <= 1.25 * measured + areas


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
    assert fitting_tile(RestoreSpec(), LARGE, chain) == fits[0]


def test_nothing_is_halved_where_it_would_not_help(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    for unknown_or_hopeless in (None, 2**20):
        monkeypatch.setattr(
            memory_forecast, "machine_memory", lambda room=unknown_or_hopeless: room
        )
        assert fitting_tile(RestoreSpec(), LARGE, chain) == 1024
    monkeypatch.setattr(memory_forecast, "machine_memory", lambda: 2**31)
    whole = build("pure-let")
    assert fitting_tile(RestoreSpec(), LARGE, whole) == 1024  # it takes whole planes


def plane(height: int, width: int, chunk: tuple[int, int] | None = (1, 1)) -> Stack:
    pixels = Computed((height, width), np.dtype(np.uint16), lambda index: None)
    return Stack(pixels, "YX", chunk=chunk)


@pytest.mark.parametrize("method", ["identity", "gaussian", "bicubic", "jdsr-fast"])
@pytest.mark.parametrize("chunk", [(1, 1), (512, 512), (64, 60_000)])
def test_a_plane_of_60_000_x_60_000_fits_into_2_gib(
    method: str, chunk: tuple[int, int]
) -> None:
    stack, chain = plane(60_000, 60_000, chunk), build(method, device="cpu")
    spec = RestoreSpec(max_memory=2 << 30)
    tile = fitting_tile(spec, stack, chain)
    assert memory_needed(stack, chain, tile) <= 2 << 30
    if tile < spec.tile:  # no smaller than it has to be
        assert memory_needed(stack, chain, 2 * tile) > 2 << 30


def test_a_large_plane_takes_as_much_memory_however_high_it_is(chain: Chain) -> None:
    needed = {memory_needed(plane(side, 9000), chain, 512) for side in (9000, 90_000)}
    assert len(needed) == 1


@pytest.mark.parametrize(
    ("stack", "method", "hint"),
    [
        (plane(60_000, 60_000), "pure-let", "pure-let takes whole planes"),
        (plane(60_000, 60_000, None), "identity", "can only be read as a whole"),
        (
            plane(60_000, 60_000, (60_000, 60_000)),
            "identity",
            "TIFF of tiles or strips",
        ),
        (plane(9_000, 900_000), "identity", "cut the image into pieces"),
        (plane(5_000, 5_000), "identity", "cut the image into pieces"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_work(
    stack: Stack, method: str, hint: str
) -> None:
    spec = RestoreSpec(method, max_memory=500 << 20)
    with pytest.raises(OutOfMemoryError, match="--max-memory allows 500M") as caught:
        fitting_tile(spec, stack, build(method))
    assert caught.value.exit_code == 6
    assert hint in caught.value.hint
    allowed = int(caught.value.hint.split("--max-memory ")[1].split("M")[0])
    assert fitting_tile(replace(spec, max_memory=allowed << 20), stack, build(method))


def test_the_tile_of_a_gpu_is_halved_until_it_fits(chain: Chain) -> None:
    [link] = chain.links
    there = replace(link.traits, device="cuda", memory=(1000, 900))
    on_gpu = Chain([SimpleNamespace(traits=there)])
    for mebibytes, tile in ((4000, 1024), (600, 512), (200, 256)):
        spec = RestoreSpec(gpu_memory=mebibytes << 20)
        assert fitting_tile(spec, plane(60_000, 60_000), on_gpu) == tile
        assert fitting_tile(spec, plane(60_000, 60_000), chain) == 1024
    with pytest.raises(OutOfMemoryError, match="--gpu-memory allows 1M") as caught:
        fitting_tile(RestoreSpec(gpu_memory=1 << 20), plane(9000, 9000), on_gpu)
    assert caught.value.hint == "allow more, or use --device cpu"


def test_the_memory_of_this_machine_is_known_where_the_system_tells_it() -> None:
    memory = machine_memory()
    assert memory is None or memory > 2**28
