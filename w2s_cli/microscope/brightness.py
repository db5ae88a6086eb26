"""How much light there is, and where there was too much."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from w2s_cli.microscope.quantization import step_of_pile

BRIGHT = 99.5
"""Percentile that stands for the brightest parts."""
DARK = 0.5
_FULL = [2**bits - 1 for bits in range(8, 17)]  # where cameras saturate


def brightest(plane: NDArray[Any]) -> float:
    """Return the brightest parts of a (Y, X) plane, the noise averaged out."""
    return extremes(plane)[1]


def extremes(plane: NDArray[Any]) -> tuple[float, float]:
    """Return the darkest and brightest parts, means over 3x3 pixels."""
    smooth = uniform_filter(plane.astype(np.float32), 3)
    dark, bright = np.percentile(smooth, [DARK, BRIGHT])
    return float(dark), float(bright)


def saturated(plane: NDArray[Any]) -> float:
    """Return the share of pixels at the highest value, where that is an end of a range.

    It is one of a camera of 8 to 16 bits, or where pixels pile up.
    """
    peak = float(plane.max())
    full = peak in _FULL or step_of_pile([plane], peak)
    return float((plane == peak).mean()) if full else 0.0
