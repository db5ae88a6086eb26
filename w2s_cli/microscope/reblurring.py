"""What an image would show of its restored version: blurred, scaled, on its pixels.

A restored image is as sharp as its input or sharper, and lacks perhaps what lay out of
focus. The blur between the two is not known, but it is the same everywhere: a sum of
Gaussians from no blur to one of many pixels, none of them negative, and an even light.
Its weights are those of least squared residual, each pixel weighed by its noise, and by
less where nothing explains it: what was drawn in must not decide. A sum of Gaussians
has no direction, so it cannot move the image; and it cannot sharpen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.optimize import nnls

from w2s_cli._typing import DoubleArray, FloatArray

SIGMAS = (0.0, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 8.0, 16.0)
"""Standard deviations of the Gaussians, in pixels of the input."""
WIDE = 6.0
"""Pixels: light that is blurred further is haze, whose share is free."""
_ROUNDS = 4
_UNLIKELY = 3.0  # standard deviations, of means over a Gaussian of one pixel
_COARSE = 0.7  # pixels of blur from which the larger pixels hold all that is left
_GRAIN = 16  # pixels along squares, over which the noise averages out
_FITTED = 768  # pixels along Y and X that the blur is fitted to


@dataclass(frozen=True, slots=True)
class Blur:
    """How an input follows from its restored version.

    Attributes
    ----------
    scale
        Restored pixels along one of the input.
    weights
        Of the Gaussians of `SIGMAS`, 0 or more.
    light
        Even light to be added, in counts.
    """

    scale: int
    weights: tuple[float, ...]
    light: float

    @property
    def gain(self) -> float:
        """Return the contrast of the input over that of the restored image.

        Light that is blurred so far that it is haze does not count.
        """
        narrow = (w for s, w in zip(SIGMAS, self.weights, strict=True) if s < WIDE)
        return float(sum(narrow))

    @property
    def sigma(self) -> float:
        """Return the standard deviation of the blur without haze, in input pixels."""
        pairs = zip(SIGMAS, self.weights, strict=True)
        power = sum(w * s**2 for s, w in pairs if s < WIDE)
        return float(np.sqrt(power / max(self.gain, 1e-9)))

    def __call__(self, restored: NDArray[Any]) -> FloatArray:
        """Return what the input would show of a (Y * scale, X * scale) image."""
        last = max((n for n, w in enumerate(self.weights) if w), default=0)
        height, width = (side // self.scale for side in restored.shape)
        total = np.full((height, width), self.light, np.float32)
        for number, one in enumerate(_blurred(restored, self.scale)):
            if self.weights[number]:
                total += np.float32(self.weights[number]) * one
            if number == last:
                break
        return total


def fit_blur(
    seen: FloatArray, restored: NDArray[Any], variance: FloatArray, good: NDArray[Any]
) -> Blur:
    """Return the blur that explains an image best.

    Parameters
    ----------
    seen
        (Y, X) counts.
    restored
        (Y * scale, X * scale) counts.
    variance
        Of the noise of `seen`, (Y, X), above 0.
    good
        The pixels that count, (Y, X).
    """
    scale = restored.shape[0] // seen.shape[0]
    rows, columns = _liveliest(np.where(good, seen, seen[good].mean()))
    fine = tuple(slice(s.start * scale, s.stop * scale) for s in (rows, columns))
    some = good[rows, columns]
    target = seen[rows, columns][some].astype(np.float64)
    parts = np.stack(
        [one[some].astype(np.float64) for one in _blurred(restored[fine], scale)]
    )
    precise = 1 / variance[rows, columns][some].astype(np.float64)
    trusted = np.ones_like(target)
    for _ in range(_ROUNDS):
        weight = precise * trusted
        weight /= weight.sum()
        middle, level = parts @ weight, float(target @ weight)
        shared = (parts * weight) @ parts.T - np.outer(middle, middle)
        weights = _not_negative(shared, parts @ (weight * target) - level * middle)
        left = np.zeros(some.shape, np.float32)
        error = target - level - weights @ (parts - middle[:, None])
        left[some] = error * np.sqrt(precise)
        smooth = gaussian_filter(left, 1.0)[some] * sqrt(4 * pi)
        trusted = 1 / (1 + (smooth / _UNLIKELY) ** 2)
    return Blur(scale, tuple(map(float, weights)), level - float(weights @ middle))


def _not_negative(products: DoubleArray, shared: DoubleArray) -> DoubleArray:
    """Return the weights, 0 or more, of least squares from its normal equations."""
    size = max(float(np.trace(products)) / len(products), 1e-30)
    root = np.linalg.cholesky(products / size + 1e-9 * np.eye(len(products)))
    found, _ = nnls(root.T, np.linalg.solve(root, shared / size))
    return np.asarray(found)


def _liveliest(image: FloatArray) -> tuple[slice, slice]:
    """Return the square of an image whose coarse structure has most contrast."""
    if max(image.shape) <= _FITTED:
        return slice(0, image.shape[0]), slice(0, image.shape[1])
    rooms = [max(length - _FITTED, 0) for length in image.shape]
    starts = [sorted({*range(0, room, _FITTED // 2), room}) for room in rooms]
    parts = [
        (
            slice(y, min(y + _FITTED, image.shape[0])),
            slice(x, min(x + _FITTED, image.shape[1])),
        )
        for y in starts[0]
        for x in starts[1]
    ]
    return max(parts, key=lambda part: float(binned(image[part], _GRAIN).std()))


def _blurred(restored: NDArray[Any], scale: int) -> Iterator[FloatArray]:
    """Yield a restored image under each Gaussian, on the pixels of the input."""
    image, pixel, done = np.asarray(restored, np.float32), scale, 0.0
    for sigma in SIGMAS:
        if pixel > 1 and done >= _COARSE:
            image, pixel = binned(image, pixel), 1
        more = np.sqrt(sigma**2 - done**2) * pixel
        if more:
            image = gaussian_filter(image, more, mode="reflect", truncate=3.5)
        done = sigma
        yield binned(image, pixel)


def binned(image: NDArray[Any], side: int) -> FloatArray:
    """Return the means of squares of `side` pixels; what is over is left out."""
    if side == 1:
        return np.asarray(image, np.float32)
    height, width = (length // side for length in image.shape)
    squares = image[: height * side, : width * side].reshape(height, side, width, side)
    return np.asarray(squares.mean((1, 3)), np.float32)
