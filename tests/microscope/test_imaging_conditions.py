import numpy as np
import pytest

from w2s_cli.microscope.imaging_conditions import (
    BLUR_NUMBERS,
    CAMERA_NUMBERS,
    ImagingConditions,
    autocorrelation,
    diffraction_transfer,
    gaussian_transfer,
    psf_transfer,
)
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import diffraction_psf, gaussian_psf


def test_unknown_blur_is_told_apart_from_every_known_one() -> None:
    unknown, known = ImagingConditions(), ImagingConditions(transfer=(0.0,) * 5)
    assert unknown.blur[-1] == 0
    assert known.blur[-1] == 1
    assert len(known.numbers(CAMERA_NUMBERS + BLUR_NUMBERS)) == 11
    assert known.numbers(CAMERA_NUMBERS) == known.camera
    with pytest.raises(ValueError, match="takes 3 conditions"):
        known.numbers(3)


def test_conditions_can_be_read() -> None:
    told = ImagingConditions(2.0, (0.5, 0.25, 0, 0), (1, 0.75, 0.5, 0.25, 0))
    assert str(told).startswith(
        "no light is 2.00; correlation of the noise 0.50 at 0,1"
    )
    assert str(told).endswith("0.00 at 0.32 cycles a pixel")
    assert str(ImagingConditions()).endswith("blur unknown")


def test_without_read_noise_the_floor_is_that_of_the_noise_model() -> None:
    assert ImagingConditions().floor == pytest.approx(NoiseModel(gain=2).floor)


def test_correlation_is_that_of_the_noise_model() -> None:
    lags = tuple(
        tuple(0.1 * y + 0.01 * x if (y, x) != (0, 0) else 1.0 for x in range(-3, 4))
        for y in range(4)
    )
    noise = NoiseModel(2, read_noise=3, correlation=lags)
    found = ImagingConditions(transfer=(0.5,) * 5).knowing(noise)
    assert found.correlation == pytest.approx((0.01, 0.1, 0.02, 0.2))
    assert found.floor == pytest.approx(noise.floor)
    assert found.transfer == (0.5,) * 5
    loud = found.knowing(NoiseModel(1, read_noise=20), lowered=3.5)
    assert loud.correlation == (0, 0, 0, 0)
    assert loud.floor == pytest.approx(2 * np.sqrt(400.375) - 3.5)


def test_transposed_conditions_are_those_of_the_transposed_noise() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200, 300)).astype(np.float32)
    noise = noise + np.roll(noise, 1, axis=1) + 0.5 * np.roll(noise, 2, axis=0)
    found = ImagingConditions(correlation=autocorrelation(noise))
    turned = ImagingConditions(correlation=autocorrelation(noise.T.copy()))
    assert found.transposed().correlation == pytest.approx(turned.correlation, abs=1e-6)
    assert found.correlation[0] != pytest.approx(found.correlation[1], abs=0.1)


def test_autocorrelation_of_known_noise() -> None:
    rng = np.random.default_rng(1)
    white = rng.normal(3, 2, (400, 400)).astype(np.float32)
    assert autocorrelation(white) == pytest.approx((0, 0, 0, 0), abs=0.01)
    smeared = (white + np.roll(white, 1, axis=1)) / 2
    assert autocorrelation(smeared) == pytest.approx((0.5, 0, 0, 0), abs=0.01)
    assert autocorrelation(np.full((9, 9), 4, np.float32)) == (0, 0, 0, 0)


@pytest.mark.parametrize("finer", [1, 2])
def test_transfer_of_a_kernel_is_that_of_its_formula(finer: int) -> None:
    sigma = 1.5
    gaussian = psf_transfer(gaussian_psf(sigma * finer), finer)
    fwhm = 2.3548 * sigma
    assert gaussian == pytest.approx(gaussian_transfer(fwhm), abs=0.01)
    cutoff = 0.26
    widefield = psf_transfer(diffraction_psf(cutoff / finer, 129), finer)
    # A kernel of finite side holds not all of the light of its long tails.
    assert widefield == pytest.approx(diffraction_transfer(cutoff), abs=0.04)
