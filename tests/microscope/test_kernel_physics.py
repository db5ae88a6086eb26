import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from w2s_cli.microscope.psf import gaussian_psf, halved, widefield_psf

rng = np.random.default_rng(0)


def test_gaussian_kernel_blurs_like_a_gaussian_filter() -> None:
    image = rng.random((40, 51)).astype(np.float32)
    blurred = gaussian_psf(2).blur(image)
    np.testing.assert_allclose(
        blurred, gaussian_filter(image, 2, truncate=4), atol=1e-5
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (33, 17)])
def test_blur_keeps_the_light(shape: tuple[int, int]) -> None:
    flat = np.full(shape, 7, np.float32)
    np.testing.assert_allclose(gaussian_psf(3).blur(flat), flat, rtol=1e-5)


def test_widefield_kernel_stops_at_its_cutoff() -> None:
    kernel = widefield_psf(1.4, 0.525, pixel_size=0.04)
    otf = abs(np.fft.fft2(np.fft.ifftshift(kernel.weights)))
    radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(65, 0.04)] * 2))
    assert kernel.weights.sum() == pytest.approx(1, abs=1e-5)
    assert otf[radius > 1.1 * 2 * 1.4 / 0.525].max() < 1e-2
    assert np.unravel_index(kernel.weights.argmax(), (65, 65)) == (32, 32)


def test_halved_takes_the_mean_of_four() -> None:
    image = np.arange(16, dtype=np.float32).reshape(4, 4)
    np.testing.assert_array_equal(halved(image), [[2.5, 4.5], [10.5, 12.5]])
