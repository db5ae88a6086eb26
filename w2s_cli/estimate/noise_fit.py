"""A line through variance over mean, read as the noise of a camera."""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from w2s_cli.errors import InputError
from w2s_cli.estimate.dark import Dark
from w2s_cli.estimate.levels import Levels
from w2s_cli.estimate.line import Line, fit_line, fit_slope
from w2s_cli.physics.noise import NoiseModel

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
