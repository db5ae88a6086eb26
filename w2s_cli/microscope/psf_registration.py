"""Where a sharp image lies in a widefield one, and how bright and how blurred it is.

The widefield image is taken for `gain * see(psf * sharp) + background`, where `see`
takes the means of the sharp pixels that a camera pixel covers. The sharp image may lie
some pixels, and parts of pixels, beside the widefield image.

They are registered by least squares: the sharp image, blurred by a Gaussian, is fitted
to the widefield image together with its own derivatives, which tell how far to move it
and how much more to blur it (Gauss-Newton steps).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.errors import InputError
from w2s_cli.microscope.psf import halved

LEAST_SIDES = 4
"""Least length of the sharp image, in sides of the PSF."""
Spectrum = NDArray[np.complex64]
Shift = tuple[float, float]
FARTHEST = 0.2
"""How far the images may lie apart, as a part of their length."""
EDGE = 0.1
"""Part of the length, at either end, over which pixels count less and less."""
LONGEST_STEP = 4.0
FIRST_WIDTH = 3.0
LEAST_WIDTH = 0.25
"""Standard deviations of the Gaussian, in pixels: the first and the least."""
GROWTH = 2.5
STEPS = 20


def checked_scale(low: NDArray[Any], sharp: NDArray[Any], side: int, name: str) -> int:
    """Return how many pixels of `sharp` lie along the side of a pixel of `low`."""
    scale = _scale(low.shape, sharp.shape, name)
    least = LEAST_SIDES * side
    if min(sharp.shape) < least:
        raise InputError(
            f"{name}: a sharp image of {_size(sharp.shape)} pixels is too small for a "
            f"kernel of {side} x {side}, which takes {least} x {least}",
            hint="use a larger field, or a smaller --side",
        )
    for image, kind in ((low, "widefield"), (sharp, "sharp")):
        if not np.isfinite(image).all():
            raise InputError(
                f"{name}: the {kind} image holds NaN or infinite values",
                hint="replace them by numbers",
            )
        if (image == image.flat[0]).all():
            raise InputError(
                f"{name}: every pixel of the {kind} image is {image.flat[0]:g}",
                hint="a kernel shows only where there is structure",
            )
    return scale


def _scale(low: tuple[int, ...], sharp: tuple[int, ...], name: str) -> int:
    for scale in (1, 2):
        if sharp == tuple(scale * side for side in low):
            return scale
    swapped = low == tuple(2 * side for side in sharp)
    raise InputError(
        f"{name}: the sharp image has {_size(sharp)} pixels, the widefield image "
        f"{_size(low)}: it must have twice as many along Y and X, or as many",
        hint="widefield images come first: are they swapped?"
        if swapped
        else "crop both to the same field",
    )


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


@dataclass(frozen=True, eq=False)
class Overlay:
    """One pair of images."""

    name: str  # what messages call the pair
    low: FloatArray  # (Y, X) of the widefield image
    sharp: FloatArray  # (Y, X) of the sharp image without its mean
    level: float  # the mean that was taken from the sharp image
    scale: int  # sharp pixels along the side of a widefield pixel, 1 or 2
    reach: int  # how far the PSF reaches from its middle, in sharp pixels
    start: Shift  # how far the sharp image is to be moved, good to a pixel or two
    # (Y, X), how much each widefield pixel counts: 0 where beyond the edge shows
    weight: FloatArray

    @classmethod
    def of(
        cls, low: NDArray[Any], sharp: NDArray[Any], reach: int, name: str
    ) -> "Overlay":
        """Return the overlay of a widefield image and a sharp one."""
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
    def frequencies(self) -> tuple[DoubleArray, DoubleArray]:
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


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the sharp image becomes the widefield one, blur apart."""

    shift: Shift  # how far the sharp image is moved along Y and X, in its pixels
    gain: float = 1.0  # what its intensities are multiplied by
    # What is added to them then; the sharp image counted from its mean
    background: float = 0.0


def fit_gaussian_blur(overlays: Sequence[Overlay]) -> tuple[list[Alignment], float]:
    """Return the alignment of each pair, and the width of one Gaussian for all.

    The width is a standard deviation in sharp pixels.
    """
    alignments = [Alignment(overlay.start) for overlay in overlays]
    variance, most = FIRST_WIDTH**2, (overlays[0].reach / 2) ** 2
    for _ in range(STEPS):
        growths = []
        for number, overlay in enumerate(overlays):
            y, x = overlay.frequencies
            otf = np.exp(-2 * np.pi**2 * variance * (y**2 + x**2)).astype(np.float32)
            seen = overlay.seen(alignments[number].shift, otf)
            alignments[number], growth = refine_alignment(
                overlay, seen, alignments[number], free_width=True
            )
            growths.append(growth)
        wider = variance + float(np.median(growths))
        wider = float(np.clip(wider, variance / GROWTH, variance * GROWTH))
        before, variance = variance, float(np.clip(wider, LEAST_WIDTH**2, most))
        if abs(variance / before - 1) < 1e-3:
            break
    return alignments, sqrt(variance)


def refine_alignment(
    overlay: Overlay, seen: FloatArray, before: Alignment, *, free_width: bool = False
) -> tuple[Alignment, float]:
    """Return a better alignment by one Gauss-Newton step, and the growth of the blur.

    `seen` is what the camera would see with the alignment `before`; the growth is that
    of the variance of a Gaussian, in squared sharp pixels, 0 unless `free_width`.
    """
    scale = overlay.scale
    along_y, along_x = np.gradient(seen)
    columns = [seen, np.ones_like(seen), along_y, along_x]
    if free_width:
        columns.append(np.gradient(along_y, axis=0) + np.gradient(along_x, axis=1))
    matrix = np.stack([column.ravel() for column in columns]).astype(np.float64)
    weighted = matrix * overlay.weight.ravel()
    gain, background, dy, dx, *wider = np.linalg.lstsq(
        weighted @ matrix.T, weighted @ overlay.low.ravel(), rcond=None
    )[0]
    if gain <= 0:
        raise InputError(
            f"{overlay.name}: the widefield image does not brighten where the sharp "
            "one does",
            hint="are both of the same field and channel, in the same orientation?",
        )
    step = np.clip(
        [-scale * dy / gain, -scale * dx / gain], -LONGEST_STEP, LONGEST_STEP
    )
    shift = (before.shift[0] + float(step[0]), before.shift[1] + float(step[1]))
    growth = 2 * scale**2 * wider[0] / gain if wider else 0.0
    return Alignment(shift, float(gain), float(background)), float(growth)
