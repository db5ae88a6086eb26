"""Widths of kernels whose width is known."""

import numpy as np
import pytest

from w2s_cli.microscope.psf import (
    FWHM_OF_SIGMA,
    PSF,
    best_gaussian,
    cutoff_frequency,
    diffraction_psf,
    gaussian_psf,
    radial_profile,
    widefield_psf,
)


@pytest.mark.parametrize("sigma", [1.2, 2, 4.5])
def test_the_width_of_a_gaussian(sigma: float) -> None:
    kernel = gaussian_psf(sigma)
    fwhm = radial_profile(kernel).fwhm
    assert fwhm == pytest.approx(FWHM_OF_SIGMA * sigma, rel=0.01)
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
