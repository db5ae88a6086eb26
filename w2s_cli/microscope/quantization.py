"""What a limited range does to noise: variance lost at both ends, and given back.

Foi et al. ([1]_, Sec. III) model a pixel near an end of the range as a normal variable
that is clipped there. Its mean and variance follow from the shares of it beyond either
end; those shares are seen, as pixels of exactly the lowest or the highest value, so the
model can be turned round level by level, whatever the line through them.

References
----------
.. [1] A. Foi, M. Trimeche, V. Katkovnik and K. Egiazarian, "Practical
   Poissonian-Gaussian noise modeling and fitting for single-image raw-data", IEEE
   Trans. Image Process. 17 (2008).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from w2s_cli._typing import DoubleArray

PILE = 1.3
"""Pixels on an end of the range, for each on the level beside it, after clipping."""
FEWEST = 3e-4
"""Share of the pixels below which clipping does not matter."""
_SQRT_2_PI = np.sqrt(2 * np.pi)
MOST = 1024
_PIXELS = 4096
_ROUNDED = 2.0**-23  # of a float32, per value


def clipping_step(planes: Sequence[NDArray[Any]], level: float) -> float:
    """Return the step from `level` to the value beside it if pixels pile up there.

    Clipping and blank areas pile pixels up on an end of the range. So does darkness on
    0 photons, which the caller has to tell apart.

    - `planes`: (Y, X) each.
    - `level`: the lowest or the highest value in all of them.

    Returns 0 where there is no pile.
    """
    away = [np.abs(plane - level) for plane in planes]
    step = float(min(far[far > 0].min(initial=np.inf) for far in away))
    here, beside = (
        sum(np.count_nonzero(far == distance) for far in away) for distance in (0, step)
    )
    pixels = sum(far.size for far in away)
    chance = 3 * np.sqrt(beside + 1)
    piled = here > PILE * beside + chance and here > FEWEST * pixels
    return step if piled else 0.0


def unclipped(
    mean: DoubleArray, variance: DoubleArray, low: DoubleArray, high: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Return the mean and variance that a normal variable had before it was clipped.

    - `mean`, `variance`: shape (N,), after clipping.
    - `low`, `high`: shape (N,), the shares of it that were clipped from below and from
      above; together less than 1.

    Returns mean and variance, shape (N,). From [1]_, Eq. 27 to 32, for given shares.
    """
    shift, kept = _clipped_normal(ndtri(low), -ndtri(high))
    whole = variance / kept
    return mean - shift * np.sqrt(whole), whole


def _clipped_normal(
    low: DoubleArray, high: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Return mean and variance of a standard normal variable, clipped at both ends."""
    below, above = ndtr(low), ndtr(-high)
    at_low, at_high = (np.exp(-(end**2) / 2) / _SQRT_2_PI for end in (low, high))
    # An end at infinity has no weight, and takes no part.
    low, high = (np.where(np.isfinite(end), end, 0) for end in (low, high))
    mean = at_low - at_high + low * below + high * above
    square = 1 - below - above + low * at_low - high * at_high
    square += low**2 * below + high**2 * above
    return mean, square - mean**2


def smallest_denominator(plane: NDArray[Any]) -> int:
    """Return the smallest K such that all values are multiples of 1/K.

    An average of K whole counts is one, and so are 2x2 pixels averaged (4), and counts
    divided by 255. What float32 cannot tell from chance is not looked for.

    - `plane`: (Y, X), of any real dtype.

    Returns 1 for whole numbers, 0 where there is no such K up to 1024.
    """
    if plane.dtype.kind in "iu":
        return 1
    values = np.unique(plane)
    values = values[:: max(len(values) // _PIXELS, 1)].astype(np.float64)
    largest = float(np.abs(values).max())
    for number in range(1, MOST + 1):
        error = number * largest * _ROUNDED
        if error > 0.05:
            break
        if np.abs(values * number - np.rint(values * number)).max() <= 0.005 + error:
            return number
    return 0
