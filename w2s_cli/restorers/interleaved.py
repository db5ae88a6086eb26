"""Denoise an image whose noise is correlated by a method that takes noise for white.

Pixels so far apart that their noise is independent make an image of their own, with the
same light and white noise. Each such image is denoised by itself, and they are sewn
together again ([1]_ trains on such images). What they disagree in is noise: a small
Gaussian evens it out. How far apart, how wide a Gaussian, or whether a Gaussian alone
is better, is judged by Stein's unbiased estimate of the error ([2]_), for the noise
covariance that was measured.

References
----------
.. [1] A. Lee, T. Lee, J. Park and K. Lee, "AP-BSN: self-supervised denoising for
   real-world images via asymmetric PD and blind-spot network", CVPR (2022).
.. [2] S. Ramani, T. Blu and M. Unser, "Monte-Carlo SURE: a black-box optimization of
   regularization parameters for general denoising algorithms", IEEE Trans. Image
   Process. 17 (2008).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from scipy.ndimage import gaussian_filter

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_correlation import lag_of
from w2s_cli.microscope.noise_model import FARTHEST, Correlation, NoiseModel
from w2s_cli.restorers.restorer import Restorer, Traits

AFTER = (0.0, 0.5, 0.7, 1.0, 1.4, 2.0)
"""Standard deviations, in pixels, of the Gaussian after a method."""
ALONE = (0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""Those of a Gaussian in the place of the method."""
_CUT = 4.0
_PROBE = 0.1  # of the noise
_SIDE = 256  # of the square that the choice is made on


@dataclass(frozen=True)
class Interleaved:
    """A method of scale 1 on pixels `lag` apart, and a Gaussian after it.

    Attributes
    ----------
    restorer
        The method, from counts to counts; None for the Gaussian alone.
    lag
        Pixels along Y and X between those that make an image; 1 for the plane itself.
    sigma
        Standard deviation of the Gaussian, in pixels; 0 for none.
    """

    restorer: Restorer | None
    lag: int = 1
    sigma: float = 0.0

    @property
    def traits(self) -> Traits:
        """Return those of the method, its reach as many times as large."""
        inner = self.restorer.traits if self.restorer else Traits()
        blur = ceil(_CUT * self.sigma) + 1 if self.sigma else 0
        return replace(
            inner,
            margin=self.lag * inner.margin + blur,
            multiple_of=self.lag * inner.multiple_of,
        )

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the restored planes."""
        made = self._restored(blocks) if self.restorer else blocks
        return smoothed(made, self.sigma)

    def _restored(self, blocks: FloatArray) -> FloatArray:
        assert self.restorer
        count, height, width = blocks.shape
        step = self.traits.multiple_of
        down, across = (-side % step for side in (height, width))
        wide = np.pad(blocks, [(0, 0), (0, down), (0, across)], mode="symmetric")
        rows, columns = (side // self.lag for side in wide.shape[1:])
        parts = wide.reshape(count, rows, self.lag, columns, self.lag)
        apart = parts.transpose(0, 2, 4, 1, 3).reshape(-1, rows, columns)
        made = self.restorer(np.ascontiguousarray(apart))
        sewn = made.reshape(count, self.lag, self.lag, rows, columns)
        whole = sewn.transpose(0, 3, 1, 4, 2).reshape(wide.shape)
        return np.ascontiguousarray(whole[:, :height, :width])


def smoothed(blocks: FloatArray, sigma: float) -> FloatArray:
    """Return planes (N, Y, X) after a Gaussian; 0 for none."""
    if not sigma:
        return blocks
    smooth: FloatArray = gaussian_filter(
        blocks, sigma, axes=(-2, -1), truncate=_CUT, mode="reflect"
    )
    return smooth


def interleaved(
    restorer: Restorer, noise: NoiseModel, planes: Sequence[FloatArray]
) -> Interleaved:
    """Return how a method is best used on images whose noise is correlated.

    Parameters
    ----------
    restorer
        A method of scale 1, from counts to counts, that takes noise for white.
    noise
        With its correlation.
    planes
        (Y, X) counts of a few planes like those to be restored; the middle of one of
        them decides.
    """
    assert noise.correlation
    plane = _middle(planes[len(planes) // 2])[None]
    rng = np.random.default_rng(0)
    light = gaussian_filter(plane, (0, 2.0, 2.0))
    spread = np.sqrt(noise.variance(light))
    probe = _coloured(noise.correlation, plane.shape[1:], rng)[None] * spread
    moved = plane + np.float32(_PROBE) * probe
    strict, loose = lag_of(noise.correlation), lag_of(noise.correlation, 0.35)
    choices: list[tuple[float, Interleaved]] = []
    for lag in sorted({1, loose, strict}):
        apart = Interleaved(restorer, lag)
        pair = apart(plane), apart(moved)
        choices += _judged(apart, AFTER, pair, plane, probe, spread)
    alone = Interleaved(None)
    choices += _judged(alone, ALONE, (plane, moved), plane, probe, spread)
    return min(choices, key=lambda choice: choice[0])[1]


def _judged(
    method: Interleaved,
    sigmas: Sequence[float],
    pair: tuple[FloatArray, FloatArray],
    plane: FloatArray,
    probe: FloatArray,
    spread: FloatArray,
) -> Iterator[tuple[float, Interleaved]]:
    """Yield the expected squared error of a method with each Gaussian after it."""
    power = float((spread**2).mean())
    for sigma in sigmas:
        made, after = (smoothed(one, sigma) for one in pair)
        change = float((probe * (after - made)).mean()) / _PROBE
        error = float(((made - plane) ** 2).mean()) - power + 2 * change
        yield error, replace(method, sigma=sigma)


def _middle(plane: FloatArray) -> FloatArray:
    top, left = (max(side - _SIDE, 0) // 2 for side in plane.shape)
    middle = plane[top : top + _SIDE, left : left + _SIDE]
    return np.asarray(middle, np.float32)


def _coloured(
    correlation: Correlation, shape: tuple[int, ...], rng: np.random.Generator
) -> FloatArray:
    """Return noise of variance 1 with a correlation, (Y, X)."""
    lags = np.zeros(shape)
    for y, row in enumerate(correlation):
        for at, value in enumerate(row):
            x = at - FARTHEST
            lags[y % shape[0], x % shape[1]] = value
            lags[-y % shape[0], -x % shape[1]] = value
    power = np.maximum(np.fft.rfft2(lags).real, 0)
    power /= np.fft.irfft2(power, shape)[0, 0]
    white = rng.standard_normal(shape)
    noise = np.fft.irfft2(np.fft.rfft2(white) * np.sqrt(power), shape)
    return np.asarray(noise, np.float32)
