"""How far a mean would move with other fields of view.

Channels and crops of one field share its cells, its focus and its luck: they are not
independent. So whole fields are drawn again, never single images.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtrit

FEWEST = 6  # groups: of fewer, all lie on one side of the truth too often
_MOST_AT_ONCE = 1 << 22  # draws of a group; bounds the memory at 32 MiB


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and where it may lie.

    Attributes
    ----------
    mean
        Over the images.
    low, high
        The ends of the confidence interval; None where a single group says nothing of
        others.
    groups
        How many groups there are.
    """

    mean: float
    low: float | None
    high: float | None
    groups: int


def interval(
    values: ArrayLike,
    groups: Sequence[str],
    *,
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Return the mean of values and a bootstrap interval over groups.

    As many groups as there are drawn with replacement, each with all its values, and
    averaged over the values drawn. The quantiles of such means are those of a
    percentile interval that is widened for the number of groups, as Student's t is
    wider than the normal distribution ([1]_, Sec. 5.3): the plain one is too narrow for
    a few groups. Below `FEWEST` groups even this one is, as no draw goes beyond them.

    Parameters
    ----------
    values
        (N,) finite numbers, N above 0.
    groups
        (N,) names: values of one name are drawn together.
    level
        Probability that the interval holds the mean over all fields there could be.
    resamples
        How often to draw.
    seed
        Of the draws: the same arguments give the same interval.

    References
    ----------
    .. [1] T. Hesterberg, "What teachers should know about the bootstrap: resampling in
       the undergraduate statistics curriculum", The American Statistician 69 (2015).
    """
    numbers = np.asarray(values, np.float64)
    names, places = np.unique(np.asarray(groups), return_inverse=True)
    count = len(names)
    mean = float(numbers.mean())
    if count < 2:
        return Interval(mean, None, None, count)
    sums = np.bincount(places, numbers - mean).astype(np.float64)
    means = _means(sums, np.bincount(places), resamples, np.random.default_rng(seed))
    low, high = mean + np.quantile(means, _tails(level, count))
    return Interval(mean, float(low), float(high), count)


def _means(
    sums: NDArray[np.float64],
    sizes: NDArray[np.int64],
    resamples: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the mean of the values of each draw of groups."""
    count = len(sums)
    step = max(1, _MOST_AT_ONCE // count)
    sizes_at_once = (min(step, resamples - at) for at in range(0, resamples, step))
    means = []
    for size in sizes_at_once:
        drawn = rng.integers(count, size=(size, count))
        means.append(sums[drawn].sum(1) / sizes[drawn].sum(1))
    return np.concatenate(means)


def _tails(level: float, count: int) -> NDArray[np.float64]:
    """Return which quantiles of the drawn means are the ends of the interval."""
    t = stdtrit(count - 1, (1 - level) / 2)
    tail = float(ndtr(t * np.sqrt(count / (count - 1))))
    return np.array([tail, 1 - tail])
