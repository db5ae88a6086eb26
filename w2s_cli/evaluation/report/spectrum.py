"""How much of an image there is at each spatial frequency."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def radial_spectrum(image: NDArray[Any], pitch: int = 1) -> tuple[Values, Values]:
    """Return the power of an image over its spatial frequency, in rings.

    A Hann window keeps the edges from leaking into all frequencies. Noise without
    correlation, of variance v, has the power v * pitch**2 at all of them.

    Parameters
    ----------
    image
        (Y, X), at least 4 x 4.
    pitch
        The side of its pixels, in those that frequencies are counted in.

    Returns
    -------
    frequency, power
        (N,) cycles a pixel up to `0.5 / pitch`, without 0; (N,) squared units of the
        image times the area of a pixel.
    """
    pixels = np.asarray(image, np.float64)
    height, width = pixels.shape
    window = np.outer(_hann(height), _hann(width))
    waves = np.fft.fft2((pixels - np.average(pixels, weights=window)) * window)
    power = np.abs(waves) ** 2 / (window**2).sum() * pitch**2
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    rings = min(height, width) // 2
    ring = np.rint(frequency * 2 * rings).astype(np.intp).ravel()
    sums = np.bincount(ring, power.ravel())[1 : rings + 1]
    return (
        np.arange(1, rings + 1) / (2 * rings * pitch),
        sums / np.bincount(ring)[1 : rings + 1],
    )


def _hann(length: int) -> Values:
    return np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
