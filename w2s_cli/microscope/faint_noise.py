"""The noise of an image too small, faint or even to show how its variance grows.

A line through variance over brightness then says next to nothing of the gain. Three
things say more. Squares of 8x8 pixels hold three times as many measurements of the
variance as the windows of `fit_noise`, in all frequencies that show no structure
([1]_ measures noise in such blocks). The third central moment of `p` photons is `p`
like their variance, and read noise has none: `gain**3 * p` of counts whose variance is
`gain**2 * p + read_noise**2`. And cameras are alike: one is wrong by about 1.5 photons
where it is dark, and an image is not a thousand times as bright as its range of light.
What all three say together is the mean over their likelihood, with an error that tells
whether the image has decided, or the other cameras.

References
----------
.. [1] N. N. Ponomarenko, V. V. Lukin, M. S. Zriakhov, A. Kaarna and J. Astola, "An
   automatic approach to lossy compression of AVIRIS images", IGARSS (2007).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.ndimage import uniform_filter

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.microscope.noise_levels import BrightnessLevels, VarianceLine

SIDE = 8
_AROUND = 12  # pixels along the larger square that tells how bright a square is
_SAFE = 9  # of the sum of two frequencies, 0 to 14: no structure reaches it
_LOWEST = 5
_DOUBT, _SURE = 2.0, 3.5  # standard errors that tell structure, or no white noise
_AGREE = 4.0  # standard errors between the variance of windows and of squares
_OUTLIER = 2.0  # times the largest pixel of 98 % of the squares
_FEWEST = 48  # squares
_LEVELS, _IN_LEVEL = 24, 24
_LEAST = 0.02  # of the variance
_SKEWED = 0.04  # skewness that structure and the camera may add
_READ_NOISES = np.exp(np.linspace(log(0.1), log(12), 16))  # photons
_LIGHTS = np.exp(np.linspace(log(3e-3), log(1e6), 80))
_READS, _READS_SPREAD = 1.5, 0.7  # photons and log, of most cameras
_COUNTS, _COUNTING, _COUNTS_SPREAD = 0.25, 0.15, 0.6  # share of those that count
_LIGHT_SPREAD = 1.2  # log, of the light over its range


@dataclass(frozen=True, eq=False)
class _Squares:
    """Averages over squares of like brightness, shape (N,)."""

    count: DoubleArray
    mean: DoubleArray
    variance: DoubleArray
    third: DoubleArray  # central moment
    scatter: float  # variance of one square's variance, over its square
    third_scatter: float  # of its third moment, over the cube; 0 where it is not used


def faint_line(
    planes: Sequence[FloatArray],
    unknown: Sequence[NDArray[np.bool_]],
    levels: BrightnessLevels,
    line: VarianceLine,
    *,
    unclipped: bool,
) -> VarianceLine:
    """Return the variance over mean of an image whose `line` is uncertain.

    Parameters
    ----------
    planes
        Images of the same channel, (Y, X) each, in counts.
    unknown
        Of each plane the pixels that do not count; none where it is empty.
    levels, line
        As found by high-pass windows: the squares must agree with the line, or else
        the levels are all that there is.
    unclipped
        Whether squares can be used at all.
    """
    squares = _measured(planes, unknown, line) if unclipped else None
    if squares is None:
        none = np.zeros_like(levels.mean)
        squares = _Squares(
            levels.weight, levels.mean, levels.variance, none, levels.scatter, 0.0
        )
    return _most_likely(squares)


def _measured(
    planes: Sequence[FloatArray],
    unknown: Sequence[NDArray[np.bool_]],
    line: VarianceLine,
) -> _Squares | None:
    pixels = np.concatenate([_cut(plane) for plane in planes])
    around = np.concatenate([_brightness_around(plane) for plane in planes])
    mean = pixels.mean(axis=1, dtype=np.float64)
    transform, order = _frequencies()
    waves = (pixels - mean[:, None].astype(np.float32)) @ transform.T
    fine = waves[:, order >= _LOWEST] @ transform[order >= _LOWEST]
    peak = np.abs(fine).max(axis=1)
    kept = peak <= _OUTLIER * np.quantile(peak, 0.98)
    if any(mask.any() for mask in unknown):
        kept &= ~np.concatenate([_cut(mask).any(axis=1) for mask in unknown])
    if np.count_nonzero(kept) < _FEWEST:
        return None
    mean, around, energy = mean[kept], around[kept], waves[kept] ** 2
    levels = _like_brightness(around)
    lowest = _lowest_without_structure(energy, order, np.concatenate(levels[-6:]))
    own = energy[:, order >= lowest].mean(axis=1, dtype=np.float64)
    error = sqrt(2 / (len(own) * np.count_nonzero(order >= _SAFE)))
    ratio = own.mean() / max(float(line.variance(mean).mean()), 1e-30)
    if lowest > _SAFE or abs(log(max(ratio, 1e-30))) > _AGREE * 3 * error:
        return None
    third = (fine[kept] ** 3).sum(axis=1, dtype=np.float64) / _cubes()
    count = np.array([len(some) for some in levels], float)
    m, v, t = (
        np.array([values[some].mean() for some in levels])
        for values in (mean, own, third)
    )
    size = np.maximum(v, _LEAST * own.mean())
    scatter, third_scatter = (
        float(np.average([x[s].var() for s in levels] / size**power, weights=count))
        for x, power in ((own, 2), (third, 3))
    )
    return _Squares(
        count,
        m,
        v,
        t,
        max(scatter, 2 / np.count_nonzero(order >= lowest)),
        # Structure has a third moment, too
        max(third_scatter, 6 / _cubes()) if lowest == _LOWEST else 0.0,
    )


def _cut(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the pixels of each square, (squares, pixels)."""
    rows, columns = (length // SIDE for length in plane.shape)
    whole = plane[: rows * SIDE, : columns * SIDE]
    squares = whole.reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2)
    return squares.reshape(rows * columns, SIDE**2)


