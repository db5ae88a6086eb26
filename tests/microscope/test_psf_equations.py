"""Linear equations that the true kernel must solve."""

import numpy as np
import pytest

from w2s_cli.microscope.psf import PSF, gaussian_psf
from w2s_cli.microscope.psf_equations import psf_equations, residual_image
from w2s_cli.microscope.psf_registration import Alignment, Overlay
from w2s_cli.microscope.simulation import Exposure, simulate_field, widefield

REACH = 5
FIELD = simulate_field(128, np.random.default_rng(1))
TRUTH = PSF.normalised(
    gaussian_psf(1.25).weights + 0.02 * np.eye(2 * REACH + 1, dtype=np.float32)
)


@pytest.mark.parametrize("scale", [1, 2])
def test_the_true_kernel_solves_them(scale: int) -> None:
    low = widefield(FIELD, TRUTH, Exposure(50), scale)
    overlay = Overlay.of(low, FIELD, REACH, "a")
    alignment = Alignment((0.0, 0.0), gain=50.0)
    start = PSF.normalised(np.pad(gaussian_psf(1).weights, 1))
    left = residual_image(overlay, alignment, start)
    found = psf_equations(overlay, left, alignment, noise=1.0)
    matrix, vector = found.system(REACH)
    assert matrix == pytest.approx(matrix.T, abs=1e-6 * np.abs(matrix).max())
    missing = (TRUTH.weights - start.weights).ravel().astype(np.float64)
    assert matrix @ missing == pytest.approx(vector, abs=0.02 * np.abs(vector).max())
    assert missing @ vector == pytest.approx(found.energy, rel=0.02)


def test_pairs_add_up_weighed_by_their_noise() -> None:
    low = widefield(FIELD, TRUTH, Exposure(50))
    overlay = Overlay.of(low, FIELD, REACH, "a")
    alignment = Alignment(overlay.start, gain=50.0)
    left = low - np.float32(overlay.mean(low))
    one, noisy = (psf_equations(overlay, left, alignment, n) for n in (1.0, 4.0))
    both = one + noisy
    np.testing.assert_allclose(both.auto, 1.25 * one.auto)
    np.testing.assert_allclose(both.cross, 1.25 * one.cross)
    assert both.energy == pytest.approx(1.25 * one.energy)
    assert both.count == 2 * one.count
