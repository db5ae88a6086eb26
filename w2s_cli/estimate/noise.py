"""The noise of a camera, from one noisy image.

The variance of a pixel is `slope * mean + intercept` ([1]_), and one image shows both:
its smooth windows are gathered by brightness, the mean of their high-pass energy is
the variance there, and a line is fitted through variance over mean.

References
----------
.. [1] A. Foi, M. Trimeche, V. Katkovnik and K. Egiazarian, "Practical
   Poissonian-Gaussian noise modeling and fitting for single-image raw-data", IEEE
   Trans. Image Process. 17 (2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.estimate.windows import HIGH_PASS, FloatArray, Windows
from w2s_cli.physics.noise import NoiseModel

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

LEAST_SIDE = 32
LEAST_WINDOWS = 64
LEAST_CONTRAST = 3e-4
"""Weaker noise, as a part of the image's range, is no camera's."""
ROUNDING = 0.2
"""Variance, in squared levels, that rounding to integers alone can make."""
BINS = 96
ROUNDS = 20
SMOOTH_PART = 0.5
CLIPPED_PART = 0.1
LEAST_SHOT_PART = 0.01
"""Least part of the variance that grows with light: a model needs some gain."""
NO_NOISE = "the image shows no noise from pixel to pixel"
HINT = "give the noise model with --gain, --offset and --read-noise"


@dataclass(frozen=True, slots=True)
class NoiseFit:
    """What one image says about its noise.

    Attributes
    ----------
    model
        Noise model with this `slope` and `intercept`.
    slope
        Variance a count of light: the gain, in counts a photon.
    intercept
        Variance at 0 counts, in squared counts; negative where the camera has an
        offset.
    correlation
        Of the noise of neighbouring pixels, along the axis where it is stronger: about
        0 for a camera's raw image. Above some 0.2 the image was smoothed, resized or
        compressed, or is sharp at the scale of one pixel, and the fit is not to be
        trusted.
    """

    model: NoiseModel
    slope: float
    intercept: float
    correlation: float


@dataclass(frozen=True, slots=True)
class _Bins:
    """Windows of like brightness taken together: one number a bin, shape (B,)."""

    weight: Values
    mean: Values
    variance: Values


def fit_noise(planes: Sequence[NDArray[Any]]) -> NoiseFit:
    """Return the Poisson-Gaussian noise of one channel, from a single exposure.

    One image shows the slope and the intercept of the variance, but not how the
    intercept is shared between offset and read noise. A negative one is read as an
    offset without read noise, any other as read noise without an offset (below 0 only
    where the image is). Nothing is lost: variance stabilisation and everything that
    works in stabilised values depend on slope and intercept alone.

    Noise that does not grow with light gets a small gain, so that the read noise
    makes 99 % of the variance.

    Parameters
    ----------
    planes
        Images of the same channel, (Y, X) each, of any real dtype, in counts.

    Raises
    ------
    InputError
        When the image is too small, constant, mostly clipped, not finite, or shows no
        noise.
    """
    pixels = _checked(planes)
    windows = _unclipped(Windows.of(pixels))
    bins = _by_brightness(windows.around)
    smooth = _smoothest(bins, windows.rough)
    windows, bins = windows.where(smooth), bins[smooth]
    gathered = _gathered(windows, bins)
    slope, intercept = _with_some_gain(*_line(gathered), gathered)
    dark, bright = float(gathered.mean.min()), float(gathered.mean.max())
    typical = slope * (dark + bright) / 2 + intercept
    if typical <= _least_variance(planes, bright - dark):
        raise InputError(NO_NOISE, hint=HINT)
    model = _model(slope, intercept, dark)
    variance = np.maximum(model.variance(windows.around), 0.02 * typical)
    return NoiseFit(model, slope, intercept, _correlation(windows, variance))


def _checked(planes: Sequence[NDArray[Any]]) -> list[FloatArray]:
    """Return `planes` as float32, if noise can be measured on them at all."""
    small = [plane.shape for plane in planes if min(plane.shape) < LEAST_SIDE]
    if small or not planes:
        found = " x ".join(map(str, small[0])) if small else "no"
        raise InputError(
            f"{found} pixels are too few to estimate noise, "
            f"which takes {LEAST_SIDE} x {LEAST_SIDE}",
            hint=HINT,
        )
    pixels = [plane.astype(np.float32) for plane in planes]
    if not all(np.isfinite(plane).all() for plane in pixels):
        raise InputError("the image holds NaN or infinite values", hint=HINT)
    value = pixels[0].flat[0]
    if all((plane == value).all() for plane in pixels):
        raise InputError(f"every pixel of the image is {value:g}", hint=HINT)
    return pixels


def _least_variance(planes: Sequence[NDArray[Any]], contrast: float) -> float:
    """Return the variance that needs no noise to explain it."""
    rounding = ROUNDING if planes[0].dtype.kind in "iu" else 0.0
    return max(rounding, (LEAST_CONTRAST * contrast) ** 2)


def _unclipped(windows: Windows) -> Windows:
    whole = windows.where(windows.clipped < CLIPPED_PART)
    if len(whole) < LEAST_WINDOWS:
        raise InputError(
            "nearly the whole image is clipped at its lowest or highest value",
            hint=HINT,
        )
    return whole


def _by_brightness(around: FloatArray) -> Indices:
    """Return the bin of each window, finer where it is dark."""
    low, high = np.percentile(around, [0.05, 99.95])
    if low == high:
        raise InputError(NO_NOISE, hint=HINT)
    place = np.sqrt(np.clip((around - low) / (high - low), 0, 1))
    bins: Indices = np.minimum(place * BINS, BINS - 1).astype(np.intp)
    return bins


def _smoothest(bins: Indices, rough: FloatArray) -> Indices:
    """Return the windows of each bin whose surroundings vary least."""
    order = np.lexsort((rough, bins))
    count: Indices = np.bincount(bins)
    rank = np.arange(len(bins)) - np.repeat(np.cumsum(count) - count, count)
    smooth: Indices = order[rank < SMOOTH_PART * np.repeat(count, count)]
    return smooth


def _gathered(windows: Windows, bins: Indices) -> _Bins:
    """Return the averages of each bin; a bin with clipped pixels weighs less.

    With a twentieth of the pixels clipped the variance is some 10 % too low.
    """
    count = np.bincount(bins)
    used = count > 0
    mean, variance, lost = (
        np.bincount(bins, values)[used] / count[used]
        for values in (windows.mean, windows.energy, windows.clipped)
    )
    weight = (count[used] * np.exp(-50 * lost)).astype(np.float64)
    return _Bins(weight, mean, variance)


def _line(bins: _Bins) -> tuple[float, float]:
    """Return slope and intercept of the variance over the mean.

    A bin's variance has an error in proportion to itself: weighted least squares, with
    the weights taken from the fit before.
    """
    least = 0.02 * np.average(bins.variance, weights=bins.weight)
    expected = np.full_like(bins.variance, least)
    slope = intercept = 0.0
    for _ in range(ROUNDS):
        weight = bins.weight / expected**2
        mean = np.average(bins.mean, weights=weight)
        variance = np.average(bins.variance, weights=weight)
        lever = weight * (bins.mean - mean)
        slope = float(lever @ bins.variance) / max(float(lever @ bins.mean), 1e-30)
        intercept = float(variance - slope * mean)
        expected = np.maximum(slope * bins.mean + intercept, least)
    return slope, intercept


def _with_some_gain(slope: float, intercept: float, bins: _Bins) -> tuple[float, float]:
    """Return a line that rises at least a little, through the same centre."""
    mean, variance = (
        float(np.average(values, weights=bins.weight))
        for values in (bins.mean, bins.variance)
    )
    least = LEAST_SHOT_PART * variance / float(np.ptp(bins.mean))
    if slope >= least:
        return slope, intercept
    return least, variance - least * mean


def _model(slope: float, intercept: float, darkest: float) -> NoiseModel:
    offset = max(-intercept / slope, min(darkest, 0.0))
    return NoiseModel(slope, offset, sqrt(max(slope * offset + intercept, 0.0)))


def _correlation(windows: Windows, variance: FloatArray) -> float:
    """Return the correlation of neighbours, if it falls off as after a Gaussian blur.

    The filtered noise has a correlation of its own, which that of the noise changes in
    a known way: read the table backwards.
    """
    down, right, energy = (
        float(np.sum(values / variance, dtype=np.float64))
        for values in (windows.down, windows.right, windows.energy)
    )
    taps = np.correlate(HIGH_PASS, HIGH_PASS, "full")
    lags = np.arange(len(taps)) - len(taps) // 2
    table = np.linspace(-0.4, 0.95, 136)[:, None]
    ratio = (table ** (lags - 1) ** 2 @ taps) / (table**lags**2 @ taps)
    return float(np.interp(max(down, right) / energy, ratio, table[:, 0]))
