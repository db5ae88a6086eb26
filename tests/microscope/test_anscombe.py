"""The tables of the unbiased inverse, against drawn photons and against itself."""

import numpy as np
import pytest

from w2s_cli.microscope.noise_model import BRIGHT, NoiseModel, unbiased_inverse

SIGMAS = [0.0, 1e-3, 0.5, 2.0, 5.0, 50.0]
DRAWN = 400_000


def _transformed(photons: float, sigma: float) -> np.ndarray:
    rng = np.random.default_rng(round(1000 * (photons + sigma)))
    counts = rng.poisson(photons, DRAWN) + sigma * rng.standard_normal(DRAWN)
    return 2 * np.sqrt(np.maximum(counts + 3 / 8 + sigma**2, 0))


def _inverse(value: float, sigma: float) -> float:
    return float(unbiased_inverse(np.array([value], np.float32), sigma)[0])


@pytest.mark.parametrize("sigma", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("photons", [0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 300.0])
def test_the_mean_of_drawn_photons_comes_back(photons: float, sigma: float) -> None:
    values = _transformed(photons, sigma)
    mean, error = values.mean(), values.std() / np.sqrt(DRAWN)
    low, high = (_inverse(mean + 4 * sign * error, sigma) for sign in (-1, 1))
    assert low - 2e-4 <= photons <= high + 2e-4
    assert high - low < 0.1 + 0.01 * photons  # so the draw is worth something


@pytest.mark.parametrize("sigma", SIGMAS)
def test_more_light_never_becomes_less(sigma: float) -> None:
    values = np.linspace(0, 200 + 4 * sigma, 100_001, dtype=np.float32)
    photons = unbiased_inverse(values, sigma)
    # Where photons are few against sigma^2, they are a difference of large floats.
    assert (np.diff(photons) >= -1e-6 * (1 + sigma**2)).all()
    assert photons.max() > BRIGHT


@pytest.mark.parametrize("sigma", SIGMAS)
def test_the_table_meets_its_limit(sigma: float) -> None:
    for photons in np.linspace(0.8 * BRIGHT, 1.2 * BRIGHT, 50):
        value = 2 * np.sqrt(photons + 1 / 8 + sigma**2)
        tolerance = 5e-4 + 2e-6 * sigma**2  # of float32
        assert _inverse(value, sigma) == pytest.approx(photons, abs=tolerance)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_less_than_darkness_is_dark(sigma: float) -> None:
    assert _inverse(0, sigma) == 0
    assert _inverse(1.2, sigma) == 0


def test_dark_counts_without_read_noise_are_dark() -> None:
    noise = NoiseModel(2.0, 100)
    dark = noise.stabilise(np.full((2, 3), 100, np.uint16))
    np.testing.assert_allclose(dark, 2 * np.sqrt(3 / 8), rtol=1e-6)
    np.testing.assert_allclose(noise.unstabilise(dark), 100, atol=1e-4)


def test_shape_and_dtype_stay() -> None:
    values = np.full((2, 3, 4), 7, np.float32)
    photons = unbiased_inverse(values, 1.5)
    assert photons.shape == values.shape
    assert photons.dtype == np.float32
    assert (values == 7).all()
