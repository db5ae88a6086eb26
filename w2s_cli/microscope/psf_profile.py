"""How wide a blur kernel is: its radial profile, and what it says."""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import map_coordinates
from scipy.optimize import minimize_scalar

from w2s_cli.microscope.psf import PSF

Values = NDArray[np.float64]

FWHM_OF_SIGMA = sqrt(8 * log(2))
STEP = 0.25  # of the radius, in pixels
ANGLES = 72
_HALF_PASSED = 0.4040  # of its cut-off: where a widefield microscope passes half
_ZEROS = 8  # the side of the field of zeros around a kernel, in its own sides


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The mean weight of a kernel on circles around its middle.

    Attributes
    ----------
    radius
        (N,) pixels, from 0 up to the edge of the kernel.
    weight
        (N,), in the kernel's own units: it sums to 1.
    """

    radius: Values
    weight: Values

    @property
    def fwhm(self) -> float | None:
        """Return the full width at half maximum in pixels; None beyond the edge."""
        radius = _crossing(self.radius, self.weight, self.weight[0] / 2)
        return None if radius is None else 2 * radius


def radial_profile(kernel: PSF) -> Profile:
    """Return the radial profile of a kernel, interpolated between its pixels."""
    height, width = kernel.weights.shape
    middle = (height // 2, width // 2)
    radius = np.arange(0, min((height - 1) // 2, (width - 1) // 2) + 1e-9, STEP)
    angle = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
    y = middle[0] + radius[:, None] * np.sin(angle)
    x = middle[1] + radius[:, None] * np.cos(angle)
    weights = kernel.weights.astype(np.float64)
    around = map_coordinates(weights, [y, x], order=3, mode="nearest")
    return Profile(radius, around.mean(axis=1))


def best_gaussian(kernel: PSF) -> tuple[float, float]:
    """Return the width of the Gaussian most like a kernel, and how like it is.

    Returns
    -------
    float, float
        Its standard deviation in pixels; the normalised correlation of the two, 1 for a
        Gaussian.
    """
    height, width = kernel.weights.shape
    y, x = (np.arange(side) - side // 2 for side in (height, width))
    weights = kernel.weights.astype(np.float64)
    power = float((weights**2).sum())

    def unlike(sigma: float) -> float:
        gaussian = np.exp(-0.5 * (y[:, None] ** 2 + x**2) / sigma**2)
        product = float((weights * gaussian).sum())
        return -product / sqrt(power * float((gaussian**2).sum()))

    found = minimize_scalar(unlike, bounds=(0.2, max(height, width)), method="bounded")
    return float(found.x), -float(found.fun)


def cutoff(kernel: PSF) -> float | None:
    """Return the cut-off of a widefield microscope with such a kernel.

    A measured kernel has no clean cut-off: noise goes on beyond. So it is taken from
    where the kernel passes half of the contrast, the mean over all directions; a
    widefield microscope does so at 0.404 of its cut-off.

    Returns
    -------
    float or None
        Cycles a pixel; None where a kernel passes half of everything.
    """
    side = _ZEROS * max(kernel.weights.shape)
    passed = np.abs(fft.rfft2(kernel.weights, (side, side)))
    rings = np.rint(np.hypot(fft.fftfreq(side)[:, None], fft.rfftfreq(side)) * side)
    kept = rings <= side // 2
    numbers = rings[kept].astype(int)
    mean = np.bincount(numbers, passed[kept]) / np.bincount(numbers)
    half = _crossing(np.arange(mean.size) / side, mean, mean[0] / 2)
    return None if half is None else half / _HALF_PASSED


def _crossing(place: Values, value: Values, level: float) -> float | None:
    """Return where values first fall below a level, interpolated."""
    below = np.flatnonzero(value < level)
    if not below.size:
        return None
    after = int(below[0])
    high, low = value[after - 1], value[after]
    part = (high - level) / (high - low)
    return float(place[after - 1] + part * (place[after] - place[after - 1]))
