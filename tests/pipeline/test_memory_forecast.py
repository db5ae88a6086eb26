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
    ("method", "planes", "side", "dtype", "measured"),
    [
        ("identity", 1, 64, "uint16", 78),
        ("identity", 4, 2048, "uint16", 200),
        ("gaussian", 1, 64, "uint16 Zarr", 89),
        ("gaussian", 1, 2048, "uint16", 136),
        ("gaussian", 4, 2048, "uint8", 169),
        ("gaussian", 4, 2048, "uint16", 188),
        ("gaussian", 64, 2048, "uint16", 263),
        ("gaussian", 2560, 2048, "uint16 zstd", 269),
        ("gaussian", 4, 2048, "float32", 246),
        ("gaussian", 4, 2048, "int32", 229),
        ("gaussian", 4, 2048, "float64", 259),
        ("gaussian", 1, 5792, "uint16", 336),
        ("gaussian", 3, 5792, "float64", 966),
        ("gaussian", 3, 5792, "uint16 Zarr", 668),
        ("gaussian", 1, 5792, "uint16 areas", 551),
        ("gaussian", 3, 5792, "uint16 areas", 951),
        ("gaussian", 3, 5792, "float32 areas", 1073),
        ("gaussian", 1, 8000, "uint16", 257),
        ("gaussian", 3, 8000, "float32", 392),
        ("bicubic", 1, 2048, "uint16", 260),
        ("bicubic", 4, 2048, "uint16", 367),
        ("bicubic", 2, 4096, "uint16", 485),
        ("wiener", 1, 1024, "uint16", 255),
        ("nlm", 1, 700, "uint16", 151),
        ("wavelet", 1, 2048, "uint16", 290),
        ("pure-let", 1, 1024, "uint16", 344),
        ("pure-let", 4, 2048, "uint16", 499),
        ("vst+bm3d", 1, 256, "uint16", 168),
        ("denoise-fast", 1, 64, "uint16 Zarr", 387),
        ("denoise-fast", 1, 512, "uint16", 530),
        ("denoise-fast", 4, 1024, "uint16", 862),
        ("jdsr-fast", 1, 64, "uint16", 383),
    ],
)
def test_a_forecast_is_never_below_and_little_above(
    method: str, planes: int, side: int, dtype: str, measured: int
) -> None:
    """Peak resident memory in MiB of `w2s restore` on Linux, fp32, one thread.

    A forecast counts on areas outside the field, which most of these planes have not.
    """
    stored, _, more = dtype.partition(" ")
    extra = {"format": "OME-Zarr"} if more == "Zarr" else {}
    taken = np.dtype(stored)
    if stored in ("int32", "float64"):
        taken, extra = np.dtype(np.float32), {"stored dtype": stored}
    data = Computed((planes, side, side), taken, lambda index: None)
    chunk = (512, 512) if more == "zstd" else (1, 1)
    stack = Stack(data, "TYX", extra=extra, chunk=chunk)
    chain = build(method, (), (), "cpu", "fp32")
    forecast = memory_needed(stack, chain, 1024, taken, overlapped=True) / (1 << 20)
    areas = 0 if more == "areas" else 7 * min(side, 5792) ** 2 / (1 << 20)
    assert measured <= forecast <= 1.4 * measured + areas


def test_looking_for_defects_of_a_plane_is_counted() -> None:
    stack, chain = plane(4096, 4096), build("denoise-fast", device="cpu")
    known, looked_for = (
        memory_needed(stack, chain, 256, repaired=one) for one in (False, True)
    )
    assert looked_for - known >= 30 * 4096**2 - (64 << 20)


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


def test_nothing_is_halved_where_it_would_not_help(chain, monkeypatch) -> None:
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
def test_a_plane_of_60_000_x_60_000_fits_into_2_gib(method, chunk) -> None:
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
def test_what_does_not_fit_is_refused_before_the_work(stack, method, hint) -> None:
    spec = RestoreSpec(method, max_memory=400 << 20)
    with pytest.raises(OutOfMemoryError, match="--max-memory allows 400M") as caught:
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
