"""Bright lines and spots of an image, and which of them its truth does not have.

A line or a spot is where the image curves down across it. Its height is found from the
curvature, by derivatives of a Gaussian, so that even light and slopes do not count. An
object is false where there is nothing of it in the truth within the blur: what is moved
or wider by less is not invented. A false branch of a true line is an object as well.
In texture there is something nearby everywhere: there a line is false, a worm, where
along it the truth has less than half of its curvature in the same direction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, gaussian_filter, label, maximum_filter
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
_ALONG = 3  # pixels of a middle line in 3 x 3, but where it branches
_HAD = 0.5  # of the height of a worm: what the truth may have
_AREA = 6  # pixels of the smallest object
_EIGHT = np.ones((3, 3), int)


@dataclass(frozen=True, slots=True)
class FoundObjects:
    """Objects in an image.

    Attributes
    ----------
    filaments, puncta
        How many there are.
    worms
        Lines as long as filaments that run across true structure.
    labels
        (Y, X), the number of the object at each pixel, 0 for none; of worms their
        middle lines.
    long
        Of each number from 1 on, whether it is a filament or a worm.
    """

    filaments: int
    puncta: int
    worms: int
    labels: NDArray[np.intp]
    long: Mask


def line_heights(image: FloatArray) -> FloatArray:
    """Return the height of the line or spot at each pixel of (Y, X), 0 where none is.

    It is right for lines with a standard deviation of 2 pixels; of spots as wide it is
    four fifths.
    """
    yy, xx, xy = _curvatures(image)
    most = (xx + yy) / 2 - np.hypot((xx - yy) / 2, xy)
    return np.asarray(np.maximum(-most, 0), np.float32)


def _curvatures(image: FloatArray) -> list[FloatArray]:
    """Return the second derivatives along Y, X and both, of lines their heights."""
    scale = np.float32((_WIDTH**2 + _DERIVED**2) ** 1.5 / _WIDTH)
    return [
        scale * gaussian_filter(image, _DERIVED, order=order, truncate=_FAR)
        for order in ((2, 0), (0, 2), (1, 1))
    ]


def middle_lines(heights: FloatArray, threshold: float) -> Mask:
    """Return the middle lines of all that is higher than a threshold."""
    return np.asarray(skeletonize(heights > threshold), bool)


def nearby(heights: FloatArray) -> FloatArray:
    """Return the largest height within `NEAR` pixels."""
    return np.asarray(maximum_filter(heights, 2 * NEAR + 1), np.float32)


def objects(
    image: FloatArray, threshold: float, known: Mask, truths: Sequence[FloatArray] = ()
) -> FoundObjects:
    """Return the lines and spots above a threshold that the truth does not have.

    Parameters
    ----------
    image
        (Y, X).
    threshold
        Height of an object.
    known
        Where the truth has something nearby.
    truths
        Images of what there is, sharp or blurred; worms are looked for in the light of
        them.
    """
    heights = line_heights(image)
    labels, _ = label((heights > threshold) & ~known, _EIGHT)
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    kept = areas >= _AREA
    labels = (np.cumsum(kept) * kept)[labels]
    count = int(kept.sum())
    middle = middle_lines(heights, threshold)
    outlines = labels[skeletonize(labels > 0)]
    long = np.bincount(outlines, minlength=count + 1)[1:] >= LINE
    filaments = int(long.sum())
    worms = _worms(image, middle & (labels == 0), truths) if truths else labels * 0
    labels = np.where(worms > 0, worms + count, labels)
    more = int(worms.max())
    long = np.concatenate([long, np.ones(more, bool)])
    return FoundObjects(filaments, count - filaments, more, labels, long)


def _worms(
    image: FloatArray, middle: Mask, truths: Sequence[FloatArray]
) -> NDArray[np.intp]:
    """Return the middle lines that the truth has less than half of, numbered."""
    yy, xx, xy = _curvatures(image)
    angle = np.arctan2(2 * xy, yy - xx) / 2
    y, x = -np.sin(angle), np.cos(angle)  # across the line

    def across(curved: Sequence[FloatArray]) -> FloatArray:
        return np.asarray(
            -(y**2 * curved[0] + x**2 * curved[1] + 2 * x * y * curved[2])
        )

    crossings = convolve(middle.astype(np.int8), _EIGHT, mode="constant") > _ALONG
    labels, count = label(middle & ~crossings, _EIGHT)
    own, *others = (
        np.bincount(labels.ravel(), one.ravel(), count + 1)
        for one in (across(_curvatures(one)) for one in (image, *truths))
    )
    lengths = np.bincount(labels.ravel(), minlength=count + 1)
    false = (lengths >= LINE) & (np.max(others, axis=0) < _HAD * own)
    false[0] = False
    return np.asarray((np.cumsum(false) * false)[labels])
