"""How far a mean would move with other fields of view.

Channels and crops of one field share its cells, its focus and its luck: they are not
independent. So whole fields are drawn again, never single images.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtrit

FEWEST = 6  # groups: of fewer, all lie on one side of the truth too often
_MOST_AT_ONCE = 1 << 22  # draws of a group; bounds the memory at 32 MiB


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and where it may lie."""

    mean: float
    # the ends of the interval; None where a single group says nothing of others
    low: float | None
    high: float | None
    groups: int  # how many there are


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
    # Of values less their mean, so that nothing is lost to rounding
    sums = np.bincount(places, numbers - mean)
    sizes = np.bincount(places)
    rng = np.random.default_rng(seed)
    step = max(1, _MOST_AT_ONCE // count)
    means = []
    for start in range(0, resamples, step):
        drawn = rng.integers(count, size=(min(step, resamples - start), count))
        means.append(sums[drawn].sum(1) / sizes[drawn].sum(1))
    t = stdtrit(count - 1, (1 - level) / 2)
    tail = float(ndtr(t * np.sqrt(count / (count - 1))))
    low, high = mean + np.quantile(np.concatenate(means), [tail, 1 - tail])
    return Interval(mean, float(low), float(high), count)


def too_narrow(fields: int) -> str:
    """Return what a reader must know of intervals over a few fields of view."""
    return (
        f"intervals over {fields} fields of view are too narrow: "
        "no draw goes beyond the fields at hand"
    )
