"""The smaller sizes of an image that viewers show from afar."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SMALLEST = 512  # pixels along the sides of an image that needs no smaller one


def smaller_sizes(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the shapes of an image and of the smaller ones, each half as large."""
    found = [shape]
    while max(found[-1][-2:]) > _SMALLEST:
        *lead, height, width = found[-1]
        found.append((*lead, -(-height // 2), -(-width // 2)))
    return found


def halved(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the means of 2 x 2 pixels; at an odd edge, of those that there are."""
    height, width = pixels.shape
    even = np.pad(pixels, ((0, height % 2), (0, width % 2)), mode="edge")
    corners = [even[y::2, x::2] for y in (0, 1) for x in (0, 1)]
    mean = np.zeros(corners[0].shape, np.float32)
    for corner in corners:
        mean += corner
    mean /= len(corners)
    whole = np.rint(mean) if pixels.dtype.kind in "iu" else mean
    return whole.astype(pixels.dtype)
