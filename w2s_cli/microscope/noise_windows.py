"""Look at an image through small windows: how noisy, how bright, how structured.

Every window yields the energy of a high-pass filter, whose expectation is the noise
variance where the structure is smooth, and the mean that belongs to it. What sorts the
windows, the brightness and the roughness of the surroundings, comes from other pixels:
the noise of those pixels tells nothing about the energy, so sorting biases nothing,
whatever the distribution of the noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import sqrt
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d, maximum_filter, uniform_filter

from w2s_cli._typing import DoubleArray, FloatArray, IndexArray
from w2s_cli.microscope.quantization import clipping_step

# The fourth difference keeps the corner of the spectrum, which optics leave empty.
HIGH_PASS = np.array([1, -4, 6, -4, 1]) / np.sqrt(70)
LOW_PASS = np.abs(HIGH_PASS)
INNER, OUTER = 5, 11
MORE = 1.5
"""Noise, per noise of 0 to 2 photons, that says that the dark is clipped."""
OVERLAP = 1.7435
"""Windows that say as much as one that shares no pixel with others: the sum of the
squared correlations of the high-pass noise at the distances of the grid."""
GRID = slice(8, -8, 2)
"""Where the windows are along each axis: clear of the edges, and not too close."""
ENOUGH = 4000
"""Windows that tell the correlation to about 0.03."""
_FEWEST = 125
_WHITE = 0.06  # correlation that is not looked into
_DOUBT, _CHANCE = 1.5, 0.7  # of a correlation, times the root of the windows
_FALL = 0.2  # of a correlation in fewer windows that tells of structure


@dataclass(frozen=True, slots=True)
class Windows:
    """One number a window, all of one shape (N,)."""

    # Parts of the pixels about the window that are clipped from below and above
    low: FloatArray
    high: FloatArray
    energy: FloatArray  # squared high-pass value
    # Mean of the same 5x5 pixels, weighted as they weigh in `energy`: for noise of
    # variance `a * mean + b` the expectation of `energy` is `a * mean + b`
    mean: FloatArray
    # Squared value of a filter that is low-pass along Y, or along X, and else as the
    # one of `energy`: of the same expectation where the noise is white
    down: FloatArray
    across: FloatArray
    around: FloatArray  # brightness and variation of the pixels about the window
    rough: FloatArray

    def __len__(self) -> int:
        return len(self.energy)

    def where(self, kept: NDArray[Any]) -> Self:
        """Return the windows that a mask or an index selects."""
        names = [field.name for field in fields(self)]
        return type(self)(*(getattr(self, name)[kept] for name in names))

    @classmethod
    def of(cls, planes: Sequence[FloatArray]) -> Self:
        """Return the windows of all (Y, X) planes, two pixels apart.

        Closer windows share so many pixels that they would add next to nothing.
        """
        measured = [_measure(plane) for plane in planes]
        energy, *others = map(np.concatenate, zip(*measured, strict=True))
        lowest = np.float32(min(plane.min() for plane in planes))
        highest = np.float32(max(plane.max() for plane in planes))
        low, high = (_hidden(end, planes, energy) for end in (lowest, highest))
        return cls(low, high, energy, *others)


def _measure(pixels: FloatArray) -> list[FloatArray]:
    """Return the fields of `Windows` in their order, but the first two."""
    inner: FloatArray = uniform_filter(pixels, INNER)
    high, weighted, low = (
        correlate1d(pixels, taps, axis=0)[GRID]
        for taps in (HIGH_PASS, HIGH_PASS**2, LOW_PASS)
    )
    images = (
        _along_x(high, HIGH_PASS) ** 2,
        _along_x(weighted, HIGH_PASS**2),
        _along_x(low, HIGH_PASS) ** 2,
        _along_x(high, LOW_PASS) ** 2,
        _ring(pixels, inner),
        _roughness(inner),
    )
    return [image.ravel() for image in images]


def _along_x(rows: FloatArray, taps: DoubleArray) -> FloatArray:
    filtered: FloatArray = correlate1d(rows, taps, axis=1)
    return filtered[:, GRID]


def _ring(pixels: FloatArray, inner: FloatArray) -> FloatArray:
    """Return the mean over the outer square without the inner one."""
    outer: FloatArray = uniform_filter(pixels, OUTER)
    weight = np.float32(OUTER**2 / (OUTER**2 - INNER**2))
    ring: FloatArray = outer[GRID, GRID] * weight - inner[GRID, GRID] * (weight - 1)
    return ring


def _roughness(inner: FloatArray) -> FloatArray:
    """Return how much the four neighbouring squares differ, and from this one."""
    before, after = (
        slice(GRID.start + step, GRID.stop + step, GRID.step)
        for step in (-INNER, INNER)
    )
    up, below = inner[before, GRID], inner[after, GRID]
    left, right = inner[GRID, before], inner[GRID, after]
    slope = (left - right) ** 2 + (up - below) ** 2
    around = left + right + up + below
    saddle = (left + right - up - below) ** 2
    peak = (around - 4 * inner[GRID, GRID]) ** 2
    return (slope + saddle / 2 + peak / 10).astype(np.float32)


def windows_touched(unknown: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Return whether each of `Windows.of` has an unknown pixel inside, shape (N,)."""
    near = (maximum_filter(mask, len(HIGH_PASS))[GRID, GRID] for mask in unknown)
    return np.concatenate([mask.ravel() for mask in near])


