"""Fourier ring correlation: up to which frequency two noisy images agree.

Each ring of the Fourier plane holds one spatial frequency; the two images are
correlated over each ([1]_, [2]_). Where they cease to agree, there is the resolution.

The noise of the two must be independent. It is not, and the figure must not be trusted,
when both went through the same filter, denoiser or network, which draws the same
pattern twice; when one was made from the other; or when a fixed pattern of the camera,
a grid of tiles or JPEG blocks sits at the same pixels in both.

One image can be split into alternate pixels ([4]_). The split needs to know nothing of
the camera, but sees no detail below 4 pixels, and takes what is finer for coarse. The
figure is that of the image as it is: the 1/7 threshold is meant for halves. It must not
be trusted where the noise of neighbouring pixels is correlated: after any denoiser,
deconvolution, network, resizing or JPEG. For such images compare two exposures, each
restored alone, and mind that even then a network may draw the same pattern twice.

References
----------
.. [1] W. O. Saxton and W. Baumeister, "The correlation averaging of a regularly
   arranged bacterial cell envelope protein", J. Microsc. 127 (1982).
.. [2] R. P. J. Nieuwenhuizen et al., "Measuring image resolution in optical
   nanoscopy", Nature Methods 10 (2013).
.. [3] M. van Heel and M. Schatz, "Fourier shell correlation threshold criteria", J.
   Struct. Biol. 151 (2005).
.. [4] S. Koho et al., "Fourier ring correlation simplifies image restoration in
   fluorescence microscopy", Nature Commun. 10 (2019).
"""

from dataclasses import dataclass
from math import inf
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter1d
from scipy.signal.windows import tukey

from w2s_cli._typing import DoubleArray, IndexArray
from w2s_cli.errors import UsageError
from w2s_cli.metrics.input_checks import FloatImage, Image, checked_image, checked_pair

Threshold = Literal["1/7", "half-bit", "3-sigma"]

LEAST = 32  # pixels along a side that give enough rings
_TAPER = 0.25  # part of the side over which the window falls, both ends together
_SMOOTHING = 1 / 80  # standard deviation of the smoothing, as a part of the rings


@dataclass(frozen=True, slots=True, eq=False)
class RingCorrelation:
    """The correlation of two images over rings of the Fourier plane."""

    frequency: DoubleArray  # (R,) of each ring, in cycles a pixel; up to 0.5
    correlation: DoubleArray  # (R,) from -1 to 1
    # (R,) pixels of the Fourier plane on each ring: what its noise is averaged over
    count: IndexArray

    @property
    def smoothed(self) -> DoubleArray:
        """Return the correlation with less noise, over neighbouring rings."""
        width = max(len(self.correlation) * _SMOOTHING, 1)
        return np.asarray(gaussian_filter1d(self.correlation, width, mode="nearest"))

    def threshold(self, kind: Threshold = "1/7") -> DoubleArray:
        """Return what the correlation must exceed on each ring.

        "1/7" is that of [2]_, for two halves of the data: the figure is that of both
        together. "half-bit" is where a ring carries half a bit a pixel, and "3-sigma"
        where it is three deviations from noise ([3]_, Eq. 17 and 7).
        """
        root = np.sqrt(self.count)
        match kind:
            case "1/7":
                return np.full(len(self.count), 1 / 7)
            case "half-bit":
                return np.asarray((0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root))
            case "3-sigma":
                return np.asarray(3 * np.sqrt(2) / root)
        raise UsageError(
            f"no threshold is called {kind!r}",
            hint=f"known: {', '.join(get_args(Threshold))}",
        )

    def resolution(self, kind: Threshold = "1/7") -> float:
        """Return the period, in pixels, where the correlation first falls too low.

        Infinite where it never is high enough, or nowhere three deviations above noise;
        the shortest period of the rings, 2 pixels for most, where it never falls: the
        detail is finer than the pixels can show, or, if the curve levels off, both
        images have a fixed pattern.
        """
        smoothed = self.smoothed
        above = smoothed - self.threshold(kind)
        if not (above > 0).any() or (smoothed < self.threshold("3-sigma")).all():
            return inf
        start = int((above > 0).argmax())
        below = above[start:] <= 0
        if not below.any():
            return float(1 / self.frequency[-1])
        end = start + int(below.argmax())
        pair = slice(end - 1, end + 1)
        crossing = np.interp(0, -above[pair], self.frequency[pair])
        return float(1 / crossing)


