"""The way of light to the camera as a linear map, and the way back.

A camera pixel sees the blurred light of its own area. The map and its adjoint are what
a deconvolution alternates between.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.psf import PSF


@dataclass(frozen=True, slots=True, eq=False)
class Optics:
    """Blur by a PSF, then binning by the camera; mirrored beyond the edges."""

    scale: int  # pixels of the light along the side of a camera pixel
    # Pixels of the light, along Y and X, that a point is blurred over
    reach: tuple[int, int]
    padded: tuple[int, int]  # (Y, X) of the grid that Fourier transforms work on
    otf: NDArray[np.complex64]  # the half spectrum of the PSF on that grid

    @classmethod
    def of(cls, psf: PSF, shape: tuple[int, int], scale: int = 1) -> "Optics":
        """Return the optics before a camera.

        Parameters
        ----------
        psf
            The blur, on the grid of the light.
        shape
            (Y, X) of the camera image.
        scale
            Pixels of the light along the side of a camera pixel.
        """
        reach = (psf.weights.shape[0] // 2, psf.weights.shape[1] // 2)
        padded = (
            fft.next_fast_len(shape[0] * scale + 2 * reach[0], real=True),
            fft.next_fast_len(shape[1] * scale + 2 * reach[1], real=True),
        )
        return cls(scale, reach, padded, transfer(psf, padded))

    def see(self, light: FloatArray) -> FloatArray:
        """Return what the camera sees of the (Y * scale, X * scale) `light`."""
        around = [(side, side) for side in self.reach]
        blurred = self._filtered(np.pad(light, around, mode="symmetric"), self.otf)
        (top, left), (height, width) = self.reach, light.shape
        return _binned(blurred[top : top + height, left : left + width], self.scale)

    def back(self, image: FloatArray) -> FloatArray:
        """Return a (Y, X) camera image sent back to the light, where it came from.

        It is the adjoint of `see`, times `scale`**2.
        """
        (top, left), (height, width) = self.reach, image.shape
        around = [(side, side) for side in self.reach]
        fine = image.repeat(self.scale, 0).repeat(self.scale, 1)
        spread = self._filtered(np.pad(fine, around), self.otf.conj())
        spread = _folded(spread[: height * self.scale + 2 * top], top)
        return _folded(spread[:, : width * self.scale + 2 * left].T, left).T

    def _filtered(self, wide: FloatArray, otf: NDArray[np.complex64]) -> FloatArray:
        spectrum = fft.rfft2(wide, self.padded, workers=-1)
        del wide  # large; nobody else holds it
        spectrum *= otf
        filtered: FloatArray = fft.irfft2(
            spectrum, self.padded, overwrite_x=True, workers=-1
        )
        return filtered


def transfer(psf: PSF, shape: tuple[int, int]) -> NDArray[np.complex64]:
    """Return the half spectrum of a PSF on a periodic grid of `shape`."""
    places = [
        (np.arange(length) - length // 2) % side
        for length, side in zip(psf.weights.shape, shape, strict=True)
    ]
    field = np.zeros(shape, np.float32)
    np.add.at(field, np.ix_(*places), psf.weights)
    return np.asarray(fft.rfft2(field, workers=-1), np.complex64)


def _binned(image: FloatArray, scale: int) -> FloatArray:
    """Return the means of squares of `scale` x `scale` pixels."""
    height, width = (side // scale for side in image.shape)
    cells: NDArray[Any] = image.reshape(height, scale, width, scale)
    return np.asarray(cells.mean((1, 3)), np.float32)


def _folded(wide: FloatArray, reach: int) -> FloatArray:
    """Return the inner rows of `wide`, to which those beyond were added mirrored.

    It is a view: `wide` is changed.
    """
    length = len(wide) - 2 * reach
    inner = wide[reach : reach + length]
    origin = np.pad(np.arange(length), reach, mode="symmetric")
    for border in (slice(None, reach), slice(reach + length, None)):
        np.add.at(inner, origin[border], wide[border])
    return inner
