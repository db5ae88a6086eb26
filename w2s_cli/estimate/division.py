"""Eq. 2 of the W2S paper as its authors solved it: one quotient in Fourier space.

The widefield image is enlarged by linear interpolation, and the kernel is the middle of
`conj(H) L / (|H|^2 + constant)`, where `H` and `L` are the transforms of the sharp and
of the enlarged image, each stretched to [0, 1]. Nothing is windowed, and the camera's
pixel stays a part of the kernel. Kernels of several pairs are averaged. Other than the
authors, the sharp image is first moved to where the widefield image is.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import zoom

from w2s_cli.estimate.overlay import Overlay, Shift

AUTHORS = 2500.0
"""The constant of the authors, for 1024 x 1024 pixels."""
_STRETCH = (0.1, 99.8)  # percentiles that become 0 and 1


def divided(
    overlays: Sequence[Overlay], shifts: Sequence[Shift], constant: float
) -> NDArray[np.float64]:
    """Return the mean over pairs of (P, P) kernels, before they are normalised.

    Parameters
    ----------
    overlays
        The pairs.
    shifts
        How far each sharp image is to be moved.
    constant
        What is added to the power of the sharp image.
    """
    kernels = [
        _divided(overlay, shift, constant)
        for overlay, shift in zip(overlays, shifts, strict=True)
    ]
    return np.asarray(np.mean(kernels, axis=0))


def _divided(overlay: Overlay, shift: Shift, constant: float) -> NDArray[np.float64]:
    enlarged = zoom(overlay.low, overlay.scale, order=1, mode="nearest", grid_mode=True)
    sharp, wide = (
        fft.rfft2(_stretched(image)) for image in (overlay.moved(shift), enlarged)
    )
    quotient: NDArray[Any] = sharp.conj() * wide / (np.abs(sharp) ** 2 + constant)
    field = fft.irfft2(quotient, enlarged.shape)
    place = np.arange(-overlay.reach, overlay.reach + 1)
    kernel = field[np.ix_(place, place)]
    return np.asarray(kernel / kernel.sum(), np.float64)


def _stretched(image: NDArray[Any]) -> NDArray[np.float64]:
    low, high = np.percentile(image, _STRETCH)
    return np.asarray((image.astype(np.float64) - low) / max(high - low, 1e-30))
