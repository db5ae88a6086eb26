"""Pixels of like brightness, taken together."""

from dataclasses import dataclass
from math import sqrt
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import DoubleArray, IndexArray
from w2s_cli.microscope.quantization import unclipped

BINS = 96
LEAST_BINS = 8
ENOUGH = 30
CLIPPED_LEVEL = 0.4
"""Levels with more clipped pixels are left out, unless there is nothing else."""
ROUNDS = 20
LEAST_PART = 0.02
"""Least variance that a level is expected to have, as a part of the average."""


@dataclass(frozen=True, eq=False)
class BrightnessLevels:
    """Pixels of like brightness taken together: one number a level, shape (N,)."""

    # Measurements of the variance, fewer where part of the pixels are clipped
    weight: DoubleArray
    mean: DoubleArray  # counts
    variance: DoubleArray  # squared counts
    # Variance of one measurement of the variance, over the square of that variance
    scatter: float

    @property
    def error(self) -> DoubleArray:
        """Return the standard error of the variance of each level."""
        return self.variance * np.sqrt(self.scatter / self.weight)


@dataclass(frozen=True, slots=True)
class BrightnessBins:
    """Brightness cut into bins, finer where it is dark."""

    low: float  # counts; what is beyond them falls into the bins at the ends
    high: float

    @classmethod
    def of(cls, brightness: NDArray[Any]) -> Self:
        """Return the scale on which nearly all of some counts are."""
        low, high = np.percentile(brightness, [0.05, 99.95])
        return cls(float(low), float(high))

    def bins(self, brightness: NDArray[Any]) -> IndexArray:
        """Return the bin of each count, of the same shape."""
        span = self.high - self.low or 1.0
        place = np.sqrt(np.clip((brightness - self.low) / span, 0, 1))
        bins: IndexArray = np.minimum(place * BINS, BINS - 1).astype(np.intp)
        return bins


def sums_by_bin(
    bins: IndexArray,
    mean: NDArray[Any],
    variance: NDArray[Any],
    low: NDArray[Any],
    high: NDArray[Any],
) -> DoubleArray:
    """Return the count and the sums of mean, variance, low, high in bins, (5, BINS).

    The bin of a measurement is to come from other pixels, or from other exposures: the
    noise of a measurement must not sort it.
    """
    rows = [np.bincount(bins, minlength=BINS)]
    for values in (mean, variance, low, high):
        rows.append(np.bincount(bins, values, minlength=BINS))
    return np.stack(rows)


def brightness_levels(sums: DoubleArray, scatter: float) -> BrightnessLevels:
    """Return the averages of each bin, what clipping took from them given back.

    The more was given back, the more it hangs on the noise being normal: such a level
    weighs less.
    """
    count, *rest = _joined(sums)
    mean, variance, low, high = (row / count for row in rest)
    hidden = low + high
    mean, variance = unclipped(mean, variance, low, high)
    weight = count * np.exp(-10 * hidden)
    kept = hidden <= max(CLIPPED_LEVEL, float(hidden.min()))
    return BrightnessLevels(weight[kept], mean[kept], variance[kept], scatter)


def _joined(sums: DoubleArray) -> DoubleArray:
    """Return the sums of neighbouring bins joined until each has enough measurements.

    The weight of a level follows from its place on the line, not from itself: one made
    of a few measurements may be far off, and pull the line along.
    """
    enough = min(ENOUGH, sums[0].sum() / LEAST_BINS)
    joined = np.zeros_like(sums)
    number = 0
    for column in sums.T:
        joined[:, number] += column
        number += bool(joined[0, number] >= enough)
    if 0 < joined[0, number % BINS] < enough and number:
        joined[:, number - 1] += joined[:, number]
    return joined[:, : max(number, 1)]


@dataclass(frozen=True, slots=True)
class VarianceLine:
    """Variance over mean: `slope * mean + intercept`, with standard errors."""

    slope: float  # variance a count of light: the gain, in counts a photon
    intercept: float  # variance at 0 counts, in squared counts
    slope_error: float
    intercept_error: float
    covariance: float  # of the errors of slope and intercept

    def variance(self, mean: DoubleArray) -> DoubleArray:
        """Return the variance at `mean` counts, 0 or more."""
        return np.maximum(self.slope * mean + self.intercept, 0)

    def error(self, mean: DoubleArray) -> DoubleArray:
        """Return the standard error of the variance at `mean` counts."""
        square = self.slope_error**2 * mean**2 + 2 * self.covariance * mean
        return np.sqrt(np.maximum(square + self.intercept_error**2, 0))


def fit_line(levels: BrightnessLevels) -> VarianceLine:
    """Return the line through variance over mean.

    The variance of a level has an error in proportion to itself: weighted least
    squares, with the weights taken from the fit before. The standard errors are those
    of the measurements, or of the scatter about the line where that is more: structure
    that passes for noise makes them larger. What it adds evenly they do not know.
    """
    slope, intercept, expected = _fitted(levels)
    weight = levels.weight / expected**2
    centre = float(np.average(levels.mean, weights=weight))
    lever = float(weight @ (levels.mean - centre) ** 2)
    spread = _dispersion(levels, slope * levels.mean + intercept, expected, 2)
    about_centre = spread / float(weight.sum())
    of_slope = spread / max(lever, 1e-300)
    return VarianceLine(
        slope,
        intercept,
        sqrt(of_slope),
        sqrt(about_centre + of_slope * centre**2),
        -of_slope * centre,
    )


def fit_slope(
    levels: BrightnessLevels, offset: float, read_noise: float
) -> VarianceLine:
    """Return the line whose variance without light is known from a dark frame."""
    light, dark = levels.mean - offset, read_noise**2
    least = _least(levels)
    expected = np.full_like(light, least)
    slope = 0.0
    for _ in range(ROUNDS):
        weight = levels.weight / expected**2
        lever = weight * light
        slope = float(lever @ (levels.variance - dark)) / float(lever @ light)
        expected = np.maximum(slope * light + dark, least)
    spread = _dispersion(levels, slope * light + dark, expected, 1)
    error = sqrt(spread / float(levels.weight / expected**2 @ light**2))
    intercept = dark - slope * offset
    return VarianceLine(
        slope, intercept, error, error * abs(offset), -(error**2) * offset
    )


def _fitted(levels: BrightnessLevels) -> tuple[float, float, DoubleArray]:
    """Return slope, intercept, and the variance expected of each level."""
    least, mean = _least(levels), levels.mean
    expected = np.full_like(mean, least)
    slope = intercept = 0.0
    for _ in range(ROUNDS):
        weight = levels.weight / expected**2
        centre = np.average(mean, weights=weight)
        height = np.average(levels.variance, weights=weight)
        lever = weight * (mean - centre)
        slope = float(lever @ levels.variance) / max(float(lever @ mean), 1e-30)
        intercept = float(height - slope * centre)
        expected = np.maximum(slope * mean + intercept, least)
    return slope, intercept, expected


def _least(levels: BrightnessLevels) -> float:
    average = float(np.average(levels.variance, weights=levels.weight))
    return max(LEAST_PART * average, 1e-30)


def _dispersion(
    levels: BrightnessLevels,
    fitted: DoubleArray,
    expected: DoubleArray,
    parameters: int,
) -> float:
    """Return the variance of one measurement, in units of the expected square."""
    freedom = len(expected) - parameters
    if freedom < 1:
        return levels.scatter
    residual = (levels.variance - fitted) / expected
    return max(float(levels.weight @ residual**2) / freedom, levels.scatter)
