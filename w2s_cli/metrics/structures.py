"""Bright lines and spots of an image, and which of them its truth does not have.

A line or a spot is where the image curves down across it. Its height is found from the
curvature, by derivatives of a Gaussian, so that even light and slopes do not count. An
object is false where there is nothing of it in the truth within the blur: what is moved
or wider by less is not invented. A false branch of a true line is an object as well.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label, maximum_filter
from skimage.morphology import skeletonize

from w2s_cli._typing import FloatArray

Mask = NDArray[np.bool_]

NEAR = 3
"""Pixels between an object and its counterpart in the truth, at most."""
LINE = 10
"""Pixels along an object from which it is a filament; a shorter one is a punctum."""
_WIDTH = 2.0  # pixels: standard deviation of a line whose height is right
_DERIVED = 1.5  # pixels: that of the derivatives
_FAR = 6.0  # of these: nearer, the derivatives of even light are not 0
_AREA = 6  # pixels of the smallest object
_EIGHT = np.ones((3, 3), int)


@dataclass(frozen=True, slots=True)
class FoundObjects:
    """Objects in an image.

    Attributes
    ----------
    filaments, puncta
        How many there are.
    labels
        (Y, X), the number of the object at each pixel, 0 for none.
    long
        Of each number from 1 on, whether it is a filament.
    """

    filaments: int
    puncta: int
    labels: NDArray[np.intp]
    long: Mask


def line_heights(image: FloatArray) -> FloatArray:
    """Return the height of the line or spot at each pixel of (Y, X), 0 where none is.

    It is right for lines with a standard deviation of 2 pixels; of spots as wide it is
    four fifths.
    """
    yy, xx, xy = (
        gaussian_filter(image, _DERIVED, order=order, truncate=_FAR)
        for order in ((2, 0), (0, 2), (1, 1))
    )
    most = (xx + yy) / 2 - np.hypot((xx - yy) / 2, xy)
    scale = (_WIDTH**2 + _DERIVED**2) ** 1.5 / _WIDTH
    return np.asarray(np.maximum(-scale * most, 0), np.float32)


def middle_lines(heights: FloatArray, threshold: float) -> Mask:
    """Return the middle lines of all that is higher than a threshold."""
    return np.asarray(skeletonize(heights > threshold), bool)


def nearby(heights: FloatArray) -> FloatArray:
    """Return the largest height within `NEAR` pixels."""
    return np.asarray(maximum_filter(heights, 2 * NEAR + 1), np.float32)


def objects(heights: FloatArray, threshold: float, known: Mask) -> FoundObjects:
    """Return the lines and spots above a threshold, without what is `known`."""
    high = (heights > threshold) & ~known
    labels, _ = label(high, _EIGHT)
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    kept = areas >= _AREA
    numbers = np.cumsum(kept) * kept
    labels = numbers[labels]
    lengths = np.bincount(
        labels[skeletonize(labels > 0)], minlength=int(kept.sum()) + 1
    )[1:]
    long = lengths >= LINE
    filaments = int(long.sum())
    return FoundObjects(filaments, len(long) - filaments, labels, long)
