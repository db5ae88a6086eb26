"""Deconvolution by a known blur: Richardson-Lucy, and the best linear filter."""

from dataclasses import dataclass, replace
from hashlib import sha256
from math import log, sqrt
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.io.psf_file import read_psf
from w2s_cli.microscope.deconvolution import STEEPEST_TV, richardson_lucy, transfer
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF, WIDEST, gaussian_psf
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import Units

# Of the Wiener filter
_DARKEST = 1e-6  # photons: without light and read noise, there still is a ratio
_RINGS = 64  # of spatial frequency, from 0 to half a cycle a pixel
_CLEAR = 2.0  # power over that of the noise from which a ring tells of the object
_SLOPES = (0.5, 4.0)  # of the object's power over frequency, in a log-log plot
_USUAL = 2.0  # slope where the noise hides the rest: images have power ~ 1/f^2 [2]_


@dataclass(frozen=True)
class Deconvolution:
    """A restorer of photons that knows the blur and the read noise."""

    # A file with the blur kernel; None for a Gaussian
    kernel: Annotated[Path | None, "file with the blur kernel, TIFF or NPY"] = None
    # Full width at half maximum of that Gaussian, in pixels of the input. The default
    # is that of a camera at Nyquist's rate (0.51 wavelength / NA, sampled at wavelength
    # / (4 NA)). Too small a width restores less; too large a one draws rings.
    fwhm: Annotated[
        float, "full width of a Gaussian kernel where there is no file, in pixels"
    ] = 2.0
    sigma: float = 0.0  # read noise in photons; the driver sets it

    def __post_init__(self) -> None:
        if not 0 < self.fwhm <= WIDEST:
            raise UsageError(
                f"option fwhm must be above 0 and at most {WIDEST}, found {self.fwhm:g}"
            )
        self.blur()  # a bad file shows before the work begins

    @property
    def provenance(self) -> dict[str, str]:
        """Return what decides about the output besides the input and the options."""
        if self.kernel is None:
            return {}
        return {"kernel_sha256": sha256(self.kernel.read_bytes()).hexdigest()}

    @property
    def traits(self) -> Traits:
        """Return the traits: how much is restored depends on the whole plane."""
        return Traits(
            whole=True,
            expects=Units.PHOTONS,
            knows_noise=True,
            provenance=self.provenance,
            memory=(88, 88),
        )

    def with_noise(self, noise: NoiseModel) -> Self:
        """Return the restorer for images with this noise."""
        return replace(self, sigma=noise.sigma)

    def blur(self, scale: int = 1) -> PSF:
        """Return the kernel on a grid with `scale` pixels per input pixel."""
        if self.kernel is not None:
            return read_psf(self.kernel)
        return gaussian_psf(scale * self.fwhm / sqrt(8 * log(2)))

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the restored planes."""
        return np.stack([self.deblurred(plane) for plane in blocks])

    def deblurred(self, photons: FloatArray) -> FloatArray:
        """Return the restored (Y, X) plane, in photons a pixel of the camera."""
        raise NotImplementedError


@dataclass(frozen=True)
class RichardsonLucy(Deconvolution):
    """Deconvolve by Richardson-Lucy steps.

    With `scale` 2 the light is estimated on a grid twice as fine, and a kernel file is
    on that grid.
    """

    iterations: Annotated[int, "steps; 0 to find their number from the image"] = 0
    tv: Annotated[float, "weight of the total variation, 0 to 0.25"] = 0.0
    scale: Annotated[Literal[1, 2], "output pixels per input pixel"] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.iterations < 0:
            raise UsageError(
                f"option iterations must be 0 or more, found {self.iterations}"
            )
        if not 0 <= self.tv <= STEEPEST_TV:
            raise UsageError(
                f"option tv must be 0 to {STEEPEST_TV:g}, found {self.tv:g}"
            )

    @property
    def traits(self) -> Traits:
        """Return the traits."""
        return replace(super().traits, scale=self.scale)

    def deblurred(self, photons: FloatArray) -> FloatArray:
        """Return the light, (Y * scale, X * scale) photons a pixel of the camera."""
        return richardson_lucy(
            photons,
            self.blur(self.scale),
            scale=self.scale,
            sigma=self.sigma,
            iterations=self.iterations,
            tv=self.tv,
        )


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
        y = fft.fftfreq(shape[0]).astype(np.float32)
        x = fft.rfftfreq(shape[1]).astype(np.float32)
        radius = np.hypot(y[:, None], x)
        ring = np.minimum((radius * 2 * _RINGS).astype(np.uint8), _RINGS)
        seen = _ring_means(ring, spectrum) / (shape[0] * shape[1])
        level, slope = _power_law(seen, _ring_means(ring, otf), noise)
        np.maximum(radius, 0.5 / max(shape), out=radius)
        # The expected power of the object at each frequency
        weight = np.float32(level) * radius ** np.float32(-slope)
        np.divide(np.float32(self.balance * noise), weight, out=weight)
        weight += abs(otf) ** 2
        spectrum *= np.conj(otf, out=otf)
        spectrum /= weight
        filtered = fft.irfft2(spectrum, shape, overwrite_x=True, workers=-1)
        return np.asarray(filtered[:height, :width] + mean, np.float32)


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
