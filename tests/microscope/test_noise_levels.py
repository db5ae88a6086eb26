import numpy as np
import pytest

from w2s_cli.microscope.noise_levels import (
    BrightnessBins,
    BrightnessLevels,
    brightness_levels,
    fit_line,
    fit_slope,
    sums_by_bin,
)

WEIGHT = 200.0
MEAN = np.linspace(110, 400, 40)


def levels(rng: np.random.Generator, gain=3.0, intercept=-280.0) -> BrightnessLevels:
    variance = gain * MEAN + intercept
    seen = variance * (1 + np.sqrt(2 / WEIGHT) * rng.standard_normal(len(MEAN)))
    return BrightnessLevels(np.full(len(MEAN), WEIGHT), MEAN, seen, 2.0)


def test_standard_errors_cover_the_truth_as_often_as_they_say() -> None:
    lines = [fit_line(levels(np.random.default_rng(n))) for n in range(300)]
    for off in (
        np.array([(line.slope - 3) / line.slope_error for line in lines]),
        np.array([(line.intercept + 280) / line.intercept_error for line in lines]),
        np.array([(line.variance(250.0) - 470) / line.error(250.0) for line in lines]),
    ):
        assert np.mean(np.abs(off) < 1) == pytest.approx(0.70, abs=0.10)
        assert np.mean(np.abs(off) < 2) > 0.92


def test_scatter_beyond_that_of_the_noise_makes_the_errors_larger() -> None:
    known = levels(np.random.default_rng(0))
    wavy = BrightnessLevels(
        known.weight, MEAN, known.variance * (1 + 0.5 * np.sin(MEAN)), known.scatter
    )
    assert fit_line(wavy).slope_error > 2 * fit_line(known).slope_error


def test_a_known_dark_makes_the_slope_better() -> None:
    # Variance 20 without light at an offset of 100.
    lines = [
        fit_slope(levels(np.random.default_rng(n)), 100, 20**0.5) for n in range(60)
    ]
    assert np.mean([line.slope for line in lines]) == pytest.approx(3, rel=0.01)
    assert lines[0].slope_error < fit_line(levels(np.random.default_rng(0))).slope_error
    for line in lines:
        assert line.variance(np.array(100.0)) == pytest.approx(20)


@pytest.mark.parametrize("count", [5000, 64, 9])
def test_every_level_has_enough_measurements(count: int) -> None:
    around = np.random.default_rng(0).exponential(10, count)
    bins = BrightnessBins.of(around).bins(around)
    none = np.zeros(count)
    levels = brightness_levels(sums_by_bin(bins, around, around**2, none, none), 2.0)
    assert (np.diff(bins[np.argsort(around)]) >= 0).all()
    assert levels.weight.min() >= min(30, count / 8)
    assert levels.weight.sum() == count
    assert np.average(levels.mean, weights=levels.weight) == pytest.approx(
        around.mean()
    )
    assert levels.error == pytest.approx(levels.variance * np.sqrt(2 / levels.weight))


def test_equal_brightness_is_one_level() -> None:
    same = np.full(50, 7.0)
    levels = brightness_levels(
        sums_by_bin(BrightnessBins.of(same).bins(same), same, same, 0 * same, 0 * same),
        2,
    )
    assert (levels.mean, levels.variance) == ([7], [7])


def test_levels_that_are_mostly_clipped_are_left_out() -> None:
    bins = np.repeat([0, 1], 50)
    half, none = np.full(100, 0.5), np.zeros(100)
    assert (
        len(brightness_levels(sums_by_bin(bins, bins, half, bins / 2, none), 2.0).mean)
        == 1
    )
    assert (
        len(brightness_levels(sums_by_bin(bins, bins, half, half, none), 2.0).mean) == 2
    )


def test_one_level_is_a_line_of_unknown_slope() -> None:
    line = fit_line(
        BrightnessLevels(np.array([40.0]), np.array([9.0]), np.array([4.0]), 2.0)
    )
    assert line.variance(np.array(9.0)) == pytest.approx(4)
    assert line.slope_error > 1e10
