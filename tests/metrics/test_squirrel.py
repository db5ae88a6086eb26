import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from w2s_cli.errors import InputError, UsageError
from w2s_cli.metrics.squirrel import rse, rsp, squirrel
from w2s_cli.microscope.psf import diffraction_psf

rng = np.random.default_rng(0)
SHARP = gaussian_filter(rng.random((96, 128)) ** 8, 1, mode="reflect")


def _seen(image: np.ndarray, scale: int) -> np.ndarray:
    height, width = (side // scale for side in image.shape)
    return np.asarray(image.reshape(height, scale, width, scale).mean((1, 3)))


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("sigma", [1.0, 2.5, 6.0])
def test_blur_gain_and_offset_are_found(sigma: float, scale: int) -> None:
    """The width to 2 %: scipy's Gaussian is cut off, and sampled."""
    blurred = gaussian_filter(SHARP, sigma, mode="reflect")
    low = 300 * _seen(blurred, scale) + 100
    found = squirrel(low, SHARP)
    assert found.sigma == pytest.approx(sigma, rel=0.02)
    assert found.rse < 0.01 * low.std()
    assert found.rsp > 0.9999
    assert found.error.shape == low.shape


def test_error_is_the_noise_of_the_input() -> None:
    clean = 300 * _seen(gaussian_filter(SHARP, 3, mode="reflect"), 2) + 100
    low = clean + rng.normal(0, 2, clean.shape)
    found = squirrel(low, SHARP)
    assert found.rse == pytest.approx(2, rel=0.05)
    assert found.rse == pytest.approx(np.sqrt(np.mean(found.error**2)))
    assert (rse(low, SHARP), rsp(low, SHARP)) == (found.rse, found.rsp)


def test_error_is_where_structure_was_invented() -> None:
    low = 300 * _seen(gaussian_filter(SHARP, 3, mode="reflect"), 2) + 100
    invented = SHARP.copy()
    invented[40:44, 60:64] += 3 * SHARP.max()
    found = squirrel(low, invented)
    y, x = np.unravel_index(found.error.argmax(), found.error.shape)
    assert abs(y - 20.5) <= 2
    assert abs(x - 30.5) <= 2
    assert found.rse > 10 * squirrel(low, SHARP).rse
    assert found.rsp < squirrel(low, SHARP).rsp


@pytest.mark.parametrize("scale", [1, 2])
def test_given_kernel_is_what_blurs(scale: int) -> None:
    kernel = diffraction_psf(0.12, 31)
    low = 50 * _seen(kernel.blur(SHARP.astype(np.float32)), scale) + 7
    found = squirrel(low, SHARP, psf=5 * kernel.weights)
    assert found.sigma is None
    assert found.rse < 1e-5 * low.std()
    assert found.rsp == pytest.approx(1)


def test_inverted_image_explains_nothing() -> None:
    low = _seen(gaussian_filter(SHARP, 3, mode="reflect"), 2)
    found = squirrel(low, -SHARP)
    assert found.rse == pytest.approx(low.std())
    assert found.rsp < -0.2


def test_images_that_do_not_fit() -> None:
    with pytest.raises(
        InputError, match="is 48 x 64 pixels and its input 96 x 128: it"
    ):
        squirrel(SHARP, SHARP[::2, ::2])
    with pytest.raises(InputError, match="it must have as many along Y and X, or a wh"):
        squirrel(SHARP[::2], SHARP)
    with pytest.raises(InputError, match="every pixel of the input is 0"):
        squirrel(0 * SHARP, SHARP)
    with pytest.raises(InputError, match="every pixel of the image is 0"):
        squirrel(SHARP, 0 * SHARP)
    with pytest.raises(InputError, match="the input must be 16 x 16 pixels or more"):
        squirrel(SHARP[:8, :8], SHARP[:8, :8])
    with pytest.raises(UsageError, match="a kernel has odd sides, found 4 x 5"):
        squirrel(SHARP, SHARP, psf=np.ones((4, 5)))
    with pytest.raises(UsageError, match="a kernel sums to 1, found 0"):
        squirrel(SHARP, SHARP, psf=np.zeros((5, 5)))
