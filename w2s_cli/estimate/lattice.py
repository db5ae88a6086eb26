"""Whether values lie on a lattice of fractions, as averages of whole counts do."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 1024
_PIXELS = 4096
_ROUNDED = 2.0**-23  # of a float32, per value


def denominator(plane: NDArray[Any]) -> int:
    """Return the smallest K such that all values are multiples of 1/K.

    An average of K whole counts is one, and so are 2x2 pixels averaged (4), and counts
    divided by 255. What float32 cannot tell from chance is not looked for.

    Parameters
    ----------
    plane
        (Y, X), of any real dtype.

    Returns
    -------
    int
        1 for whole numbers, 0 where there is no such K up to 1024.
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
