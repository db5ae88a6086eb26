"""Richardson-Lucy deconvolution that knows the camera's noise, and when to stop.

Each step multiplies the light by what the camera saw over what it should have seen,
sent back through the optics [1]_ [2]_. It climbs towards the light that most likely
gave the image under Poisson noise. Read noise is taken in as light that is neither
blurred nor kept: a count with the variance p + sigma^2 behaves like a Poisson count of
p + sigma^2 [3]_.

The most likely light is noise turned into structure, so the steps must end early. The
photons are dealt out at random into two images, as if the camera had looked
twice [4]_; the steps are done on one, and end where they predict the other best.

References
----------
.. [1] W. H. Richardson, "Bayesian-based iterative method of image restoration",
   J. Opt. Soc. Am. 62 (1972).
.. [2] L. B. Lucy, "An iterative technique for the rectification of observed
   distributions", Astron. J. 79 (1974).
.. [3] D. L. Snyder et al., "Image recovery from data acquired with a
   charge-coupled-device camera", J. Opt. Soc. Am. A 10 (1993).
.. [4] N. L. Oliveira, J. Lei and R. J. Tibshirani, "Unbiased test error estimation in
   the Poisson means problem via coupled bootstrap techniques", arXiv 2212.01943 (2022).
.. [5] N. Dey et al., "Richardson-Lucy algorithm with total variation regularization
   for 3D confocal microscope deconvolution", Microsc. Res. Tech. 69 (2006).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
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
        """Return the optics for a camera image of a (Y, X) `shape`."""
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
        inner, scale = blurred[top : top + height, left : left + width], self.scale
        cells: NDArray[Any] = inner.reshape(
            height // scale, scale, width // scale, scale
        )
        return np.asarray(cells.mean((1, 3)), np.float32)

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


STEEPEST_TV = 0.25  # a step divides by 1 - tv * c with c < 3.5: it must stay above 0
_DARKEST = np.float32(1e-6)  # photons: light is multiplied, and 0 would stay 0
_SHARE = 0.8  # of the photons that the steps see while the end is looked for
_PATIENCE = 8  # steps without a better prediction, at least
_LONGEST = 500  # steps


def richardson_lucy(
    photons: FloatArray,
    psf: PSF,
    *,
    scale: int = 1,
    sigma: float = 0.0,
    iterations: int = 0,
    tv: float = 0.0,
) -> FloatArray:
    """Return the deconvolved light, (Y * scale, X * scale) photons a camera pixel.

    - `photons`: (Y, X) photons a pixel.
    - `psf`: the blur, on the grid of the result.
    - `scale`: pixels of the result along a pixel of the camera.
    - `sigma`: read noise in photons.
    - `iterations`: steps; 0 to find their number from the image.
    - `tv`: weight of the total variation [5]_, 0 to `STEEPEST_TV`.
    """
    optics = Optics.of(psf, photons.shape, scale)
    # As much as the read noise asks for, and enough to keep dark pixels above 0.
    lift = np.float32(max(sigma**2, 2 * sigma))
    seen = np.maximum(photons + lift, 0)
    steps = iterations or _best_steps(seen, lift, optics, tv)
    light, _ = next(islice(_estimates(seen, lift, optics, tv), steps, None))
    return light


def _best_steps(seen: FloatArray, lift: np.float32, optics: Optics, tv: float) -> int:
    """Return after how many steps the light predicts photons it was not made from."""
    whole = np.rint(seen).astype(np.int64)
    kept = np.random.default_rng(0).binomial(whole, _SHARE)
    held = np.asarray(whole - kept, np.float32)
    best, at = np.inf, 0
    training = np.asarray(kept / _SHARE, np.float32)
    for step, (_, expected) in enumerate(_estimates(training, lift, optics, tv)):
        predicted = np.float32(1 - _SHARE) * (expected + lift)
        error = float(np.mean((held - predicted) ** 2, dtype=np.float64))
        if error < best:
            best, at = error, step
        if step == _LONGEST or step - at > max(_PATIENCE, at // 2):
            break
    return max(at, 1)


def _estimates(
    seen: FloatArray, lift: np.float32, optics: Optics, tv: float
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield the light after 0, 1, 2, ... steps, and the image it would give."""
    even = np.maximum(seen.mean() - lift, _DARKEST)
    response = optics.back(np.ones_like(seen))
    light = np.full_like(response, even)
    while True:
        expected = optics.see(light)
        yield light, expected
        ratio = seen / np.maximum(expected + lift, _DARKEST)
        growth = optics.back(ratio)
        growth /= response
        if tv:
            growth /= 1 - np.float32(tv) * _curvature(light, 1e-3 * even)
        growth *= light
        light = np.maximum(growth, _DARKEST, out=growth)


def _curvature(light: FloatArray, smoothing: np.float32) -> FloatArray:
    """Return the divergence of the unit gradient: [5]_, Eq. 11."""
    dy = np.diff(light, axis=0, append=light[-1:])
    dx = np.diff(light, axis=1, append=light[:, -1:])
    length = np.sqrt(dy**2 + dx**2 + np.float32(smoothing) ** 2)
    dy /= length
    dx /= length
    along = np.diff(dy, axis=0, prepend=np.float32(0))
    return np.asarray(along + np.diff(dx, axis=1, prepend=np.float32(0)), np.float32)
