"""Look at an image through small windows: how noisy, how bright, how structured.

Every window yields the energy of a high-pass filter, whose expectation is the noise
variance where the structure is smooth, and the mean that belongs to it. What sorts the
windows, the brightness and the roughness of the surroundings, comes from other pixels:
the noise of those pixels tells nothing about the energy, so sorting biases nothing,
whatever the distribution of the noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d, uniform_filter

FloatArray = NDArray[np.float32]

# The fourth difference keeps the corner of the spectrum, which optics leave empty.
HIGH_PASS = np.array([1, -4, 6, -4, 1]) / np.sqrt(70)
INNER, OUTER = 5, 11
GRID = slice(8, -8, 2)
"""Where the windows are along each axis: clear of the edges, and not too close."""


@dataclass(frozen=True, slots=True)
class Windows:
    """One number a window, all of one shape (N,).

    Attributes
    ----------
    clipped
        Part of the pixels about the window that are clipped.
    energy
        Squared high-pass value.
    mean
        Mean of the same 5x5 pixels, weighted as they weigh in `energy`: for noise of
        variance `a * mean + b` the expectation of `energy` is `a * mean + b`.
    down, right
        Product of the high-pass value and that of the next window pixel.
    around, rough
        Brightness and variation of the pixels about the window.
    """

    clipped: FloatArray
    energy: FloatArray
    mean: FloatArray
    down: FloatArray
    right: FloatArray
    around: FloatArray
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
        clipped = _clipped(lowest, planes, energy) + _clipped(highest, planes, energy)
        return cls(clipped, energy, *others)


def _measure(pixels: FloatArray) -> list[FloatArray]:
    """Return the fields of `Windows` in their order, all but `clipped`."""
    high = _separable(pixels, HIGH_PASS)
    inner = uniform_filter(pixels, INNER)
    images = (
        high**2,
        _separable(pixels, HIGH_PASS**2),
        high * np.roll(high, -1, axis=0),
        high * np.roll(high, -1, axis=1),
        _ring(pixels, inner),
        _roughness(inner),
    )
    return [image[GRID, GRID].ravel() for image in images]


def _separable(pixels: FloatArray, taps: NDArray[np.float64]) -> FloatArray:
    down: FloatArray = correlate1d(pixels, taps, axis=0)
    across: FloatArray = correlate1d(down, taps, axis=1)
    return across


def _ring(pixels: FloatArray, inner: FloatArray) -> FloatArray:
    """Return the mean over the outer square without the inner one."""
    outer: FloatArray = uniform_filter(pixels, OUTER)
    weight = np.float32(OUTER**2 / (OUTER**2 - INNER**2))
    return outer * weight - inner * (weight - 1)


def _roughness(inner: FloatArray) -> FloatArray:
    """Return how much the four neighbouring squares differ, and from this one."""
    up, below = np.roll(inner, INNER, axis=0), np.roll(inner, -INNER, axis=0)
    left, right = np.roll(inner, INNER, axis=1), np.roll(inner, -INNER, axis=1)
    slope = (left - right) ** 2 + (up - below) ** 2
    saddle = (left + right - up - below) ** 2
    peak = (left + right + up + below - 4 * inner) ** 2
    return (slope + saddle / 2 + peak / 10).astype(np.float32)


def _clipped(
    level: np.float32, planes: Sequence[FloatArray], energy: FloatArray
) -> FloatArray:
    """Return the share of pixels about each window whose value `level` hides.

    Clipping and blank areas pile pixels up on an extreme level, and so does darkness on
    0 photons; but there the noise is less than the step between two levels, and few
    windows lie among equal pixels only. Those count as clipped all the same.
    """
    away = [np.abs(plane - level) for plane in planes]
    step = min(there[there > 0].min(initial=np.float32(np.inf)) for there in away)
    here, beside = (
        sum(np.count_nonzero(there == distance) for there in away)
        for distance in (0, step)
    )
    if here <= 3 * beside:
        return np.zeros_like(energy)
    share = np.concatenate([_ring_share(there == 0) for there in away])
    uniform = share > 0.99
    near = (share > 0.1) & ~uniform
    blank = np.count_nonzero(uniform) >= np.count_nonzero(near)
    hidden = blank or energy[near].mean() > step**2
    return np.where(uniform | hidden, share, np.float32(0))


def _ring_share(there: NDArray[np.bool_]) -> FloatArray:
    ones = there.astype(np.float32)
    return _ring(ones, uniform_filter(ones, INNER))[GRID, GRID].ravel()
