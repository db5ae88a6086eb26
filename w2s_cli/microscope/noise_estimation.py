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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray, IndexArray
from w2s_cli.errors import InputError
from w2s_cli.microscope.faint_noise import faint_line
from w2s_cli.microscope.noise_levels import (
    BrightnessBins,
    BrightnessLevels,
    VarianceLine,
    brightness_levels,
    fit_line,
    fit_slope,
    sums_by_bin,
)
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.noise_windows import (
    OVERLAP,
    Windows,
    neighbour_correlation,
    windows_touched,
)

OUTLIER = 5.0  # standard deviations: a hot pixel
_ROUNDS = 10
LEAST_SHOT_PART = 0.01
"""Least part of the variance that grows with light: a model needs some gain."""
MOST_BELOW = 2.0
"""Read noise, at least that many counts, by which an image may be darker than dark."""
LEAST_SIDE = 32
LEAST_WINDOWS = 64
LEAST_CONTRAST = 5e-4
"""Weaker noise, as a part of the image's range, is no camera's."""
ROUNDING = 0.2
"""Variance, in squared levels, that rounding to integers alone can make."""
COUNTED = 0.5
"""Squared levels a level of light, from which they are photons: rounding hardly makes
more where there is more light."""
SMOOTH_PART = 0.75
COARSE = 4
"""Bins of brightness taken together to tell smooth from rough."""
CROWD = 2000
"""Windows of like brightness among which those with hot pixels are looked for."""
FAR = 10.0
"""Energy of a hot pixel or a cosmic ray, in that of one window in fifty of the crowd:
some 7 standard deviations of the noise."""
CLIPPED_PART = 0.5
UNSURE = 0.1
"""Standard error of the slope, as a part of it, from which more is asked than a line.
"""
HARDLY = 0.5
"""The same, from which the line says next to nothing."""
UNCLIPPED = 1e-3
"""Share of clipped pixels that does not matter then."""
PILED = 0.05
"""Share of pixels on the lowest value that may be darkness, or read noise cut off."""
NO_NOISE = "the image shows no noise from pixel to pixel"
CLIPPED = "nearly the whole image is clipped at its lowest or highest value"
HINT = "w2s restore takes a noise model that you know: --gain, --offset, --read-noise"


@dataclass(frozen=True, slots=True)
class Dark:
    """What a camera reads without light.

    Attributes
    ----------
    offset, read_noise
        Mean and standard deviation of a pixel, in counts.
    """

    offset: float
    read_noise: float


def measure_dark(frames: Iterable[NDArray[Any]]) -> Dark:
    """Return offset and read noise from frames without light, hot pixels left out.

    The read noise is from the differences of successive frames, which pattern does not
    touch; from one frame alone it is the spread of the pixels, pattern included.

    Parameters
    ----------
    frames
        (Y, X) counts each.

    Raises
    ------
    InputError
        When a frame holds values that are not finite.
    """
    means, spreads, variances = [], [], []
    before: FloatArray | None = None
    for frame in frames:
        pixels = frame.astype(np.float32)
        if not np.isfinite(pixels).all():
            raise InputError("the dark frame holds NaN or infinite values")
        mean, spread = _without_outliers(pixels)
        means.append(mean)
        spreads.append(spread)
        if before is not None:
            variances.append(_without_outliers(pixels - before)[1] ** 2 / 2)
        before = pixels
    read_noise = np.sqrt(np.mean(variances)) if variances else spreads[0]
    return Dark(float(np.mean(means)), float(read_noise))


def _without_outliers(values: FloatArray) -> tuple[float, float]:
    """Return mean and standard deviation, without pixels five times further out."""
    mean = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - mean))) or float(values.std())
    for _ in range(_ROUNDS):
        inside = values[np.abs(values - mean) <= OUTLIER * spread]
        mean, spread = (
            float(inside.mean(dtype=np.float64)),
            float(inside.std(dtype=np.float64)),
        )
    return mean, spread


@dataclass(frozen=True, eq=False)
class NoiseFit:
    """What one image says about its noise.

    Attributes
    ----------
    model
        Noise model with this slope and intercept.
    line
        Variance over mean, with standard errors.
    levels
        What the line was fitted to.
    correlation
        Of the noise of neighbouring pixels, along the axis where it is stronger: about
        0 for a camera's raw image. Far above 0 the image was smoothed, resized or
        compressed, or is sharp at the scale of one pixel; far below it was sharpened;
        the fit is not to be trusted then.
    """

    model: NoiseModel
    line: VarianceLine
    levels: BrightnessLevels
    correlation: float

    @property
    def slope(self) -> float:
        """Return the variance a count of light: the gain, in counts a photon."""
        return self.line.slope

    @property
    def intercept(self) -> float:
        """Return the variance at 0 counts; negative where there is an offset."""
        return self.line.intercept


def rising_line(levels: BrightnessLevels, dark: Dark | None) -> VarianceLine:
    """Return the line through `levels`, or one that rises at least a little.

    Parameters
    ----------
    levels
        Variance over mean.
    dark
        A point that the line has to go through, if it is known.

    Raises
    ------
    InputError
        When the image is darker than it would be without light.
    """
    if dark:
        _check_dark(dark, float(levels.mean.min()))
    known = (dark.offset, dark.read_noise) if dark else None
    return _rising(levels, fit_slope(levels, *known) if known else fit_line(levels))


