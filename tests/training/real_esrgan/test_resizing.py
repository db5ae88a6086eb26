import numpy as np
import pytest

from w2s_cli.training.patches.real_esrgan_stages import (
    MODES,
    Mode,
    draw_factor,
    draw_mode,
    resized,
    scaled,
)
from w2s_cli.training.recipe_tables import SecondStage, Stage

DRAWS = 600


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(5, 9), (20, 30), (47, 31)])
def test_a_constant_stays_one_at_any_size(mode: Mode, shape: tuple[int, int]) -> None:
    image = np.full((20, 30), 0.3, np.float32)
    there = resized(image, shape, mode)
    assert there.shape == shape
    assert there.dtype == np.float32
    np.testing.assert_allclose(there, 0.3, rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_the_same_size_changes_nothing(mode: Mode) -> None:
    image = np.random.default_rng(0).random((12, 17), np.float32)
    np.testing.assert_allclose(resized(image, (12, 17), mode), image, atol=1e-6)


def test_halves_are_what_the_formulas_say() -> None:
    image = np.random.default_rng(1).random((16, 20), np.float32)
    means = image.reshape(8, 2, 10, 2).mean((1, 3))
    np.testing.assert_allclose(resized(image, (8, 10), "area"), means, rtol=1e-5)
    np.testing.assert_allclose(resized(image, (8, 10), "bilinear"), means, rtol=1e-5)
    # Cubic convolution with a = -3/4, half way between pixels
    line = np.array([-0.09375, 0.59375, 0.59375, -0.09375])
    columns = np.lib.stride_tricks.sliding_window_view(image, (4, 4))[1:-1:2, 1:-1:2]
    cubic = np.einsum("yxij,i,j->yx", columns, line, line)
    inner = resized(image, (8, 10), "bicubic")[1:-1, 1:-1]
    np.testing.assert_allclose(inner, cubic, atol=1e-6)


def test_a_third_aliases_unless_it_is_by_area() -> None:
    stripes = np.zeros((9, 9), np.float32)
    stripes[:, 1::3] = 1
    np.testing.assert_allclose(resized(stripes, (3, 3), "area"), 1 / 3, rtol=1e-6)
    np.testing.assert_allclose(resized(stripes, (3, 3), "bilinear"), 1, rtol=1e-6)


@pytest.mark.parametrize("stage", [Stage(), SecondStage()])
def test_factors_and_modes_occur_as_often_as_told(stage: Stage) -> None:
    rng = np.random.default_rng(2)
    factors = np.array([draw_factor(stage, rng) for _ in range(DRAWS)])
    counts = [(factors > 1).mean(), (factors < 1).mean(), (factors == 1).mean()]
    np.testing.assert_allclose(counts, stage.resize, atol=0.08)
    low, high = stage.factor
    assert low <= factors.min() < low + 0.02
    assert high - 0.02 < factors.max() <= high
    modes = [draw_mode(rng) for _ in range(DRAWS)]
    assert all(abs(modes.count(mode) / DRAWS - 1 / 3) < 0.08 for mode in MODES)


def test_no_shape_is_empty() -> None:
    assert scaled((100, 7), 0.15) == (15, 1)
    assert scaled((3, 3), 0.15) == (1, 1)
