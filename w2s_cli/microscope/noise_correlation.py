"""How much of its noise a pixel shares with its neighbours, from noisy images.

The noise of a camera's raw image is white. Demosaicing, registration, resizing, smear
along scan lines and lossy compression correlate it. Two things follow: the high-pass
filters that measure variance see too little of it, and denoisers take it for structure.

Small windows are freed of their smooth part by a least-squares polynomial, and the
covariances of what is left are averaged over the windows that show least structure
([1]_ compares estimators of this kind). Taking out the polynomial takes noise as well;
how much is a linear function of the covariances, which is inverted.

References
----------
.. [1] S. Pyatykh, J. Hesser and L. Zheng, "Image noise level estimation by principal
   component analysis", IEEE Trans. Image Process. 22 (2013).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_estimation import (
    Dark,
    NoiseFit,
    fit_noise,
    noise_model_of_line,
    rising_line,
)
from w2s_cli.microscope.noise_levels import BrightnessLevels, VarianceLine
from w2s_cli.microscope.noise_model import FARTHEST, Correlation, NoiseModel
from w2s_cli.microscope.noise_windows import high_pass_energy
from w2s_cli.microscope.quantization import clipping_step

Matrix = NDArray[np.float64]

LAGS = tuple(
    (y, x)
    for y in range(FARTHEST + 1)
    for x in range(-FARTHEST, FARTHEST + 1)
    if y > 0 or x >= 0
)
"""Half of all lags (Y, X) up to `FARTHEST`: the other half has the same covariances."""
WHITE = 0.06
"""Correlation that fine structure alone can feign."""
_SIDE, _STEP, _DEGREE = 12, 6, 2
_MOST_CLIPPED = 0.03  # share of the pixels of a window
_QUIET = 0.35  # share of the windows, those with least structure about them
_ENOUGH = 300  # windows
_FAR = 3.0  # spreads above the median: a window with structure
_ROUNDS = 8
# Square pixels: of exp(-lag^2 / this), the correlation of what windows keep of cells,
# measured on real and simulated ones of 200 photons: .90 .65 .38 at 1, 2, 3 pixels.
_STRUCTURE = 9.3
_MOST_STRUCTURE = 0.97
# Structure is not quite as that says. How much of its variance is still taken for noise
# where it is nearly all that windows have, measured on the same cells.
_REMAINDER = 0.8


@dataclass(frozen=True, slots=True)
class CorrelatedNoise:
    """What one channel shows of the noise that its pixels share.

    Attributes
    ----------
    model
        The noise model of `NoiseFit`, its variance corrected for what the high-pass
        filter did not see, with the correlation; unchanged where the noise is white.
    correlation
        As measured, white or not, that of structure included.
    windows
        How many windows it is from.
    """

    model: NoiseModel
    correlation: Correlation
    windows: int

    @property
    def white(self) -> bool:
        """Return whether the noise of the pixels may well be independent."""
        return self.model.correlation is None


def correlated_noise(
    planes: Sequence[NDArray[Any]], fit: NoiseFit, dark: Dark | None = None
) -> CorrelatedNoise | None:
    """Return the correlation of the noise of one channel, and the model it corrects.

    Parameters
    ----------
    planes
        Images of the same channel, (Y, X) each, of any real dtype, in counts.
    fit
        What `fit_noise` has found on them.
    dark
        The camera without light, if it is known.

    Returns
    -------
    CorrelatedNoise or None
        None where there are too few windows to tell.
    """
    pixels = [plane.astype(np.float32) for plane in planes]
    windows = _Windows.of(pixels)
    if len(windows.mean) < _ENOUGH // 10:
        return None
    expected = fit.line.variance(windows.mean)
    expected = np.maximum(expected, 0.02 * float(np.median(expected)) + 1e-30)
    quiet = _quietest(windows.covariances[:, 0] / expected, windows.rough / expected)
    seen = (windows.covariances[quiet] / expected[quiet, None]).mean(axis=0)
    true = np.linalg.solve(_taken(_SIDE, _DEGREE), seen)
    if true[0] <= 0:
        return None
    table = _table(true / true[0])
    farthest = float(np.abs(true[1:] / true[0]).max())
    if farthest <= WHITE + 4 / np.sqrt(len(quiet) * _STEP**2):
        return CorrelatedNoise(fit.model, table, len(quiet))
    share = _structure_share(true)
    profile = np.array([np.exp(-(y * y + x * x) / _STRUCTURE) for y, x in LAGS])
    true = true - share * true[0] * profile
    own, seen = _table((true / true[0]).clip(-1, 1)), _taken(_SIDE, _DEGREE) @ true
    passed = float((windows.energy[quiet] / expected[quiet]).mean())
    lines = [_raised(fit.line, true[0] / passed)] + [
        _line(windows, filtered, true[0] / float(filtered @ seen), dark)
        for filtered in _FILTERS
    ]
    apart = lag_of(own)
    if apart > 1 and min(min(plane.shape) for plane in pixels) >= 32 * apart:
        parts = [
            p[y::apart, x::apart] for p in pixels for y, x in np.ndindex(apart, apart)
        ]
        with suppress(InputError):
            lines.append(fit_noise(parts, dark).line)
    low, *_, high = fit.levels.mean[np.argsort(fit.levels.mean)]
    # Structure only adds to the variance, most where it is bright.
    bright = np.array((low + high) / 2)
    line = min(lines, key=lambda one: float(one.variance(bright)))
    line = _raised(line, 1 - _REMAINDER * share**6)
    model = replace(noise_model_of_line(line, low, dark), correlation=own)
    return CorrelatedNoise(model, table, len(quiet))


def _structure_share(covariances: Matrix) -> float:
    """Return how much of the variance in windows is structure.

    Processing correlates noise over two pixels or less along one axis at least;
    structure is as wide as the blur. What is left at three pixels is structure's.
    """
    far = min(covariances[LAGS.index(lag)] for lag in ((0, FARTHEST), (FARTHEST, 0)))
    share = far / covariances[0] / np.exp(-(FARTHEST**2) / _STRUCTURE)
    return float(np.clip(share, 0, _MOST_STRUCTURE))


def lag_of(table: Correlation, most: float = 0.1) -> int:
    """Return how far apart pixels must be taken for their noise to be white.

    Parameters
    ----------
    table
        The correlations, see `w2s_cli.microscope.noise_model.Correlation`.
    most
        The correlation, either way, that still passes for white.

    Returns
    -------
    int
        1 to `FARTHEST` + 1, along both axes.
    """
    for lag in range(1, FARTHEST + 1):
        rows = [table[y] for y in range(0, FARTHEST + 1, lag)]
        values = [
            abs(row[x + FARTHEST])
            for y, row in enumerate(rows)
            for x in range(-FARTHEST, FARTHEST + 1)
            if x % lag == 0 and (y or x)
        ]
        if max(values) <= most:
            return lag
    return FARTHEST + 1


def _raised(line: VarianceLine, factor: float) -> VarianceLine:
    """Return variance over mean, the variance so many times as large."""
    return VarianceLine(
        float(line.slope * factor),
        float(line.intercept * factor),
        float(line.slope_error * factor),
        float(line.intercept_error * factor),
        float(line.covariance * factor**2),
    )


def _line(
    windows: "_Windows", filtered: Matrix, factor: float, dark: Dark | None
) -> VarianceLine:
    """Return variance over mean, the variance by a filter of the covariances."""
    variance = windows.covariances @ filtered * factor
    order = np.argsort(windows.mean)
    levels = []
    for some in np.array_split(order, max(min(len(order) // 60, 24), 4)):
        rough = windows.rough[some]
        quiet = some[np.argsort(rough)[: max(len(some) // 2, 20)]]
        quiet = _without_structure(variance, quiet)
        levels.append((len(quiet), windows.mean[quiet].mean(), variance[quiet].mean()))
    weight, mean, level = np.array(levels, float).T
    return rising_line(BrightnessLevels(weight, mean, np.maximum(level, 0), 0.1), dark)


@dataclass(frozen=True, eq=False)
class _Windows:
    """Small squares of pixels: one row each.

    Attributes
    ----------
    covariances
        At `LAGS`, of what a polynomial leaves, shape (N, len(LAGS)).
    mean, rough
        Brightness, and how much those of the windows around differ, shape (N,).
    energy
        Of the high-pass filter of `fit_noise`, shape (N,).
    """

    covariances: Matrix
    mean: Matrix
    rough: Matrix
    energy: Matrix

    @classmethod
    def of(cls, planes: Sequence[FloatArray]) -> Self:
        """Return the windows of all planes that are hardly clipped."""
        low, high = (
            end if clipping_step(planes, end) else np.nan
            for end in (
                float(min(plane.min() for plane in planes)),
                float(max(plane.max() for plane in planes)),
            )
        )
        parts = [_measured(plane, low, high) for plane in planes]
        return cls(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _measured(plane: FloatArray, low: float, high: float) -> tuple[Matrix, ...]:
    clipped = ((plane == low) | (plane == high)).astype(np.float32)
    squares, hidden = _cut(plane, _SIDE, _STEP), _cut(clipped, _SIDE, _STEP)
    energy = _cut(high_pass_energy(plane), _SIDE // 2, _STEP // 2)
    mean = squares.mean(axis=(-2, -1), dtype=np.float64)
    flat = squares.reshape(mean.size, -1) - mean.reshape(-1, 1)
    left = (flat @ _residual(_SIDE, _DEGREE)).reshape(-1, _SIDE, _SIDE)
    covariances = np.stack([_product(left, lag) for lag in LAGS], axis=1)
    kept = hidden.mean(axis=(-2, -1)).ravel() <= _MOST_CLIPPED
    return (
        covariances[kept],
        mean.ravel()[kept],
        _roughness(mean).ravel()[kept],
        energy.mean(axis=(-2, -1), dtype=np.float64).ravel()[kept],
    )


def _cut(image: FloatArray, side: int, step: int) -> FloatArray:
    view = np.lib.stride_tricks.sliding_window_view(image, (side, side))
    return np.ascontiguousarray(view[::step, ::step])


def _product(left: Matrix, lag: tuple[int, int]) -> Matrix:
    """Return the mean product of the pixels of each window that lie `lag` apart."""
    here, there = _ends(lag)
    product: Matrix = (left[:, *here] * left[:, *there]).mean(axis=(1, 2))
    return product


def _ends(lag: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    y, x = lag
    down = (slice(0, _SIDE - y), slice(y, _SIDE))
    right = (slice(max(-x, 0), _SIDE - max(x, 0)), slice(max(x, 0), _SIDE + min(x, 0)))
    return (down[0], right[0]), (down[1], right[1])


def _roughness(mean: Matrix) -> Matrix:
    """Return how much the windows around each differ: its own noise has no say."""
    reach = _SIDE // _STEP
    wide = np.pad(mean, reach, mode="edge")
    rows, columns = mean.shape
    up, down = (wide[at : at + rows, reach:-reach] for at in (0, 2 * reach))
    left, right = (wide[reach:-reach, at : at + columns] for at in (0, 2 * reach))
    saddle = up + down - left - right
    return (up - down) ** 2 + (left - right) ** 2 + saddle**2 / 2


def _quietest(variance: Matrix, rough: Matrix) -> NDArray[np.intp]:
    """Return the windows with little structure about them, and none inside."""
    count = min(max(int(len(rough) * _QUIET), _ENOUGH), len(rough))
    return _without_structure(variance, np.argpartition(rough, count - 1)[:count])


def _without_structure(variance: Matrix, windows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return those of some windows that have no structure inside.

    It only adds variance: the lower half of the windows tells how much those spread
    that have none.
    """
    for _ in range(_ROUNDS):
        found = variance[windows]
        median = np.median(found)
        spread = (median - np.quantile(found, 0.1587)) or 1e-30
        kept = windows[found <= median + _FAR * spread]
        if len(kept) == len(windows):
            break
        windows = kept
    return windows


