"""How much fine structure there is in the bright parts of an image, over their light.

Thin lines and dots stand out of what is around them, and most of their light changes
within a few pixels; in evenly labelled nuclei or cytoplasm a tenth of it does. What the
noise adds is taken off, so that the figure is the same at any light.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.ndimage import uniform_filter

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.microscope.noise_model import NoiseModel

_FINE, _COARSE = 3, 7  # pixels: structure between the two is fine
_OF_NOISE = 1 / _FINE**2 - 1 / _COARSE**2  # of its variance, that passes as fine
_BLOCK = 8  # pixels
_DARK, _TOP = 5, 98  # percentiles of blocks
_BRIGHT = 0.5  # of the way from dark to bright
_MOST = 8.0  # standard deviations of noise: more, and more than all light, is a defect
_ENOUGH = 2  # squares
_SURE = 3.0  # standard errors: less fine structure may be noise


@dataclass(frozen=True, slots=True)
class FineContrast:
    """The rms of fine structure in the bright parts, as a share of two things.

    Attributes
    ----------
    of_light
        Of all their light, which hangs on the offset of the camera.
    over_dark
        Of that above the dark parts, which takes even light for dark.
    """

    of_light: float
    over_dark: float


def fine_contrast(
    squares: Sequence[FloatArray], noise: NoiseModel
) -> FineContrast | None:
    """Return how much fine structure the bright parts have.

    Parameters
    ----------
    squares
        (Y, X) counts; the first are looked at.
    noise
        Of one pixel; of noise that neighbours share it is not known how much is fine.

    Returns
    -------
    The shares; None where they cannot be told.
    """
    if noise.correlation is not None:
        return None
    power, light, above = 0.0, 0.0, 0.0
    for square in squares[:_ENOUGH]:
        if min(square.shape) < 2 * _BLOCK:
            continue
        means = _blocks(square)
        variance = np.maximum(noise.variance(means.astype(np.float32)), 0)
        fine = uniform_filter(square, _FINE) - uniform_filter(square, _COARSE)
        brightest = float(means.max()) - noise.offset
        most = max(_MOST**2 * _OF_NOISE * float(variance.max()), brightest**2)
        excess = _blocks(np.minimum(fine**2, most)) - _OF_NOISE * variance
        dark, top = np.percentile(means, [_DARK, _TOP])
        bright = means >= dark + _BRIGHT * (top - dark)
        fine_power = excess[bright]
        error = _SURE * float(fine_power.std()) / sqrt(fine_power.size)
        if (mean := float(fine_power.mean())) > error:
            power += mean
        level = float(means[bright].mean())
        light += (level - noise.offset) ** 2
        above += (level - float(dark)) ** 2
    if not light or not above:
        return None
    rms = sqrt(power)
    return FineContrast(rms / sqrt(light), rms / sqrt(above))


def _blocks(image: FloatArray) -> DoubleArray:
    height, width = (side // _BLOCK for side in image.shape)
    cut = image[: height * _BLOCK, : width * _BLOCK].astype(np.float64)
    return np.asarray(cut.reshape(height, _BLOCK, width, _BLOCK).mean((1, 3)))
