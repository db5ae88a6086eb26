"""How an input follows from its restored version."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from w2s_cli.microscope.reblurring import WIDE, Blur, binned, fit_blur


@pytest.fixture(scope="module")
def sharp() -> np.ndarray:
    rng = np.random.default_rng(0)
    image = gaussian_filter(rng.random((192, 192)) ** 20, 1.2)
    return (1000 * image / image.max()).astype(np.float32)


def found(seen: np.ndarray, restored: np.ndarray) -> Blur:
    rng = np.random.default_rng(1)
    noisy = (seen + rng.normal(0, 5, seen.shape)).astype(np.float32)
    variance = np.full(seen.shape, 25, np.float32)
    return fit_blur(noisy, restored, variance, np.ones(seen.shape, bool))


def test_an_image_that_is_as_sharp_is_not_blurred(sharp: np.ndarray) -> None:
    blur = found(sharp, sharp)
    assert blur.sigma < 0.15
    assert blur.gain == pytest.approx(1, abs=0.01)
    assert blur(sharp) == pytest.approx(sharp, abs=5)


@pytest.mark.parametrize("sigma", [0.8, 1.5])
@pytest.mark.parametrize("scale", [1, 2])
def test_blur_gain_and_offset_are_found(
    sharp: np.ndarray, sigma: float, scale: int
) -> None:
    seen = 0.5 * binned(gaussian_filter(sharp, sigma * scale), scale) + 100
    blur = found(seen, sharp)
    assert blur.scale == scale
    assert blur.gain == pytest.approx(0.5, abs=0.02)
    assert blur.sigma == pytest.approx(sigma, abs=0.25)
    assert np.abs(blur(sharp) - seen).mean() < 1.5


def test_haze_that_the_output_lacks_is_no_contrast(sharp: np.ndarray) -> None:
    seen = sharp + 2 * gaussian_filter(sharp, 12)
    blur = found(seen, sharp)
    assert blur.gain == pytest.approx(1, abs=0.05)
    assert sum(blur.weights) == pytest.approx(3, abs=0.3)
    assert WIDE < 12


def test_what_was_drawn_in_does_not_decide(sharp: np.ndarray) -> None:
    drawn = sharp.copy()
    drawn[90:93, 40:120] += 3000
    assert found(sharp, drawn).gain == pytest.approx(1, abs=0.05)


def test_no_blur_sharpens_or_moves(sharp: np.ndarray) -> None:
    smooth = gaussian_filter(sharp, 2)
    assert np.abs(found(sharp, smooth)(smooth) - sharp).max() > 100
    moved = np.roll(sharp, 2, axis=1)
    assert np.abs(found(sharp, moved)(moved) - sharp).max() > 100


def test_a_large_image_is_fitted_where_there_is_something() -> None:
    rng = np.random.default_rng(0)
    image = np.zeros((900, 1000), np.float32)
    spots = gaussian_filter(rng.random((100, 100)) ** 20, 1.2)
    image[780:880, 880:980] = 2000 * spots / spots.max()
    blur = found(gaussian_filter(image, 1.0), image)
    assert blur.gain == pytest.approx(1, abs=0.05)
    assert blur.sigma == pytest.approx(1, abs=0.2)


def test_sides_that_are_no_multiple_of_each_other_are_cut() -> None:
    assert binned(np.ones((5, 7), np.float32), 2).shape == (2, 3)
    assert binned(zoom(np.eye(2), 2, order=0), 2) == pytest.approx(np.eye(2))
