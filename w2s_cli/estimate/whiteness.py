"""Whether the noise of neighbouring pixels is independent, as a camera's is."""

import numpy as np
from numpy.typing import NDArray

from w2s_cli.estimate.windows import HIGH_PASS, LOW_PASS, FloatArray, Taps, Windows

Indices = NDArray[np.intp]

ENOUGH = 4000
"""Windows that tell the correlation to about 0.03."""


def correlation(windows: Windows, variance: FloatArray) -> float:
    """Return the correlation of neighbours, if it falls off as after a Gaussian blur.

    A low-pass filter lets more of such noise through than a high-pass filter, by a
    factor that follows from the correlation: read the table backwards. Both are taken
    with a high-pass filter along the other axis, which keeps structure out.

    Parameters
    ----------
    windows
        What was measured.
    variance
        Of the noise of each window.

    Returns
    -------
    float
        Along the axis where it is further from 0. Below 0 after sharpening.
    """
    quiet = _quietest(windows.rough / variance)
    windows, variance = windows.where(quiet), variance[quiet]
    table = np.linspace(-0.45, 0.95, 141)
    ratio = _passed(LOW_PASS, table) / _passed(HIGH_PASS, table)
    energy = _whitened(windows.energy, variance)
    found = (
        float(np.interp(_whitened(low, variance) / energy, ratio, table))
        for low in (windows.down, windows.across)
    )
    return max(found, key=abs)


def _quietest(rough: FloatArray) -> Indices:
    """Return the windows with least structure for their noise, enough of them."""
    count = min(max(len(rough) // 4, ENOUGH), len(rough))
    quiet: Indices = np.argpartition(rough, count - 1)[:count]
    return quiet


def _passed(taps: Taps, correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the variance that a filter leaves of noise with such correlations."""
    overlap = np.correlate(taps, taps, "full")
    lags = np.arange(len(overlap)) - len(overlap) // 2
    passed: NDArray[np.float64] = correlation[:, None] ** lags**2 @ overlap
    return passed


def _whitened(energy: FloatArray, variance: FloatArray) -> float:
    return float(np.sum(energy / variance, dtype=np.float64))