@lru_cache(maxsize=4)
def _residual(side: int, degree: int) -> Matrix:
    """Return the matrix that takes a polynomial out of a window, (side^2, side^2)."""
    y, x = np.mgrid[:side, :side].reshape(2, -1) / (side - 1) * 2 - 1
    terms = [y**i * x**j for i in range(degree + 1) for j in range(degree + 1 - i)]
    basis, _ = np.linalg.qr(np.stack(terms, axis=1))
    residual: Matrix = np.eye(side**2) - basis @ basis.T
    return residual


@lru_cache(maxsize=4)
def _taken(side: int, degree: int) -> Matrix:
    """Return the matrix from true covariances at `LAGS` to those left in a window."""
    residual = _residual(side, degree)
    index = np.arange(side**2).reshape(side, side)
    apart = []
    for lag in LAGS:
        (y0, x0), (y1, x1) = _ends(lag)
        shift = np.zeros_like(residual)
        shift[index[y0, x0].ravel(), index[y1, x1].ravel()] = 1
        apart.append(shift)
    left = [residual @ (s + s.T if s is not apart[0] else s) @ residual for s in apart]
    return np.array(
        [[np.sum(shift * one) / shift.sum() for one in left] for shift in apart]
    )


def _table(half: Matrix) -> Correlation:
    """Return the correlations of Y lags 0 and more, X lags from left to right."""
    found = dict(zip(LAGS, half.tolist(), strict=True))
    across = range(-FARTHEST, FARTHEST + 1)
    return tuple(
        tuple(round(found.get((y, x), found.get((y, -x), 0.0)), 4) for x in across)
        for y in range(FARTHEST + 1)
    )


def _filter(down: Sequence[int], right: Sequence[int]) -> Matrix:
    """Return what the covariances at `LAGS` weigh in the energy of two differences."""
    along_y, along_x = (np.correlate(taps, taps, "full") for taps in (down, right))
    return np.array(
        [
            (1 if lag == (0, 0) else 2) * _at(along_y, lag[0]) * _at(along_x, lag[1])
            for lag in LAGS
        ],
        float,
    )


def _at(lags: NDArray[Any], lag: int) -> int:
    middle = len(lags) // 2
    return int(lags[middle + lag]) if abs(lag) <= middle else 0


_FILTERS = tuple(
    _filter(down, right)
    for down, right in (
        ([1], [1]),
        ([1, -1], [1, -1]),
    )
)
"""All that is left of a window, and the differences of differences. Finer ones are too
small after a blur to be measured."""
