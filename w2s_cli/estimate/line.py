"""A line through variance over mean, and how well it is known."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from w2s_cli.estimate.levels import Levels

Values = NDArray[np.float64]

ROUNDS = 20
LEAST_PART = 0.02
"""Least variance that a level is expected to have, as a part of the average."""


@dataclass(frozen=True, slots=True)
class Line:
    """Variance over mean: `slope * mean + intercept`, with standard errors.

    Attributes
    ----------
    slope, slope_error
        Variance a count of light: the gain, in counts a photon.
    intercept, intercept_error
        Variance at 0 counts, in squared counts.
    covariance
        Of the errors of slope and intercept.
    """

    slope: float
    intercept: float
    slope_error: float
    intercept_error: float
    covariance: float

    def variance(self, mean: Values) -> Values:
        """Return the variance at `mean` counts, 0 or more."""
        return np.maximum(self.slope * mean + self.intercept, 0)

    def error(self, mean: Values) -> Values:
        """Return the standard error of the variance at `mean` counts."""
        square = self.slope_error**2 * mean**2 + 2 * self.covariance * mean
        return np.sqrt(np.maximum(square + self.intercept_error**2, 0))


def fit_line(levels: Levels) -> Line:
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
    return Line(
        slope,
        intercept,
        sqrt(of_slope),
        sqrt(about_centre + of_slope * centre**2),
        -of_slope * centre,
    )


def fit_slope(levels: Levels, offset: float, read_noise: float) -> Line:
    """Return the line whose variance without light is known from a dark frame.

    Parameters
    ----------
    levels
        What the image shows.
    offset, read_noise
        Mean and standard deviation of the dark frame, in counts.
    """
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
    return Line(slope, intercept, error, error * abs(offset), -(error**2) * offset)


def _fitted(levels: Levels) -> tuple[float, float, Values]:
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


def _least(levels: Levels) -> float:
    average = float(np.average(levels.variance, weights=levels.weight))
    return max(LEAST_PART * average, 1e-30)


def _dispersion(
    levels: Levels, fitted: Values, expected: Values, parameters: int
) -> float:
    """Return the variance of one measurement, in units of the expected square."""
    freedom = len(expected) - parameters
    if freedom < 1:
        return levels.scatter
    residual = (levels.variance - fitted) / expected
    return max(float(levels.weight @ residual**2) / freedom, levels.scatter)
