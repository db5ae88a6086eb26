"""A line through variance over mean, read as the noise of a camera."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_levels import Levels, Line, fit_line, fit_slope
from w2s_cli.microscope.noise_model import NoiseModel

OUTLIER = 5.0  # standard deviations: a hot pixel
_ROUNDS = 10


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


def dark_of(frames: Iterable[NDArray[Any]]) -> Dark:
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


LEAST_SHOT_PART = 0.01
"""Least part of the variance that grows with light: a model needs some gain."""
MOST_BELOW = 2.0
"""Read noise, at least that many counts, by which an image may be darker than dark."""


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


def rising_line(levels: Levels, dark: Dark | None) -> Line:
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
