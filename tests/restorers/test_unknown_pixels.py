import numpy as np
import pytest

from w2s_cli.restorers.unknown_pixels import filled


def test_a_plane_without_unknown_pixels_is_left() -> None:
    plane = np.ones((3, 4), np.float32)
    made, unknown = filled(plane)
    assert made is plane
    assert not unknown.any()


def test_unknown_pixels_get_the_median_of_the_known_ones_around() -> None:
    rng = np.random.default_rng(0)
    plane = rng.uniform(1, 9, (40, 50)).astype(np.float32)
    whole = plane.copy()
    plane[20] = np.nan
    plane[5:8, 10] = np.nan
    plane[0, 0] = np.nan
    made, unknown = filled(plane)
    assert np.array_equal(unknown, np.isnan(plane))
    assert np.array_equal(made[~unknown], whole[~unknown])
    assert made[20, 30] == pytest.approx(np.nanmedian(plane[18:23, 28:33]))
    assert made[6, 10] == pytest.approx(np.nanmedian(plane[4:9, 8:13]))
    assert made[0, 0] == pytest.approx(np.nanmedian(plane[:3, :3]))


def test_wide_gaps_are_filled_from_further_away() -> None:
    plane = np.full((64, 64), 2, np.float32)
    plane[:, 20:31] = np.nan
    made, _ = filled(plane)
    assert np.array_equal(made, np.full_like(made, 2))
    made, unknown = filled(np.full((3, 3), np.nan, np.float32))
    assert unknown.all()
    assert not made.any()
