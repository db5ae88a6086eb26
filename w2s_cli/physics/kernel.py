"""Blur: what a microscope does to a point of light.

A widefield microscope passes spatial frequencies up to `2 NA / wavelength`, weighted by
the autocorrelation of its round pupil ([1]_, Eq. 6.25). Structured illumination doubles
that cut-off.

References
----------
.. [1] J. W. Goodman, "Introduction to Fourier Optics", 3rd ed. (2005).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """A blur kernel that sums to 1.

    Attributes
    ----------
    weights
        (Y, X) float32; the middle, `side // 2`, is the point that it blurs.
    pixel_size
        Micrometres a pixel, if known.
    """

    weights: FloatArray
    pixel_size: float | None = None

    @classmethod
    def normalised(
        cls, weights: NDArray[Any], pixel_size: float | None = None
    ) -> "Kernel":
        """Return the kernel with the shape of `weights` and a sum of 1."""
        return cls((weights / weights.sum()).astype(np.float32), pixel_size)

    def blur(self, image: FloatArray) -> FloatArray:
        """Return the (Y, X) `image` blurred, mirrored beyond its edges."""
        reach = [side // 2 for side in self.weights.shape]
        wide = np.pad(image, [(side, side) for side in reach], mode="symmetric")
        shape = [fft.next_fast_len(side, real=True) for side in wide.shape]
        otf = fft.rfft2(_rolled(self.weights, shape))
        blurred = fft.irfft2(fft.rfft2(wide, shape) * otf, shape)
        inner = [
            slice(side, side + length)
            for side, length in zip(reach, image.shape, strict=True)
        ]
        return np.asarray(blurred[tuple(inner)], np.float32)


def gaussian_kernel(sigma: float, pixel_size: float | None = None) -> Kernel:
    """Return a Gaussian of standard deviation `sigma` pixels, cut off at 4 sigma."""
    reach = max(int(np.ceil(4 * sigma)), 1)
    line = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return Kernel.normalised(np.outer(line, line), pixel_size)


def widefield_kernel(
    numerical_aperture: float, wavelength: float, pixel_size: float, side: int = 65
) -> Kernel:
    """Return the in-focus kernel of a widefield microscope.

    Parameters
    ----------
    numerical_aperture
        Of the objective.
    wavelength
        Of the emitted light, in micrometres.
    pixel_size
        Micrometres a pixel of the kernel.
    side
        Pixels along each side of the kernel, odd.
    """
    frequency = fft.fftfreq(side, pixel_size)
    cutoff = 2 * numerical_aperture / wavelength
    radius = np.minimum(np.hypot(frequency[:, None], frequency) / cutoff, 1)
    otf = 2 / np.pi * (np.arccos(radius) - radius * np.sqrt(1 - radius**2))
    psf = np.maximum(fft.fftshift(fft.ifft2(otf).real), 0)
    return Kernel.normalised(psf, pixel_size)


def halved(image: FloatArray) -> FloatArray:
    """Return the means of 2 x 2 pixels: what a camera with twice the pixel sees."""
    height, width = (side // 2 for side in image.shape)
    cells = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
    return np.asarray(cells.mean((1, 3)), np.float32)


def _rolled(weights: FloatArray, shape: list[int]) -> FloatArray:
    """Return `weights` in a field of zeros, its middle at the corner."""
    field = np.zeros(shape, np.float32)
    field[: weights.shape[0], : weights.shape[1]] = weights
    return np.roll(field, [-(side // 2) for side in weights.shape], (0, 1))
