"""Pixels of like brightness, taken together."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from w2s_cli.estimate.clipping import unclipped

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

BINS = 96
LEAST_BINS = 8
ENOUGH = 30
CLIPPED_LEVEL = 0.4
"""Levels with more clipped pixels are left out, unless there is nothing else."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Pixels of like brightness taken together: one number a level, shape (N,).

    Attributes
    ----------
    weight
        Measurements of the variance, fewer where part of the pixels are clipped.
    mean
        Counts.
    variance
        Squared counts.
    scatter
        Variance of one measurement of the variance, over the square of that variance.
    """

    weight: Values
    mean: Values
    variance: Values
    scatter: float

    @property
    def error(self) -> Values:
        """Return the standard error of the variance of each level."""
        return self.variance * np.sqrt(self.scatter / self.weight)


@dataclass(frozen=True, slots=True)
class Scale:
    """Brightness cut into bins, finer where it is dark.

    Attributes
    ----------
    low, high
        Counts; what is beyond them falls into the bins at the ends.
    """

    low: float
    high: float

    @classmethod
    def of(cls, brightness: NDArray[Any]) -> Self:
        """Return the scale on which nearly all of some counts are."""
        low, high = np.percentile(brightness, [0.05, 99.95])
        return cls(float(low), float(high))

    def bins(self, brightness: NDArray[Any]) -> Indices:
        """Return the bin of each count, of the same shape."""
        span = self.high - self.low or 1.0
        place = np.sqrt(np.clip((brightness - self.low) / span, 0, 1))
        bins: Indices = np.minimum(place * BINS, BINS - 1).astype(np.intp)
        return bins


def summed(
    bins: Indices,
    mean: NDArray[Any],
    variance: NDArray[Any],
    low: NDArray[Any],
    high: NDArray[Any],
) -> Values:
    """Return the sums of measurements in each bin, shape (5, BINS).

    Parameters
    ----------
    bins, mean, variance
        Of each measurement, shape (N,). The bin is to come from other pixels, or from
        other exposures: the noise of a measurement must not sort it.
    low, high
        Shares of clipped pixels about it, below and above, shape (N,).

    Returns
    -------
    array
        Rows: how many, and the sums of mean, variance, low and high.
    """
    rows = [np.bincount(bins, minlength=BINS)]
    for values in (mean, variance, low, high):
        rows.append(np.bincount(bins, values, minlength=BINS))
    return np.stack(rows)


def levels_of(sums: Values, scatter: float) -> Levels:
    """Return the averages of each bin, what clipping took from them given back.

    The more was given back, the more it hangs on the noise being normal: such a level
    weighs less.

    Parameters
    ----------
    sums
        From `summed`, added up as need be.
    scatter
        See `Levels`.
    """
    count, *rest = _joined(sums)
    mean, variance, low, high = (row / count for row in rest)
    hidden = low + high
    mean, variance = unclipped(mean, variance, low, high)
    weight = count * np.exp(-10 * hidden)
    kept = hidden <= max(CLIPPED_LEVEL, float(hidden.min()))
    return Levels(weight[kept], mean[kept], variance[kept], scatter)


def _joined(sums: Values) -> Values:
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
