"""Lines and spots are found where they are put, and nowhere else."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from w2s_cli._typing import FloatArray
from w2s_cli.metrics.structures import NEAR, line_heights, middle_lines, nearby, objects

SIDE = 64
NONE = np.zeros((SIDE, SIDE), bool)


def line(column: int = 20, length: int = 40) -> FloatArray:
    """Return a line of height 1 and a standard deviation of 2 pixels."""
    image = np.zeros((SIDE, SIDE), np.float32)
    image[8 : 8 + length, column] = 2 * np.sqrt(2 * np.pi)
    return gaussian_filter(image, 2.0)


def spot(y: int = 40, x: int = 50) -> FloatArray:
    image = np.zeros((SIDE, SIDE), np.float32)
    image[y, x] = 2 * np.pi * 4
    return gaussian_filter(image, 2.0)


def test_the_height_of_a_line_is_found_on_any_slope() -> None:
    slope = np.linspace(0, 30, SIDE, dtype=np.float32)
    heights = line_heights(100 + slope + line())
    assert heights[28, 20] == pytest.approx(1, abs=0.03)
    assert line_heights(spot())[40, 50] == pytest.approx(0.8, abs=0.03)
    assert line_heights(np.full((SIDE, SIDE), 7, np.float32)).max() < 1e-4


def test_what_is_put_in_is_found() -> None:
    found = objects(line() + spot(), 0.4, NONE)
    assert (found.filaments, found.puncta) == (1, 1)
    assert found.labels[28, 20] != found.labels[40, 50]
    assert found.long[found.labels[28, 20] - 1]
    assert not found.long[found.labels[40, 50] - 1]
    assert middle_lines(line_heights(line()), 0.5)[10:46, 20].all()


def test_a_height_that_nothing_reaches_finds_nothing() -> None:
    found = objects(line() + spot(), 2.0, NONE)
    assert (found.filaments, found.puncta, found.labels.max()) == (0, 0, 0)
    assert objects(line(), 0.4, ~NONE).filaments == 0


@pytest.mark.parametrize(("column", "false"), [(20, 0), (20 + NEAR - 1, 0), (32, 1)])
def test_a_line_is_false_where_the_truth_has_none_nearby(column, false) -> None:
    known = nearby(line_heights(line())) > 0.2
    assert objects(line(column), 0.4, known).filaments == false


def test_a_false_branch_of_a_true_line_is_found() -> None:
    known = nearby(line_heights(line())) > 0.2
    branched = line() + line().T
    found = objects(branched, 0.4, known)
    assert found.filaments >= 1
    assert not found.labels[28, 20]


def test_a_line_over_grains_is_a_worm_where_the_truth_has_no_line() -> None:
    """In texture something is nearby everywhere, but not along the same way."""
    waves = gaussian_filter(np.random.default_rng(0).normal(size=(SIDE, SIDE)), 2.0)
    grains = np.asarray(waves / waves.std(), np.float32)
    everywhere = ~NONE
    assert objects(grains, 0.5, everywhere, (grains,)).worms == 0
    found = objects(grains + 4 * line(), 1.5, everywhere, (grains,))
    assert found.worms >= 1
    assert found.long.all()
    there = found.labels[:, 17:24] > 0
    assert there.sum() > 0.8 * (found.labels > 0).sum()
    true = grains + 4 * line()
    assert objects(true, 1.5, everywhere, (grains, true)).worms == 0
