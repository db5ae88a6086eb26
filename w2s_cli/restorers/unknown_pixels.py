"""Pixels that are not known: NaN in stabilised counts or photons.

A network gets something near in their place, and a mask that says where they are.
"""

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray

_REACH = 2  # pixels on each side whose median stands for an unknown one
_FURTHEST = 16


def filled(plane: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return a plane with a value everywhere, and where it had none.

    Parameters
    ----------
    plane
        (Y, X) float32, NaN where a pixel is unknown.

    Returns
    -------
    plane
        (Y, X) float32; an unknown pixel has the median of the known ones around it, of
        the nearest square that has any.
    unknown
        (Y, X), True there.
    """
    unknown = np.isnan(plane)
    if not unknown.any():
        return plane, unknown
    made, reach = plane.copy(), _REACH
    left = np.argwhere(unknown)
    while len(left) and reach <= _FURTHEST:
        middle = _medians(plane, left, reach)
        found = ~np.isnan(middle)
        made[tuple(left[found].T)] = middle[found]
        left, reach = left[~found], 2 * reach
    if len(left):
        known = plane[~unknown]
        made[tuple(left.T)] = np.median(known) if known.size else 0
    return made, unknown


def _medians(plane: FloatArray, where: NDArray[np.intp], reach: int) -> FloatArray:
    """Return the median of the known pixels around some; NaN where there are none."""
    wide = np.pad(plane, reach, constant_values=np.nan)
    side = np.arange(2 * reach + 1)
    y, x = (
        where.T[:, :, None, None]
        + np.stack(np.meshgrid(side, side, indexing="ij"))[:, None]
    )
    around = np.sort(wide[y, x].reshape(len(where), -1), axis=1)  # NaN comes last
    count = np.count_nonzero(~np.isnan(around), axis=1)
    rows = np.arange(len(where))
    low = around[rows, np.maximum(count - 1, 0) // 2]
    high = around[rows, np.minimum(count // 2, np.maximum(count - 1, 0))]
    return np.asarray(np.where(count > 0, (low + high) / 2, np.nan), np.float32)
