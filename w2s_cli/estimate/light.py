"""How much light there is, and where there was too much."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

BRIGHT = 99.5
"""Percentile that stands for the brightest parts."""
DARK = 0.5
_FULL = [2**bits - 1 for bits in range(8, 17)]  # where cameras saturate


def brightest(plane: NDArray[Any]) -> float:
    """Return the brightest parts of a (Y, X) plane, the noise averaged out."""
    return _percentile(plane, BRIGHT)


def darkest(plane: NDArray[Any]) -> float:
    """Return the darkest parts of a (Y, X) plane, the noise averaged out."""
    return _percentile(plane, DARK)


def saturated(plane: NDArray[Any]) -> float:
    """Return the share of pixels at the full range of a camera of 8 to 16 bits."""
    peak = float(plane.max())
    return float((plane == peak).mean()) if peak in _FULL else 0.0


def _percentile(plane: NDArray[Any], percent: float) -> float:
    smooth = uniform_filter(plane.astype(np.float32), 3)
    return float(np.percentile(smooth, percent))