def _brightness_around(plane: FloatArray) -> FloatArray:
    """Return that of the pixels about each square, without those of the square."""
    at = slice(SIDE // 2, None, SIDE)
    rows, columns = (length // SIDE for length in plane.shape)
    outer, inner = (
        uniform_filter(plane, side)[at, at][:rows, :columns].ravel()
        for side in (_AROUND, SIDE)
    )
    ring: FloatArray = (outer * _AROUND**2 - inner * SIDE**2) / (_AROUND**2 - SIDE**2)
    return ring


def _like_brightness(around: FloatArray) -> list[NDArray[np.intp]]:
    """Return groups of squares, from dark to bright; the brightest are small groups."""
    order = np.argsort(around)
    number = int(np.clip(len(order) // _IN_LEVEL, 3, _LEVELS))
    *most, brightest = np.array_split(order, number)
    return [*most, *np.array_split(brightest, max(min(len(brightest) // 6, 4), 1))]


def _lowest_without_structure(
    energy: FloatArray, order: NDArray[np.intp], bright: NDArray[np.intp]
) -> int:
    """Return from which sum of frequencies on the power is that of the highest.

    Structure has less of it the higher the frequency, and most where it is bright.
    """
    usual = {
        some: float(energy[rows][:, order >= _SAFE].mean())
        for some, rows in (("all", slice(None)), ("bright", bright))
    }
    for lowest in range(_SAFE - 1, _LOWEST - 1, -1):
        wave = energy[:, order == lowest]
        for some, rows in (("all", slice(None)), ("bright", bright)):
            part = wave[rows]
            spread = part.mean(axis=1).std() / sqrt(len(part))
            spread = np.hypot(spread, usual[some] * sqrt(2 / (len(part) * 21)))
            more = float(part.mean() - usual[some]) / max(spread, 1e-30)
            if abs(more) > _SURE:
                return lowest + 1 if more > 0 and lowest < _SAFE - 1 else _SAFE + 1
            if more > _DOUBT:
                return lowest + 1
    return _LOWEST


@lru_cache(maxsize=1)
def _frequencies() -> tuple[FloatArray, NDArray[np.intp]]:
    """Return the cosine transform of a square, (64, 64), and sums of frequencies."""
    waves = dct(np.eye(SIDE), axis=0, norm="ortho")
    along = np.arange(SIDE)
    return np.kron(waves, waves).astype(np.float32), np.add.outer(along, along).ravel()


@lru_cache(maxsize=1)
def _cubes() -> float:
    """Return the third moment that a square keeps of one of 1 a pixel."""
    transform, order = _frequencies()
    fine = transform[order >= _LOWEST]
    return float(((fine.T @ fine) ** 3).sum())


def _most_likely(squares: _Squares) -> VarianceLine:
    """Return the mean of the lines that explain the squares, each by its likelihood.

    A line is that of a read noise and of a light, in photons, at the middle level: the
    variance there is well known, and the gain follows.
    """
    read, light = (grid.ravel() for grid in np.meshgrid(_READ_NOISES, _LIGHTS))
    photons = read**2 + light  # that make the variance
    usual = np.average(squares.variance, weights=squares.count)
    weight = squares.count / np.maximum(squares.variance, 0.1 * usual) ** 2
    middle = float(np.average(squares.mean, weights=weight))
    off = squares.mean - middle
    level = np.full(photons.shape, np.average(squares.variance, weights=weight))
    for _ in range(3):
        rise = np.sqrt(level / photons)[:, None] * off
        weight = squares.count / np.maximum(level[:, None] + rise, _LEAST * usual) ** 2
        level = ((squares.variance - rise) * weight).sum(1) / weight.sum(1)
        level = np.maximum(level, _LEAST * usual)
    gain = np.sqrt(level / photons)
    contrast = max(float(np.ptp(off)), 1e-30) / gain
    likely = _log_likelihood(squares, gain, level, light, off)
    likely += _usual(read, light / contrast)
    share = np.exp(likely - likely.max())
    share /= share.sum()
    mean = float(share @ np.log(gain))
    spread = sqrt(max(float(share @ (np.log(gain) - mean) ** 2), 0.0))
    slope, height = exp(mean), float(share @ level)
    about = height * sqrt(squares.scatter / squares.count.sum())
    error = slope * spread
    return VarianceLine(
        slope,
        height - slope * middle,
        error,
        sqrt(about**2 + (error * middle) ** 2),
        -(error**2) * middle,
    )


def _log_likelihood(
    squares: _Squares,
    gain: DoubleArray,
    level: DoubleArray,
    light: DoubleArray,
    off: DoubleArray,
) -> DoubleArray:
    count = squares.count
    least = _LEAST * np.average(squares.variance, weights=count)
    variance = np.maximum(level[:, None] + gain[:, None] * off, least)
    photons = light[:, None] + off / gain[:, None]
    misfit = (
        count * (squares.variance - variance) ** 2 / (squares.scatter * variance**2)
    )
    misfit += 2 * np.log(variance)
    below = np.minimum(photons, 0) * gain[:, None]  # darker than without light
    misfit += count * SIDE**2 * below**2 / variance
    total = misfit.sum(axis=1)
    if squares.third_scatter:
        expected = gain[:, None] ** 3 * np.maximum(photons, 0)
        skew = (squares.third - expected) / variance**1.5
        weight = count / squares.third_scatter
        # What structure adds is common to all levels.
        common, sure = (weight * skew).sum(axis=1) / weight.sum(), 1 / weight.sum()
        total += (weight * skew**2).sum(axis=1) - common**2 / sure
        total += common**2 / (sure + _SKEWED**2)
    return np.asarray(-total / 2)


def _usual(read: DoubleArray, light: DoubleArray) -> DoubleArray:
    """Return how usual they are, as the log of a density.

    The read noise is in photons, the light of the middle in parts of its range.
    """

    def normal(values: DoubleArray, middle: float, spread: float) -> DoubleArray:
        far = (np.log(values) - log(middle)) / spread
        return np.asarray(np.exp(-(far**2) / 2) / spread)

    cameras = (1 - _COUNTS) * normal(read, _READS, _READS_SPREAD)
    cameras += _COUNTS * normal(read, _COUNTING, _COUNTS_SPREAD)
    far = np.log1p((np.log(light) / _LIGHT_SPREAD) ** 2)
    return np.asarray(np.log(cameras) - 2 * far)