def frc(reference: Image, image: Image, *, threshold: Threshold = "1/7") -> float:
    """Return the resolution that two images of the same have in common, in pixels.

    Parameters
    ----------
    reference, image
        (Y, X), 32 x 32 pixels or more, with independent noise: see the module.
    threshold
        See `RingCorrelation.threshold`.

    Raises
    ------
    UsageError
        When there is no such threshold.
    InputError
        When the shapes differ, or an image is too small, constant or not finite.
    """
    return ring_correlation(reference, image).resolution(threshold)


def ring_correlation(reference: Image, image: Image) -> RingCorrelation:
    """Return the correlation of two images over the rings of the Fourier plane.

    The mean is taken off and the edges are tapered over an eighth of the side each, so
    that they do not correlate.
    """
    checked_pair(reference, image)
    first = checked_image(reference, "the reference", LEAST)
    second = checked_image(image, "the image", LEAST)
    return correlate_rings(first, second)


def correlate_rings(
    first: FloatImage, second: FloatImage, shift: tuple[float, float] = (0.0, 0.0)
) -> RingCorrelation:
    """Return the correlation of two images, the second seen `shift` pixels on."""
    window = np.outer(*(tukey(side, _TAPER) for side in first.shape))
    one, other = (
        fft.fft2(window * (image - np.average(image, weights=window)))
        for image in (first, second)
    )
    y, x = (fft.fftfreq(side) for side in first.shape)
    slope = np.outer(
        np.exp(2j * np.pi * y * shift[0]), np.exp(2j * np.pi * x * shift[1])
    )
    radius = np.hypot(y[:, None], x)
    side = min(first.shape)
    ring = np.rint(radius * side).astype(np.intp).ravel()

    def summed(values: NDArray[np.floating] | None = None) -> DoubleArray:
        weights = None if values is None else values.ravel()
        return np.bincount(ring, weights)[1 : side // 2 + 1].astype(np.float64)

    power = summed(np.abs(one) ** 2) * summed(np.abs(other) ** 2)
    shared = summed((one * slope * other.conj()).real)
    correlation = shared / np.sqrt(np.maximum(power, 1e-300))
    count = summed()
    return RingCorrelation(summed(radius) / count, correlation, count.astype(np.intp))


def single_frc(image: Image, *, threshold: Threshold = "1/7") -> float:
    """Return the resolution of one image in pixels, from alternate pixels: 4 at best.

    Parameters
    ----------
    image
        (Y, X), 64 x 64 pixels or more, as the camera took it: see the module.
    threshold
        See `RingCorrelation.threshold`.

    Raises
    ------
    UsageError
        When there is no such threshold.
    InputError
        When the image is too small, constant or not finite.
    """
    return split_correlation(image).resolution(threshold)


def split_correlation(image: Image) -> RingCorrelation:
    """Return the mean correlation of the two diagonal pairs of every 2 x 2 pixels.

    The pixels of a pair lie one pixel apart along Y and along X; the spectrum of one is
    turned by that much. An image of a quarter of the pixels has a quarter of the signal
    power for its noise, a half of the photons has a half: a correlation r becomes
    2 r / (1 + r), with the noise of half as many pixels. ([4]_ leaves the shift in, and
    corrects the frequency by a curve fitted to images instead.)
    """
    pixels = checked_image(image, "the image", 2 * LEAST)
    height, width = (side // 2 * 2 for side in pixels.shape)
    cells = pixels[:height, :width].reshape(height // 2, 2, width // 2, 2)
    falling = correlate_rings(cells[:, 0, :, 0], cells[:, 1, :, 1], (0.5, 0.5))
    rising = correlate_rings(cells[:, 0, :, 1], cells[:, 1, :, 0], (0.5, -0.5))
    # Far below 0 there is noise alone, and the formula has a pole
    shared = np.maximum((falling.correlation + rising.correlation) / 2, -0.5)
    return RingCorrelation(
        falling.frequency / 2, 2 * shared / (1 + shared), falling.count // 2
    )
