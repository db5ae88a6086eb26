"""The undecimated Haar transform, not normalised.

A coefficient of level j is the sum of a square of ``2^j * 2^j`` pixels, or the sum of
one half of it less that of the other. Nothing is divided: for photons, the variance of
each of the differences is the expectation of the sum at the same place. Squares lie
wholly inside the image, so that a level has ``2^(j-1)`` rows and columns less than the
one before.
"""

from collections.abc import Sequence

import numpy as np

from w2s_cli.restore import FloatArray

SUM = (1, 1)  # the sign of the far half of a square along Y and X
DETAILS = ((1, -1), (-1, 1), (-1, -1))

Details = tuple[FloatArray, ...]  # in the order of `DETAILS`


def split(sums: FloatArray, level: int) -> tuple[FloatArray, Details]:
    """Return the sums of a level, and its three details, from the level before."""
    step = 2 ** (level - 1)
    near, far = _ends(sums, step, 0)
    added, taken = _ends(near + far, step, 1), _ends(near - far, step, 1)
    details = (added[0] - added[1], taken[0] + taken[1], taken[0] - taken[1])
    return added[0] + added[1], details


def spread(band: FloatArray, level: int, signs: tuple[int, int]) -> FloatArray:
    """Return a band's coefficients spread over the places that they were summed from.

    This is the adjoint of what `split` does for that band.
    """
    step = 2 ** (level - 1)
    for axis, sign in enumerate(signs):
        sides = [side + step * (axis == at) for at, side in enumerate(band.shape)]
        grown: FloatArray = np.zeros(sides, np.float32)
        near, far = _ends(grown, step, axis)
        near += band
        far += band if sign > 0 else -band
        band = grown
    return band


def pixels(band: FloatArray, level: int, signs: tuple[int, int]) -> FloatArray:
    """Return a band's part of the image that its coefficients are from."""
    image = spread(band, level, signs)
    for below in range(level - 1, 0, -1):
        image = spread(image, below, SUM)
    image /= 16**level
    return image


def joined(sums: FloatArray, details: Sequence[Details]) -> FloatArray:
    """Return the image: the inverse of `split` over all levels, the first level first.

    It is exact where all squares that cover a pixel lie in the image.
    """
    for level in range(len(details), 0, -1):
        image = spread(sums, level, SUM)
        for band, signs in zip(details[level - 1], DETAILS, strict=True):
            image += spread(band, level, signs)
        sums = np.divide(image, 16, out=image)
    return sums


def _ends(array: FloatArray, step: int, axis: int) -> tuple[FloatArray, FloatArray]:
    """Return views of all but the last `step` places along an axis, and the first."""
    if axis == 0:
        return array[:-step], array[step:]
    return array[:, :-step], array[:, step:]
