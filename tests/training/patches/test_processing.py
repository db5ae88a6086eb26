import numpy as np
import pytest

from w2s_cli.training.patches.exposures import (
    averaged,
    binned,
    demosaiced,
    draw_processing,
    jpeg,
    shifted,
    smeared,
)

EVEN = np.full((24, 24), 7, np.float32)


@pytest.mark.parametrize("in_place", [False, True])
def test_even_light_stays_even(in_place: bool) -> None:
    for seed in range(30):
        way = draw_processing(np.random.default_rng(seed), in_place)
        made = way.apply(way.lit(EVEN))
        assert made.dtype == np.float32
        inner = made[8:-8, 8:-8]
        assert inner.std() < 0.01 * inner.mean() or way.sensitivity is not None
        if way.sensitivity is None:
            assert inner.mean() == pytest.approx(7, rel=0.01)


def test_ways_that_stay_in_place_move_no_light() -> None:
    spot = np.zeros((33, 33), np.float32)
    spot[16, 16] = 1
    for seed in range(30):
        way = draw_processing(np.random.default_rng(seed), in_place=True)
        made = way.apply(spot)
        y, x = (made * np.mgrid[:33, :33]).sum((1, 2)) / made.sum()
        assert (y, x) == pytest.approx((16, 16), abs=0.01)


def test_each_way_does_what_it_says() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(64, 64)).astype(np.float32)
    assert np.array_equal(shifted(noise, 0, 0), noise)
    assert shifted(noise, 0.5, 0.5).var() == pytest.approx(0.25, abs=0.03)
    blocks = binned(noise, False, (0, 0))
    assert np.array_equal(blocks[::2], blocks[1::2])
    assert np.array_equal(blocks[:, ::2], blocks[:, 1::2])
    moved = binned(noise, False, (1, 0))
    assert np.array_equal(moved[1:-1:2], moved[2::2])
    line = smeared(noise, 1, 0.5)
    assert np.mean(line[:, 1:] * line[:, :-1]) / line.var() == pytest.approx(
        0.5, abs=0.05
    )
    both = averaged(noise, 0, 0.5)
    assert both.var() == pytest.approx(0.375, abs=0.04)


@pytest.mark.parametrize("phase", range(4))
def test_demosaicing_is_exact_where_colours_are_even(phase: int) -> None:
    cell = np.array([[0.5, 1], [1, 0.25]], np.float32)
    cell = np.roll(cell, (-(phase // 2), -(phase % 2)), (0, 1))
    mosaic = np.tile(cell, (12, 12)) * 8
    grey = demosaiced(mosaic, phase, np.ones((2, 2), np.float32))
    wanted = 8 * (0.299 * 0.5 + 0.587 + 0.114 * 0.25)
    assert grey[4:-4, 4:-4] == pytest.approx(wanted, rel=1e-5)
    assert demosaiced(mosaic, phase, cell)[4:-4, 4:-4] == pytest.approx(8, rel=1e-5)


def test_jpeg_keeps_greys_about() -> None:
    ramp = np.tile(np.linspace(10, 240, 64, dtype=np.float32), (64, 1))
    assert jpeg(ramp, 95) == pytest.approx(ramp, abs=3)