def high_pass_energy(pixels: FloatArray) -> FloatArray:
    """Return the squared high-pass value about every second pixel, as in `Windows`."""
    high = correlate1d(correlate1d(pixels, HIGH_PASS, axis=0)[::2], HIGH_PASS, axis=1)
    return np.asarray(high[:, ::2] ** 2, np.float32)


def _hidden(
    level: np.float32, planes: Sequence[FloatArray], energy: FloatArray
) -> FloatArray:
    """Return the share of pixels about each window whose value `level` hides.

    Darkness on 0 photons piles pixels up, too; but there a share `p` of them means a
    variance of `-log(p)` squared steps between two levels, and few windows lie among
    equal pixels only. Those count as clipped all the same.
    """
    step = clipping_step(planes, float(level))
    if not step:
        return np.zeros_like(energy)
    share = np.concatenate([_ring_share(plane == level) for plane in planes])
    uniform = share > 0.99
    near = (share > 0.1) & ~uniform
    blank = np.count_nonzero(uniform) >= np.count_nonzero(near)
    of_photons = -np.log(share[near]) * np.float32(step**2)
    hidden = blank or energy[near].mean() > MORE * of_photons.mean()
    return np.where(uniform | hidden, share, np.float32(0))


def _ring_share(there: NDArray[np.bool_]) -> FloatArray:
    ones = there.astype(np.float32)
    return _ring(ones, uniform_filter(ones, INNER)).ravel()


def neighbour_correlation(windows: Windows, variance: FloatArray) -> float:
    """Return the correlation of neighbours, if it falls off as after a Gaussian blur.

    It is that of the windows with least structure for their noise. In a small image
    these are most of them, and sharp structure passes for correlation: but that falls
    as fewer windows are looked at, and true correlation stays.
    """
    order = np.argsort(windows.rough / variance, kind="stable")
    count = min(max(len(order) // 4, ENOUGH), len(order))
    first = found = _correlation(windows, variance, order[:count])
    least = (abs(found) - _DOUBT / sqrt(count), found, count)
    while abs(found) > _WHITE and count // 2 >= max(len(order) // 16, _FEWEST):
        count //= 2
        found = _correlation(windows, variance, order[:count])
        least = min(least, (abs(found) - _DOUBT / sqrt(count), found, count))
    _, last, count = least
    fall = abs(first) - abs(last)
    if fall < max(_FALL * abs(first), _CHANCE / sqrt(count)):
        return first
    return max(abs(last) - 0.75 * fall, 0.0) * (1 if last > 0 else -1)


def _correlation(windows: Windows, variance: FloatArray, some: IndexArray) -> float:
    """Return the correlation along the axis where it is stronger, in some windows.

    A low-pass filter lets more of such noise through than a high-pass filter, by a
    factor that follows from the correlation: read the table backwards. Both are taken
    with a high-pass filter along the other axis, which keeps structure out.
    """
    windows, variance = windows.where(some), variance[some]
    table = np.linspace(-0.45, 0.95, 141)
    ratio = _passed(LOW_PASS, table) / _passed(HIGH_PASS, table)
    energy = _whitened(windows.energy, variance)
    if not energy:  # nothing of the finest detail is left, as after enlarging
        smooth = np.any(windows.down) or np.any(windows.across)
        return float(table[-1]) if smooth else 0.0
    found = (
        float(np.interp(_whitened(low, variance) / energy, ratio, table))
        for low in (windows.down, windows.across)
    )
    return max(found, key=abs)


def _passed(taps: DoubleArray, neighbour_correlation: DoubleArray) -> DoubleArray:
    """Return the variance that a filter leaves of noise with such correlations."""
    overlap = np.correlate(taps, taps, "full")
    lags = np.arange(len(overlap)) - len(overlap) // 2
    passed: DoubleArray = neighbour_correlation[:, None] ** lags**2 @ overlap
    return passed


def _whitened(energy: FloatArray, variance: FloatArray) -> float:
    return float(np.sum(energy / variance, dtype=np.float64))
