"""A few planes and squares of a stack to measure on, and how bright they are."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.microscope.quantization import clipping_step
from w2s_cli.microscope.unknown_pixels import KnownPlane
from w2s_cli.stack import Stack

MOST_PLANES = 4
MOST_SIDE = 2048  # pixels along Y and X, from the middle
GRID, SQUARE = 4, 256  # squares along Y and X, and their side
BRIGHT = 99.5
"""Percentile that stands for the brightest parts."""
DARK = 0.5
_ROWS = 256  # that tell how grainy a plane is
_MEDIAN_OF_NORMAL = 0.6745  # of absolute values, in standard deviations
_FULL = [2**bits - 1 for bits in range(8, 17)]  # where cameras saturate


def sampled_indices(
    stack: Stack, channel: int, most: int = MOST_PLANES
) -> list[tuple[int, ...]]:
    """Return a few evenly spaced planes of a channel, the first and the last too."""
    indices = [at for at in stack.indices() if stack.channel_of(at) == channel]
    if len(indices) <= most:
        return indices
    return [indices[round(at)] for at in np.linspace(0, len(indices) - 1, most)]


def sample_planes(stack: Stack, channel: int) -> list[NDArray[Any]]:
    """Return the middle of a few evenly spaced planes of a channel, in counts."""
    places = sampled_indices(stack, channel)
    return [middle_of_plane(stack, at).counts for at in places]


def middle_of_plane(
    stack: Stack, at: tuple[int, ...], most: int = MOST_SIDE
) -> KnownPlane:
    """Return the middle of the plane at an index, up to so many pixels wide."""
    [rows], [columns] = (spread(length, most) for length in stack.data.shape[-2:])
    return KnownPlane.of(stack.region(at, rows, columns).copy())


def spread(length: int, side: int, count: int = 1) -> list[slice]:
    """Return up to so many parts of an axis, evenly spread and without overlap."""
    count = max(min(count, length // side), 1)
    ends = (length * (2 * number + 1) // count for number in range(count))
    starts = [max(end - side, 0) // 2 for end in ends]
    return [slice(start, min(start + side, length)) for start in starts]


def sample_squares(
    planes: Sequence[NDArray[Any]], grid: int = GRID
) -> list[NDArray[Any]]:
    """Return squares from all over each (Y, X) plane; one that is small stays whole.

    A million pixels tell the noise as well as all of them, in a fraction of the time.
    """
    squares = []
    for plane in planes:
        if plane.size <= grid**2 * SQUARE**2:
            squares.append(plane)
            continue
        rows, columns = (_starts(length, grid) for length in plane.shape)
        corners = product(rows, columns)
        squares += [plane[y : y + SQUARE, x : x + SQUARE] for y, x in corners]
    return squares


def _starts(length: int, grid: int) -> list[int]:
    """Return where the squares start along an axis, evenly and without overlap."""
    count = max(min(grid, length // SQUARE), 1)
    room = max(length - SQUARE, 0)
    return [room * number // max(count - 1, 1) for number in range(count)]


def checked_finite(plane: NDArray[Any], name: str) -> FloatArray:
    """Return a plane as float32 counts, or say where it holds no number."""
    counts = plane.astype(np.float32, copy=False)
    bad = ~np.isfinite(counts)
    if bad.any():
        y, x = np.argwhere(bad)[0]
        raise InputError(
            f"{bad.sum()} pixels are NaN or infinite, the first at "
            f"{name and name + ', '}y {y}, x {x}",
            hint="replace them by numbers: a restored pixel depends on its neighbours",
        )
    return counts


def dark_and_bright(plane: KnownPlane) -> tuple[float, float]:
    """Return the darkest and brightest parts, means over 3x3 pixels."""
    smooth = uniform_filter(plane.counts.astype(np.float32), 3)
    if not plane.blank:
        smooth = smooth[~plane.unknown]
    dark, bright = np.percentile(smooth, [DARK, BRIGHT])
    return float(dark), float(bright)


def grain(plane: NDArray[Any]) -> float | None:
    """Return the sd of what changes from pixel to pixel in the darker half, in counts.

    Neighbours that are equal, as in blank areas, tell nothing; None where all are.
    """
    some = plane[:: max(len(plane) // _ROWS, 1)].astype(np.float32)
    steps, levels = np.diff(some), some[:, 1:] + some[:, :-1]
    steps, levels = np.abs(steps[steps != 0]), levels[steps != 0]
    if not steps.size:
        return None
    dark = steps[levels <= np.median(levels)]
    return float(np.median(dark) / (_MEDIAN_OF_NORMAL * np.sqrt(2)))


def saturated_pixels(pixels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which pixels are at the highest value, where that is an end of a range.

    It is one of a camera of 8 to 16 bits, or where pixels pile up.
    """
    peak = float(pixels.max())
    full = peak in _FULL or clipping_step([pixels], peak)
    return np.asarray(pixels == peak) & bool(full)


def saturated_share(pixels: NDArray[Any]) -> float:
    """Return the share of pixels that are saturated: see `saturated_pixels`."""
    return float(saturated_pixels(pixels).mean())