def _rising(levels: BrightnessLevels, line: VarianceLine) -> VarianceLine:
    mean, variance = (
        float(np.average(values, weights=levels.weight))
        for values in (levels.mean, levels.variance)
    )
    least = LEAST_SHOT_PART * variance / max(float(np.ptp(levels.mean)), 1e-30)
    if line.slope >= least:
        return line
    return replace(line, slope=least, intercept=variance - least * mean)


def noise_model_of_line(
    line: VarianceLine, darkest: float, dark: Dark | None
) -> NoiseModel:
    """Return the noise model with the variance of `line`.

    Parameters
    ----------
    line
        Variance over mean.
    darkest
        The least mean in the image, in counts.
    dark
        What shares the intercept out between offset and read noise, if known.
    """
    if dark:
        return NoiseModel(line.slope, dark.offset, dark.read_noise)
    noiseless, least = -line.intercept / line.slope, min(darkest, 0.0)
    if noiseless >= least:
        return NoiseModel(line.slope, noiseless)
    return NoiseModel(line.slope, least, sqrt(line.slope * least + line.intercept))


def _check_dark(dark: Dark, darkest: float) -> None:
    if darkest < dark.offset - MOST_BELOW * max(dark.read_noise, 1.0):
        raise InputError(
            f"the image goes down to {darkest:.4g} counts, below the dark frame with "
            f"{dark.offset:.4g}",
            hint="dark frames are of the same camera, with the same settings",
        )


def fit_noise(
    planes: Sequence[NDArray[Any]],
    dark: Dark | None = None,
    unknown: Sequence[NDArray[np.bool_]] = (),
) -> NoiseFit:
    """Return the Poisson-Gaussian noise of one channel, from a single exposure.

    One image shows the slope and the intercept of the variance, but not how the
    intercept is shared between offset and read noise. Without `dark`, a negative one is
    read as an offset without read noise, any other as read noise without an offset
    (below 0 only where the image is). Nothing is lost: variance stabilisation and
    everything that works in stabilised values depend on slope and intercept alone.

    Noise that does not grow with light gets a small gain, so that the read noise
    makes 99 % of the variance.

    Parameters
    ----------
    planes
        Images of the same channel, (Y, X) each, of any real dtype, in counts.
    dark
        The camera without light, if it is known.
    unknown
        Of each plane the pixels, (Y, X), whose noise is not that of the camera, such as
        defects that were filled; none are where it is empty.

    Raises
    ------
    InputError
        When the image is too small, constant, mostly clipped, not finite, or shows no
        noise.
    """
    pixels = _checked(planes)
    windows = Windows.of(pixels)
    if any(mask.any() for mask in unknown):
        windows = windows.where(~windows_touched(unknown))
    windows = _in_range(windows)
    scale = BrightnessBins.of(windows.around)
    smooth = _smoothest(scale.bins(windows.around) // COARSE, windows.rough)
    windows = _without_hot_pixels(windows.where(smooth))
    bins = scale.bins(windows.around)
    sums = sums_by_bin(bins, windows.mean, windows.energy, windows.low, windows.high)
    levels = brightness_levels(sums, 2 * OVERLAP)
    line = rising_line(levels, dark)
    if not dark and line.slope_error > UNSURE * line.slope:
        piled = _at_lowest(pixels) > PILED
        whole = not piled and float((windows.low + windows.high).mean()) < UNCLIPPED
        if not piled or line.slope_error > HARDLY * line.slope:
            line = faint_line(pixels, unknown, levels, line, unclipped=whole)
            line = _rising(levels, line)
    lowest, highest = float(levels.mean.min()), float(levels.mean.max())
    typical = line.slope * (lowest + highest) / 2 + line.intercept
    if typical <= _least_variance(planes, highest - lowest, line):
        raise InputError(NO_NOISE, hint=HINT)
    model = noise_model_of_line(line, lowest, dark)
    variance = np.maximum(model.variance(windows.around), 0.02 * typical)
    return NoiseFit(model, line, levels, neighbour_correlation(windows, variance))


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


def _least_variance(
    planes: Sequence[NDArray[Any]], contrast: float, line: VarianceLine
) -> float:
    """Return the variance that needs no noise to explain it."""
    rounded = planes[0].dtype.kind in "iu" and line.slope < COUNTED
    return max(ROUNDING if rounded else 0.0, (LEAST_CONTRAST * contrast) ** 2)


def _at_lowest(planes: Sequence[FloatArray]) -> float:
    """Return the share of pixels on the lowest value."""
    lowest = min(plane.min() for plane in planes)
    return float(np.mean([np.mean(plane == lowest) for plane in planes]))


def _in_range(windows: Windows) -> Windows:
    kept = windows.where(windows.low + windows.high < CLIPPED_PART)
    if len(kept) < LEAST_WINDOWS:
        raise InputError(CLIPPED, hint=HINT)
    return kept


def _smoothest(bins: IndexArray, rough: FloatArray) -> IndexArray:
    """Return the windows of each bin whose surroundings vary least."""
    order = np.argsort(bins.astype(np.int16), kind="stable")
    crowds = np.split(order, np.cumsum(np.bincount(bins))[:-1])
    counts = [ceil(SMOOTH_PART * len(crowd)) for crowd in crowds]
    return np.concatenate(
        [
            crowd[np.argpartition(rough[crowd], count - 1)[:count]]
            for crowd, count in zip(crowds, counts, strict=True)
            if count
        ]
    )


def _without_hot_pixels(windows: Windows) -> Windows:
    order = np.argsort(windows.around)
    kept = [
        some[(energy := windows.energy[some]) <= FAR * np.quantile(energy, 0.98)]
        for some in np.array_split(order, max(len(order) // CROWD, 1))
    ]
    return windows.where(np.concatenate(kept))
