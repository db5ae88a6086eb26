"""The tables of the unbiased inverse, against drawn photons and against itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2s_cli.errors import UsageError
from w2s_cli.microscope.noise_model import BRIGHT, NoiseModel, unbiased_inverse

models = st.builds(
    NoiseModel,
    gain=st.floats(0.2, 50),
    offset=st.floats(-100, 500),
    read_noise=st.floats(0, 10),
)
MEANS = [0.0, 0.5, 2.0, 10.0, 200.0]


@given(models, st.floats(0, 2000))
def test_square_undoes_stabilise(noise: NoiseModel, photons: float) -> None:
    counts = noise.counts(np.full((2, 2), photons, np.float32))
    back = noise.square(noise.stabilise(counts))
    tolerance = 1e-4 * noise.gain * (photons + noise.lift) + 1e-3
    np.testing.assert_allclose(back, counts, atol=tolerance, rtol=1e-5)


@pytest.mark.parametrize("multiplied", [False, True])
@pytest.mark.parametrize("read_noise", [0.0, 2.0])
@pytest.mark.parametrize("mean", MEANS)
def test_samples_have_the_promised_mean_and_variance(
    mean: float, read_noise: float, multiplied: bool
) -> None:
    noise = NoiseModel(gain=3.0, offset=100, read_noise=read_noise)
    photons = np.full((400, 400), mean, np.float32)
    rng = np.random.default_rng(1)
    counts = noise.sample(photons, rng, multiplied=multiplied).astype(float)
    expected = noise.counts(photons)
    variance = float(noise.variance(expected).mean())
    assert counts.mean() == pytest.approx(expected.mean(), abs=0.01 * variance + 0.05)
    assert counts.var() == pytest.approx(variance, rel=0.02, abs=1e-9)


@pytest.mark.parametrize(("multiplied", "skew"), [(False, 1), (True, 1.5)])
def test_multiplied_light_has_a_longer_tail(multiplied: bool, skew: float) -> None:
    photons = np.full((1000, 1000), 4, np.float32)
    rng = np.random.default_rng(1)
    error = NoiseModel(1).sample(photons, rng, multiplied=multiplied) - photons
    assert (error.astype(float) ** 3).mean() / 4 == pytest.approx(skew, rel=0.05)


@pytest.mark.parametrize("mean", [3.0, 10.0, 200.0])
def test_stabilised_noise_has_unit_deviation(mean: float) -> None:
    noise = NoiseModel(gain=3.0, offset=100, read_noise=2)
    counts = noise.sample(
        np.full((400, 400), mean, np.float32), np.random.default_rng(2)
    )
    assert noise.stabilise(counts).std() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("mean", [2.0, 10.0, 200.0])
def test_unstabilise_is_unbiased(mean: float) -> None:
    noise = NoiseModel(gain=3.0, offset=100, read_noise=2)
    counts = noise.sample(
        np.full((600, 600), mean, np.float32), np.random.default_rng(3)
    )
    average = np.full((1, 1), noise.stabilise(counts).mean(), np.float32)
    photons = noise.photons(noise.unstabilise(average)).item()
    assert photons == pytest.approx(mean, rel=0.02)


@pytest.mark.parametrize(
    "wrong", [{"gain": 0}, {"gain": 1, "read_noise": -1}, {"gain": np.nan}]
)
def test_impossible_models_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="impossible noise model") as caught:
        NoiseModel(**wrong)
    assert "above 0" in caught.value.hint


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
