"""What speaks against the noise of a plane: filters, averages, a wrong model."""

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.microscope.noise_estimation import NoiseFit
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.plane_sampling import BRIGHT
from w2s_cli.microscope.quantization import smallest_denominator

MOST_CORRELATION = 0.06  # between the noise of neighbouring pixels
# The estimate from 64 x 64 pixels of raw noise is off by up to 0.1, 512 x 512 by 0.02.
_SPREAD = 4  # that, times the root of the pixels; fine structure adds up to 0.04
MOST_MISFIT = 1.5  # between standard deviations, given and measured
LEAST_GAIN = 0.1  # counts a photon; coarser counts would drown the noise of light


def white(correlation: float, pixels: int) -> bool:
    """Return whether the noise of so many pixels may well be independent."""
    return abs(correlation) <= MOST_CORRELATION + _SPREAD / sqrt(pixels)


def noise_warnings(
    fit: NoiseFit, plane: NDArray[Any], given: NoiseModel | None
) -> Iterator[str]:
    """Yield why the noise is not that of a camera; how it grows only if it is used."""
    if not white(fit.correlation, plane.size):
        cause = "smoothed, resized, compressed or deconvolved"
        if fit.correlation < 0:
            cause = "sharpened or resized"
        yield (
            f"the noise of neighbouring pixels is correlated ({fit.correlation:.2f}): "
            f"was the image {cause}? Its gain is not that of a camera"
        )
    elif not given and fit.slope < 2 * fit.line.slope_error:
        yield (
            f"the noise hardly grows with the light: the gain of {fit.slope:.2g} has a "
            f"standard error of {fit.line.slope_error:.2g}"
        )
    if given:
        return
    parts = smallest_denominator(plane)
    if parts > 1:
        yield (
            f"every value is a multiple of 1/{parts}: an average of {parts} frames or "
            f"pixels, or counts divided by {parts}, look like a camera with a gain "
            f"{parts} times too small"
        )
    elif parts == 1 and plane.max() > 255 and fit.slope < LEAST_GAIN:
        yield (
            f"a gain of {fit.slope:.2g} counts a photon is implausibly small: is the "
            "image an average, or rescaled? An average of K frames has a K-th of the "
            "gain"
        )


def misfit_warnings(
    given: NoiseModel, measured: NoiseModel, plane: NDArray[Any]
) -> Iterator[str]:
    """Yield whether the noise that was given is not what the plane shows."""
    levels = np.percentile(plane, [50, BRIGHT]).astype(np.float32)
    least = np.float32(1e-6)
    shown = np.maximum(measured.variance(levels), least)
    ratios = np.sqrt(np.maximum(given.variance(levels), least) / shown)
    worst = float(max(ratios, key=lambda ratio: abs(np.log(ratio))))
    if not 1 / MOST_MISFIT <= worst <= MOST_MISFIT:
        yield (
            f"the noise that was given is {worst:.2g} times what the image shows: "
            "wrong noise makes a method invent structure, or erase it"
        )
