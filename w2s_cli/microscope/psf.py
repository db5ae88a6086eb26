"""Blur: what a microscope does to a point of light.

A widefield microscope passes spatial frequencies up to `2 NA / wavelength`, weighted by
the autocorrelation of its round pupil ([1]_, Eq. 6.25). Structured illumination doubles
that cut-off.

References
----------
.. [1] J. W. Goodman, "Introduction to Fourier Optics", 3rd ed. (2005).
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special
from scipy.ndimage import map_coordinates
from scipy.optimize import minimize_scalar

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.errors import UsageError

MOST_SIDE = 1023
WIDEST = 200
"""Pixels of full width: beyond any microscope, short of a typing error."""
_WIDE = 4  # sides of the field that a PSF is computed on, in sides of the PSF
_MOST_APERTURE = 1.8
STEP = 0.25  # of the radius, in pixels
ANGLES = 72
_HALF_PASSED = 0.4040  # of its cut-off: where a widefield microscope passes half
_ZEROS = 8  # the side of the field of zeros around a PSF, in its own sides


@dataclass(frozen=True, slots=True, eq=False)
class PSF:
    """A point spread function: how a point of light is blurred; its sum is 1.

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
    ) -> "PSF":
        """Return the PSF with the shape of `weights` and a sum of 1."""
        return cls((weights / weights.sum()).astype(np.float32), pixel_size)

    def blur(self, image: FloatArray) -> FloatArray:
        """Return the (Y, X) `image` blurred, mirrored beyond its edges."""
        reach = [side // 2 for side in self.weights.shape]
        wide = np.pad(image, [(side, side) for side in reach], mode="symmetric")
        shape = [fft.next_fast_len(side, real=True) for side in wide.shape]
        weights = self.weights
        field = np.zeros(shape, np.float32)
        field[: weights.shape[0], : weights.shape[1]] = weights
        otf = fft.rfft2(
            np.roll(field, [-(side // 2) for side in weights.shape], (0, 1))
        )
        blurred = fft.irfft2(fft.rfft2(wide, shape) * otf, shape)
        inner = [
            slice(side, side + length)
            for side, length in zip(reach, image.shape, strict=True)
        ]
        return np.asarray(blurred[tuple(inner)], np.float32)


def gaussian_psf(sigma: float, pixel_size: float | None = None) -> PSF:
    """Return a Gaussian of standard deviation `sigma` pixels, cut off at 4 sigma."""
    reach = max(int(np.ceil(4 * sigma)), 1)
    line = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return PSF.normalised(np.outer(line, line), pixel_size)


def widefield_psf(
    numerical_aperture: float, wavelength: float, pixel_size: float, side: int = 65
) -> PSF:
    """Return the in-focus PSF of a widefield microscope.

    The light between pixels is not gathered: the truth that a PSF blurs stands for
    means over pixels already.

    - `wavelength`: of the emitted light, in micrometres.
    - `pixel_size`: micrometres a pixel of the PSF.
    - `side`: pixels along each side of the PSF, odd.

    Raises UsageError when there is no such microscope, or its pixels are too coarse for
    it.
    """
    _check_optics(numerical_aperture, wavelength, pixel_size)
    cutoff = 2 * numerical_aperture / wavelength
    if pixel_size > 1 / (2 * cutoff):
        raise UsageError(
            f"pixels of {pixel_size:g} um are too coarse for a kernel with NA "
            f"{numerical_aperture:g} at {wavelength:g} um",
            hint=f"they must be at most wavelength / (4 NA) = {1 / (2 * cutoff):.4g} "
            "um: make the kernel on a finer grid",
        )
    return diffraction_psf(cutoff * pixel_size, side, pixel_size)


def diffraction_psf(
    cutoff: float, side: int = 65, pixel_size: float | None = None
) -> PSF:
    """Return the PSF of a round pupil that passes frequencies up to a cut-off.

    - `cutoff`: cycles a pixel, at most 0.5: what pixels can show.
    - `side`: pixels along each side of the PSF, odd.
    - `pixel_size`: micrometres a pixel, if known.

    Raises UsageError when pixels cannot show the cut-off, or the side is even or out of
    range.
    """
    if not 0 < cutoff <= 0.5:
        raise UsageError(
            f"a cut-off of {cutoff:.3g} cycles a pixel cannot be shown by pixels",
            hint="they show up to half a cycle: use a finer grid",
        )
    if not 1 <= side <= MOST_SIDE or side % 2 == 0:
        raise UsageError(
            f"the side of a kernel must be odd, 1 to {MOST_SIDE} pixels, found {side}",
            hint="its middle is a pixel",
        )
    # On a wide field, so that what goes round its edges is weak
    field = fft.next_fast_len(_WIDE * side)
    frequency = fft.fftfreq(field)
    radius = np.minimum(np.hypot(frequency[:, None], frequency) / cutoff, 1)
    otf = 2 / np.pi * (np.arccos(radius) - radius * np.sqrt(1 - radius**2))
    place = np.arange(side) - side // 2
    psf = np.maximum(fft.ifft2(otf).real[np.ix_(place, place)], 0)
    return PSF.normalised(psf, pixel_size)


def enclosed_light(
    numerical_aperture: float, wavelength: float, radius: float | NDArray[Any]
) -> DoubleArray:
    """Return the share of a point's light within a radius, in micrometres.

    Of a widefield microscope in focus ([1]_, Rayleigh's formula).
    """
    angle = 2 * np.pi * numerical_aperture / wavelength * np.asarray(radius)
    return np.asarray(1 - special.j0(angle) ** 2 - special.j1(angle) ** 2)


def enclosing_side(
    numerical_aperture: float,
    wavelength: float,
    pixel_size: float,
    share: float = 0.97,
    most: int = 255,
) -> int:
    """Return the least odd side of a PSF that holds a share of a point's light."""
    _check_optics(numerical_aperture, wavelength, pixel_size)
    reach = np.arange(1.0, most // 2 + 1)
    held = enclosed_light(numerical_aperture, wavelength, reach * pixel_size) >= share
    return 2 * int(reach[held.argmax()] if held.any() else reach[-1]) + 1


def halved(image: FloatArray) -> FloatArray:
    """Return the means of 2 x 2 pixels: what a camera with twice the pixel sees."""
    height, width = (side // 2 for side in image.shape)
    cells = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
    return np.asarray(cells.mean((1, 3)), np.float32)


def _check_optics(
    numerical_aperture: float, wavelength: float, pixel_size: float
) -> None:
    if not 0 < numerical_aperture <= _MOST_APERTURE:
        raise UsageError(
            f"no objective has a numerical aperture of {numerical_aperture:g}",
            hint="it is written on the objective, for example 1.4",
        )
    for name, length in (("wavelength", wavelength), ("pixel size", pixel_size)):
        if not 0 < length < np.inf:
            raise UsageError(
                f"the {name} must be above 0, found {length:g}",
                hint="it is in micrometres",
            )


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The mean weight of a PSF on circles around its middle."""

    radius: DoubleArray  # (N,) pixels, from 0 up to the edge of the PSF
    weight: DoubleArray  # (N,), in the PSF's own units: it sums to 1

    @property
    def fwhm(self) -> float | None:
        """Return the full width at half maximum in pixels; None beyond the edge."""
        radius = _crossing(self.radius, self.weight, self.weight[0] / 2)
        return None if radius is None else 2 * radius


def radial_profile(psf: PSF) -> Profile:
    """Return the radial profile of a PSF, interpolated between its pixels."""
    height, width = psf.weights.shape
    middle = (height // 2, width // 2)
    radius = np.arange(0, min((height - 1) // 2, (width - 1) // 2) + 1e-9, STEP)
    angle = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
    y = middle[0] + radius[:, None] * np.sin(angle)
    x = middle[1] + radius[:, None] * np.cos(angle)
    weights = psf.weights.astype(np.float64)
    around = map_coordinates(weights, [y, x], order=3, mode="nearest")
    return Profile(radius, around.mean(axis=1))


def best_gaussian(psf: PSF) -> tuple[float, float]:
    """Return the width of the Gaussian most like a PSF, and how like it is.

    Returns its standard deviation in pixels; the normalised correlation of the two, 1
    for a Gaussian.
    """
    height, width = psf.weights.shape
    y, x = (np.arange(side) - side // 2 for side in (height, width))
    weights = psf.weights.astype(np.float64)
    power = float((weights**2).sum())

    def unlike(sigma: float) -> float:
        gaussian = np.exp(-0.5 * (y[:, None] ** 2 + x**2) / sigma**2)
        product = float((weights * gaussian).sum())
        return -product / sqrt(power * float((gaussian**2).sum()))

    found = minimize_scalar(unlike, bounds=(0.2, max(height, width)), method="bounded")
    return float(found.x), -float(found.fun)


def cutoff_frequency(psf: PSF) -> float | None:
    """Return the cut-off of a widefield microscope with such a PSF.

    A measured PSF has no clean cut-off: noise goes on beyond. So it is taken from where
    the PSF passes half of the contrast, the mean over all directions; a widefield
    microscope does so at 0.404 of its cut-off. Returns cycles a pixel; None where a PSF
    passes half of everything.
    """
    side = _ZEROS * max(psf.weights.shape)
    passed = np.abs(fft.rfft2(psf.weights, (side, side)))
    rings = np.rint(np.hypot(fft.fftfreq(side)[:, None], fft.rfftfreq(side)) * side)
    kept = rings <= side // 2
    numbers = rings[kept].astype(int)
    mean = np.bincount(numbers, passed[kept]) / np.bincount(numbers)
    half = _crossing(np.arange(mean.size) / side, mean, mean[0] / 2)
    return None if half is None else half / _HALF_PASSED


def _crossing(place: DoubleArray, value: DoubleArray, level: float) -> float | None:
    """Return where values first fall below a level, interpolated."""
    below = np.flatnonzero(value < level)
    if not below.size:
        return None
    after = int(below[0])
    high, low = value[after - 1], value[after]
    part = (high - level) / (high - low)
    return float(place[after - 1] + part * (place[after] - place[after - 1]))
