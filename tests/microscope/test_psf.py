"""Widths of kernels whose width is known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from w2s_cli.microscope.psf import (
    PSF,
    best_gaussian,
    cutoff_frequency,
    diffraction_psf,
    gaussian_psf,
    halved,
    radial_profile,
    widefield_psf,
)

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


@pytest.mark.parametrize("sigma", [1.2, 2, 4.5])
def test_the_width_of_a_gaussian(sigma: float) -> None:
    kernel = gaussian_psf(sigma)
    fwhm = radial_profile(kernel).fwhm
    assert fwhm == pytest.approx(2.3548 * sigma, rel=0.01)
    assert best_gaussian(kernel) == pytest.approx((sigma, 1), rel=1e-3)


def test_the_width_of_an_airy_disc() -> None:
    fwhm = radial_profile(widefield_psf(1.4, 0.525, 0.0325)).fwhm
    assert fwhm is not None
    assert fwhm * 0.0325 == pytest.approx(0.5145 * 0.525 / 1.4, rel=0.02)


def test_the_profile_runs_from_the_middle_to_the_edge() -> None:
    kernel = gaussian_psf(2)
    profile = radial_profile(kernel)
    reach = kernel.weights.shape[0] // 2
    assert (profile.radius[0], profile.radius[-1]) == (0, reach)
    assert profile.weight[0] == pytest.approx(kernel.weights.max())
    assert profile.weight[-1] == pytest.approx(kernel.weights[0, reach], rel=0.1)


@pytest.mark.parametrize("side", [1, 3])
def test_a_width_beyond_the_edge_is_not_known(side: int) -> None:
    assert radial_profile(PSF.normalised(np.ones((side, side)))).fwhm is None


@pytest.mark.parametrize("frequency", [0.1, 0.17, 0.3, 0.5])
def test_the_cutoff_of_a_round_pupil(frequency: float) -> None:
    kernel = diffraction_psf(frequency, 129)
    assert cutoff_frequency(kernel) == pytest.approx(frequency, rel=0.03)


def test_no_blur_has_no_cutoff() -> None:
    assert cutoff_frequency(PSF.normalised(np.ones((1, 1)))) is None
