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
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.estimate.dark import Dark
from w2s_cli.estimate.levels import Levels, Scale, levels_of, summed
from w2s_cli.estimate.line import Line, fit_line, fit_slope
from w2s_cli.estimate.whiteness import correlation
from w2s_cli.estimate.windows import OVERLAP, FloatArray, Windows
from w2s_cli.physics.noise import NoiseModel

Indices = NDArray[np.intp]

LEAST_SIDE = 32
LEAST_WINDOWS = 64
LEAST_CONTRAST = 5e-4
"""Weaker noise, as a part of the image's range, is no camera's."""
ROUNDING = 0.2
"""Variance, in squared levels, that rounding to integers alone can make."""
SMOOTH_PART = 0.75
COARSE = 4
"""Bins of brightness taken together to tell smooth from rough."""
CLIPPED_PART = 0.5
LEAST_SHOT_PART = 0.01
"""Least part of the variance that grows with light: a model needs some gain."""
NO_NOISE = "the image shows no noise from pixel to pixel"
CLIPPED = "nearly the whole image is clipped at its lowest or highest value"
HINT = "give the noise model with --gain, --offset and --read-noise"


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
    line: Line
    levels: Levels
    correlation: float

    @property
    def slope(self) -> float:
        """Return the variance a count of light: the gain, in counts a photon."""
        return self.line.slope

    @property
    def intercept(self) -> float:
        """Return the variance at 0 counts; negative where there is an offset."""
        return self.line.intercept


def fit_noise(planes: Sequence[NDArray[Any]], dark: Dark | None = None) -> NoiseFit:
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

    Raises
    ------
    InputError
        When the image is too small, constant, mostly clipped, not finite, or shows no
        noise.
    """
    pixels = _checked(planes)
    windows = _in_range(Windows.of(pixels))
    bins = Scale.of(windows.around).bins(windows.around)
    smooth = _smoothest(bins // COARSE, windows.rough)
    windows = windows.where(smooth)
    sums = summed(bins[smooth], windows.mean, windows.energy, windows.low, windows.high)
    levels = levels_of(sums, 2 * OVERLAP)
    line = rising_line(levels, dark)
    lowest, highest = float(levels.mean.min()), float(levels.mean.max())
    typical = line.slope * (lowest + highest) / 2 + line.intercept
    if typical <= _least_variance(planes, highest - lowest):
        raise InputError(NO_NOISE, hint=HINT)
    model = model_of(line, lowest, dark)
    variance = np.maximum(model.variance(windows.around), 0.02 * typical)
    return NoiseFit(model, line, levels, correlation(windows, variance))


def rising_line(levels: Levels, dark: Dark | None) -> Line:
    """Return the line through `levels`, or one that rises at least a little.

    Parameters
    ----------
    levels
        Variance over mean.
    dark
        A point that the line has to go through, if it is known.
    """
    known = (dark.offset, dark.read_noise) if dark else None
    line = fit_slope(levels, *known) if known else fit_line(levels)
    mean, variance = (
        float(np.average(values, weights=levels.weight))
        for values in (levels.mean, levels.variance)
    )
    least = LEAST_SHOT_PART * variance / max(float(np.ptp(levels.mean)), 1e-30)
    if line.slope >= least:
        return line
    return replace(line, slope=least, intercept=variance - least * mean)


def model_of(line: Line, darkest: float, dark: Dark | None) -> NoiseModel:
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
    offset = max(-line.intercept / line.slope, min(darkest, 0.0))
    variance = max(line.slope * offset + line.intercept, 0.0)
    return NoiseModel(line.slope, offset, sqrt(variance))


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


def _in_range(windows: Windows) -> Windows:
    kept = windows.where(windows.low + windows.high < CLIPPED_PART)
    if len(kept) < LEAST_WINDOWS:
        raise InputError(CLIPPED, hint=HINT)
    return kept


def _smoothest(bins: Indices, rough: FloatArray) -> Indices:
    """Return the windows of each bin whose surroundings vary least."""
    order = np.lexsort((rough, bins))
    count: Indices = np.bincount(bins)
    rank = np.arange(len(bins)) - np.repeat(np.cumsum(count) - count, count)
    smooth: Indices = order[rank < SMOOTH_PART * np.repeat(count, count)]
    return smooth
