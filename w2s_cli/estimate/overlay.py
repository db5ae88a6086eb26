"""A widefield image and the sharp image of the same field, laid over each other.

The widefield image is taken for `gain * see(kernel * sharp) + background`, where `see`
takes the means of the sharp pixels that a camera pixel covers. The sharp image may lie
some pixels, and parts of pixels, beside the widefield image.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from w2s_cli.estimate.suitable import checked_scale
from w2s_cli.physics.kernel import halved

FloatArray = NDArray[np.float32]
Spectrum = NDArray[np.complex64]
Shift = tuple[float, float]

FARTHEST = 0.2
"""How far the images may lie apart, as a part of their length."""
EDGE = 0.1
"""Part of the length, at either end, over which pixels count less and less."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """One pair of images.

    Attributes
    ----------
    name
        What messages call the pair.
    low
        (Y, X) of the widefield image.
    sharp
        (Y, X) of the sharp image without its mean.
    level
        The mean that was taken from the sharp image.
    scale
        Sharp pixels along the side of a widefield pixel, 1 or 2.
    reach
        How far the kernel reaches from its middle, in sharp pixels.
    start
        How far the sharp image is to be moved, good to a pixel or two.
    weight
        (Y, X), how much each widefield pixel counts: 0 where beyond the edge shows.
    """

    name: str
    low: FloatArray
    sharp: FloatArray
    level: float
    scale: int
    reach: int
    start: Shift
    weight: FloatArray

    @classmethod
    def of(
        cls, low: NDArray[Any], sharp: NDArray[Any], reach: int, name: str
    ) -> "Overlay":
        """Return the overlay of a widefield image and a sharp one.

        Raises
        ------
        InputError
            When the sizes do not fit, or an image is too small, constant or not
            finite.
        """
        scale = checked_scale(low, sharp, 2 * reach + 1, name)
        level = float(sharp.mean(dtype=np.float64))
        centred = sharp.astype(np.float32) - np.float32(level)
        counts = low.astype(np.float32)
        shift = _coarse_shift(counts, binned(centred, scale))
        start = (float(scale * shift[0]), float(scale * shift[1]))
        skipped = [reach / scale + abs(moved) for moved in shift]
        weight = _window(counts.shape, skipped)
        return cls(name, counts, centred, level, scale, reach, start, weight)

    @cached_property
    def grid(self) -> tuple[int, int]:
        """Return the (Y, X) that Fourier transforms of the sharp image work on."""
        height, width = (
            fft.next_fast_len(side + 2 * self.reach, real=True)
            for side in self.sharp.shape
        )
        return height, width

    @cached_property
    def frequencies(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the cycles a sharp pixel along Y, (N, 1), and along X, (1, M)."""
        height, width = self.grid
        return fft.fftfreq(height)[:, None], fft.rfftfreq(width)[None]

    @cached_property
    def spectrum(self) -> Spectrum:
        """Return the half spectrum of the sharp image, mirrored beyond its edges."""
        wide = np.pad(self.sharp, self.reach, mode="symmetric")
        return np.asarray(fft.rfft2(wide, self.grid), np.complex64)

    def moved(self, shift: Shift, otf: NDArray[Any] | None = None) -> FloatArray:
        """Return the sharp image moved by `shift`, and blurred by an `otf`."""
        y, x = self.frequencies
        slope = np.exp(-2j * np.pi * (y * shift[0] + x * shift[1]))
        spectrum = self.spectrum * slope.astype(np.complex64)
        if otf is not None:
            spectrum *= otf
        image = fft.irfft2(spectrum, self.grid)[self.reach :, self.reach :]
        height, width = self.sharp.shape
        return np.asarray(image[:height, :width], np.float32)

    def seen(self, shift: Shift, otf: NDArray[Any]) -> FloatArray:
        """Return what the camera would see of the sharp image: gain 1, background 0."""
        return binned(self.moved(shift, otf), self.scale)

    def mean(self, image: NDArray[Any]) -> float:
        """Return the weighted mean of a (Y, X) image on the widefield grid."""
        return float(np.average(image, weights=self.weight))


def binned(image: FloatArray, scale: int) -> FloatArray:
    """Return `image` on the grid of a camera whose pixel is `scale` pixels wide."""
    return image if scale == 1 else halved(image)


def _coarse_shift(low: FloatArray, sharp: FloatArray) -> tuple[int, int]:
    """Return how far `sharp` lies beside `low`, to a pixel, by cross-correlation."""
    window = np.sqrt(_window(low.shape, [0.0, 0.0]))
    first, second = (
        fft.rfft2(window * (image - np.average(image, weights=window)))
        for image in (low, sharp)
    )
    likeness = fft.irfft2(first * second.conj(), low.shape)
    places = [fft.fftfreq(side, 1 / side).astype(int) for side in low.shape]
    for axis, (place, side) in enumerate(zip(places, low.shape, strict=True)):
        far = np.abs(place) > FARTHEST * side
        likeness[far if axis == 0 else (slice(None), far)] = -np.inf
    y, x = np.unravel_index(likeness.argmax(), low.shape)
    return int(places[0][y]), int(places[1][x])


def _window(shape: tuple[int, ...], skipped: list[float]) -> FloatArray:
    """Return a window that is 0 for `skipped` pixels at each edge, then rises to 1."""
    lines = []
    for side, skip in zip(shape, skipped, strict=True):
        depth = np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5 - skip
        rise = np.clip(depth / max(EDGE * side, 4), 0, 1)
        lines.append(0.5 - 0.5 * np.cos(np.pi * rise))
    return np.outer(*lines).astype(np.float32)
