"""Wiener deconvolution: the best linear filter for a known blur, noise and spectrum."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.methods.deblurring import Deconvolution
from w2s_cli.microscope.deconvolution import transfer

_DARKEST = 1e-6  # photons: without light and read noise, there still is a ratio
_RINGS = 64  # of spatial frequency, from 0 to half a cycle a pixel
_CLEAR = 2.0  # power over that of the noise from which a ring tells of the object
_SLOPES = (0.5, 4.0)  # of the object's power over frequency, in a log-log plot
_USUAL = 2.0  # slope where the noise hides the rest: images have power ~ 1/f^2 [2]_


@dataclass(frozen=True)
class Wiener(Deconvolution):
    """Deconvolve by one linear filter [1]_.

    A frequency is divided by the transfer function H, and weighted by how much of it is
    object: conj(H) / (|H|^2 + balance * noise / object). The power of the noise follows
    from the mean light and the read noise; that of the object is a power law fitted to
    the frequencies where it exceeds the noise.

    References
    ----------
    .. [1] N. Wiener, "Extrapolation, Interpolation, and Smoothing of Stationary Time
       Series" (1949); R. C. Gonzalez and R. E. Woods, "Digital Image Processing",
       3rd ed. (2008), Eq. 5.8-2.
    .. [2] D. J. Field, "Relations between the statistics of natural images and the
       response properties of cortical cells", J. Opt. Soc. Am. A 4 (1987).
    """

    balance: Annotated[float, "factor on the noise: above 1 smoother"] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.balance <= 0:
            raise UsageError(f"option balance must be above 0, found {self.balance:g}")

    def deblurred(self, photons: FloatArray) -> FloatArray:
        """Return the filtered plane, in photons; ringing may take it below 0."""
        height, width = photons.shape
        mean = photons.mean()
        noise = max(float(mean), _DARKEST) + self.sigma**2
        shape = (2 * height, 2 * width)
        spectrum = fft.rfft2(
            np.pad(photons - mean, ((0, height), (0, width)), mode="symmetric"),
            workers=-1,
        )
        otf = transfer(self.blur(), shape)
        weight = _object_power(spectrum, otf, noise, shape)
        np.divide(np.float32(self.balance * noise), weight, out=weight)
        weight += abs(otf) ** 2
        spectrum *= np.conj(otf, out=otf)
        spectrum /= weight
        filtered = fft.irfft2(spectrum, shape, overwrite_x=True, workers=-1)
        return np.asarray(filtered[:height, :width] + mean, np.float32)


def _object_power(
    spectrum: NDArray[np.complex64],
    otf: NDArray[np.complex64],
    noise: float,
    shape: tuple[int, ...],
) -> FloatArray:
    """Return the expected power of the object at each frequency of a half spectrum."""
    y = fft.fftfreq(shape[0]).astype(np.float32)
    x = fft.rfftfreq(shape[1]).astype(np.float32)
    radius = np.hypot(y[:, None], x)
    ring = np.minimum((radius * 2 * _RINGS).astype(np.uint8), _RINGS)
    seen = _ring_means(ring, spectrum) / (shape[0] * shape[1])
    level, slope = _power_law(seen, _ring_means(ring, otf), noise)
    np.maximum(radius, 0.5 / max(shape), out=radius)
    return np.asarray(np.float32(level) * radius ** np.float32(-slope), np.float32)


def _power_law(
    seen: DoubleArray, passed: DoubleArray, noise: float
) -> tuple[float, float]:
    """Return level and slope of the object's power, from that of each ring."""
    frequency = (np.arange(len(seen)) + 0.5) / (2 * _RINGS)
    hidden = np.append(seen[:_RINGS] < _CLEAR * noise, True)
    clear = slice(1, max(int(hidden[1:].argmax()) + 1, 2))
    above = np.maximum(seen[clear] - noise, 1e-3 * noise + 1e-12)
    found = np.log(above / np.maximum(passed[clear], 1e-6))
    place = np.log(frequency[clear])
    slope = -np.polyfit(place, found, 1)[0] if len(place) > 2 else _USUAL
    slope = float(np.clip(slope, *_SLOPES))
    return float(np.exp(np.mean(found + slope * place))), slope


def _ring_means(
    ring: NDArray[np.uint8], amplitudes: NDArray[np.complex64]
) -> DoubleArray:
    """Return the mean power in each ring, row by row to save memory."""
    size, total = np.zeros(_RINGS + 1), np.zeros(_RINGS + 1)
    for numbers, row in zip(ring, amplitudes, strict=True):
        size += np.bincount(numbers, minlength=_RINGS + 1)
        total += np.bincount(numbers, abs(row) ** 2, _RINGS + 1)
    return total / np.maximum(size, 1)
