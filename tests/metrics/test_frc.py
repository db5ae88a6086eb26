from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
import pytest
from scipy import fft, optimize

from w2s_cli.errors import InputError, UsageError
from w2s_cli.metrics.frc import RingCorrelation, frc, ring_correlation, single_frc

MEAN = 400.0  # photons a pixel, the power of their noise
Transfer = Callable[[Any], Any]


def _light(transfer: Transfer, rng: np.random.Generator, side: int = 384) -> Any:
    """Return light whose power at a frequency is the square of `transfer`."""
    radius = np.hypot(fft.fftfreq(side)[:, None], fft.fftfreq(side))
    spectrum = fft.fft2(rng.normal(0, 1, (side, side))) * transfer(radius)
    return np.maximum(MEAN + fft.ifft2(spectrum).real, 1)


def _gaussian(width: float, strength: float) -> Transfer:
    return lambda radius: strength * np.exp(-0.5 * (radius / width) ** 2)


def _period(transfer: Transfer, ratio: float) -> float:
    """Return the period at which signal power over noise power is `ratio`."""
    found = optimize.brentq(
        lambda radius: transfer(radius) ** 2 / MEAN - ratio, 1e-4, 0.5
    )
    return float(1 / found)


SCENES = [_gaussian(0.05, 120), _gaussian(0.08, 120), _gaussian(0.12, 60)]


@pytest.mark.parametrize("transfer", SCENES)
def test_resolution_of_two_exposures(transfer: Transfer) -> None:
    """S / (S + N) is 1/7 where S is N / 6. To 5 %."""
    rng = np.random.default_rng(0)
    light = _light(transfer, rng)
    found = frc(rng.poisson(light), rng.poisson(light))
    assert found == pytest.approx(_period(transfer, 1 / 6), rel=0.05)


@pytest.mark.parametrize("transfer", SCENES)
def test_resolution_of_one_exposure(transfer: Transfer) -> None:
    """Halves have half the signal power for their noise. To 6 %."""
    rng = np.random.default_rng(1)
    image = rng.poisson(_light(transfer, rng))
    expected = _period(transfer, 1 / 3)
    assert single_frc(image) == pytest.approx(expected, rel=0.06)


def test_resolution_of_a_sharp_cut() -> None:
    """To 5 %: the taper and the smoothing widen a step."""
    rng = np.random.default_rng(3)
    light = _light(lambda radius: 50.0 * (radius < 0.2), rng)
    first, second = rng.poisson(light), rng.poisson(light)
    for threshold in ("1/7", "half-bit", "3-sigma"):
        found = frc(first, second, threshold=threshold)
        assert found == pytest.approx(5, rel=0.05)


def test_curve_is_that_of_the_powers() -> None:
    transfer = SCENES[0]
    rng = np.random.default_rng(4)
    light = _light(transfer, rng)
    curve = ring_correlation(rng.poisson(light), rng.poisson(light))
    power = transfer(curve.frequency) ** 2 / MEAN
    np.testing.assert_allclose(curve.smoothed, power / (power + 1), atol=0.08)
    assert curve.frequency[-1] == pytest.approx(0.5, abs=1e-3)
    assert np.abs(curve.correlation).max() <= 1
    np.testing.assert_allclose(
        curve.count, 2 * np.pi * curve.frequency * 384, rtol=0.2, atol=4
    )


def test_images_need_not_be_square() -> None:
    rng = np.random.default_rng(5)
    light = _light(SCENES[1], rng)[:, :250]
    found = frc(rng.poisson(light), rng.poisson(light))
    assert found == pytest.approx(_period(SCENES[1], 1 / 6), rel=0.07)


def test_noise_alone_has_no_resolution_and_the_same_image_all() -> None:
    rng = np.random.default_rng(6)
    for first, second in rng.normal(0, 1, (20, 2, 128, 128)):
        assert frc(first, second) == inf
        assert single_frc(first) == inf
    assert frc(first, first) == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("1/7", 1 / 7),
        ("half-bit", (0.2071 + 0.19102) / (1.2071 + 0.09102)),
        ("3-sigma", 3 / np.sqrt(50)),
    ],
)
def test_thresholds_by_hand(kind: Any, expected: float) -> None:
    curve = RingCorrelation(np.array([0.1]), np.array([1.0]), np.array([100]))
    np.testing.assert_allclose(curve.threshold(kind), expected)


def test_crossing_is_between_rings() -> None:
    frequency = np.linspace(0.01, 0.5, 50)
    line = 1 - 2 * frequency
    curve = RingCorrelation(frequency, line, np.full(50, 10**9))
    assert curve.resolution() == pytest.approx(1 / (3 / 7), rel=1e-3)


def test_images_that_cannot_be_measured() -> None:
    image = np.random.default_rng(8).normal(0, 1, (64, 64))
    with pytest.raises(InputError, match="reference is 64 x 64 pixels, the image 32 x"):
        frc(image, image[:32])
    with pytest.raises(InputError, match="must be 32 x 32 pixels or more, found 31 x"):
        frc(image[:31], image[:31])
    with pytest.raises(InputError, match="must be 64 x 64 pixels or more, found 64 x "):
        single_frc(image[:, :63])
    with pytest.raises(InputError, match="every pixel of the image is 0"):
        frc(image, np.zeros_like(image))
    with pytest.raises(UsageError, match="no threshold is called '1/2'") as error:
        frc(image, image, threshold="1/2")  # type: ignore[arg-type]
    assert error.value.hint == "known: 1/7, half-bit, 3-sigma"
