"""What pairs of images say about the PSF between them, as linear equations.

Least squares asks for `matrix @ psf = vector`: the matrix holds the correlations of
the sharp image with itself, the vector those with the widefield image. Where a PSF
may be of any size, both are diagonal in Fourier space and their quotient solves Eq. 2
of the W2S paper ([1]_); for a PSF of few pixels it takes a small dense system.

The camera sees only every second position of the PSF: the sharp image is taken
apart into its even and odd rows and columns ("phases"), whose correlations are computed
on the camera's grid. So what the camera aliases is accounted for.

`wiener_psf` is Eq. 2 as its authors solved it: one quotient in Fourier space. The
widefield image is enlarged by cubic interpolation, as the paper says, or by linear
interpolation, as the authors' code has it, and the PSF is the middle of
`conj(H) L / (|H|^2 + constant)`, where `H` and `L` are the transforms of the sharp and
of the enlarged image, each stretched to [0, 1]. Nothing is windowed, and the camera's
pixel stays a part of the PSF. PSFs of several pairs are averaged. Other than the
authors, the sharp image is first moved to where the widefield image is.

References
----------
.. [1] R. Zhou, M. El Helou, D. Sage, T. Laroche, A. Seitz and S. Susstrunk, "W2S:
   Microscopy data with joint denoising and super-resolution for widefield to SIM
   mapping", ECCV Workshops (2020), Eq. 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import sqrt
from typing import Literal

import numpy as np
from scipy import fft
from scipy.ndimage import zoom

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.microscope.deconvolution import transfer
from w2s_cli.microscope.interpolation import doubled
from w2s_cli.microscope.psf import PSF
from w2s_cli.microscope.psf_registration import (
    Alignment,
    Overlay,
    Shift,
    refine_alignment,
)

Enlarging = Literal["linear", "bicubic"]
W2S_CONSTANT = 2500.0
"""The constant of the authors, for 1024 x 1024 pixels."""
_STRETCH = (0.1, 99.8)  # percentiles that become 0 and 1


@dataclass(frozen=True, slots=True, eq=False)
class PSFEquations:
    """The correlations of pairs, each pair weighed by its noise."""

    # (S, S, S, S, L, L): of the phases (Y, X) with the phases (Y, X), for the lags
    # along Y and X
    auto: DoubleArray
    # (S, S, L, L): of the phases with what is left of the widefield image
    cross: DoubleArray
    energy: float  # of what is left, in units of the noise variance
    count: float  # how many pixels there are

    def __add__(self, other: "PSFEquations") -> "PSFEquations":
        """Return the equations of both."""
        return PSFEquations(
            self.auto + other.auto,
            self.cross + other.cross,
            self.energy + other.energy,
            self.count + other.count,
        )

    def system(self, reach: int) -> tuple[DoubleArray, DoubleArray]:
        """Return matrix and vector for the weights of a PSF, row by row."""
        scale, lags = len(self.auto), self.auto.shape[-1] // 2
        place = np.arange(-reach, reach + 1)
        phase = place % scale
        step = (place - phase) // scale
        apart = step[:, None] - step[None, :] + lags
        matrix = self.auto[
            phase[:, None, None, None],
            phase[None, :, None, None],
            phase[None, None, :, None],
            phase[None, None, None, :],
            apart[:, None, :, None],
            apart[None, :, None, :],
        ]
        vector = self.cross[
            phase[:, None],
            phase[None, :],
            step[:, None] + lags,
            step[None, :] + lags,
        ]
        return matrix.reshape(place.size**2, -1), vector.ravel()


def psf_equations(
    overlay: Overlay, left: FloatArray, alignment: Alignment, noise: float
) -> PSFEquations:
    """Return the equations of one pair for the change of the PSF that is missing.

    - `left`: (Y, X), what is left of the widefield image when the PSF so far has been
      taken into account; its weighted mean is 0.
    - `noise`: variance of the noise of the widefield image.
    """
    weight = overlay.weight.astype(np.float64)
    phases = _phases(overlay, alignment)
    root = np.sqrt(weight)
    residual = fft.rfft2(weight * left)
    plain = [[fft.rfft2(phase) for phase in row] for row in phases]
    tapered = [[fft.rfft2(root * phase) for phase in row] for row in phases]
    scale, shape = overlay.scale, left.shape
    farthest = 2 * overlay.reach // scale + 1
    lags = np.arange(-farthest, farthest + 1)
    near = np.ix_(lags, lags)
    auto = np.empty((scale,) * 4 + (len(lags),) * 2)
    cross = np.empty((scale,) * 2 + (len(lags),) * 2)
    each = range(scale)
    for a, b in product(each, each):
        cross[a, b] = fft.irfft2(plain[a][b].conj() * residual, shape)[near]
        for c, d in product(each, each):
            power = tapered[a][b].conj() * tapered[c][d]
            auto[a, b, c, d] = fft.irfft2(power, shape)[near]
    energy = float((weight * left.astype(np.float64) ** 2).sum())
    gain = alignment.gain
    return PSFEquations(
        auto * (gain**2 / noise),
        cross * (gain / noise),
        energy / noise,
        float(weight.sum()),
    )


def _phases(overlay: Overlay, alignment: Alignment) -> list[list[DoubleArray]]:
    """Return what the camera would see of the sharp image moved by 0 or 1 pixels."""
    image = overlay.moved(alignment.shift).astype(np.float64)
    scale = overlay.scale
    for axis in range(2):
        within = [np.roll(image, -step, axis) for step in range(scale)]
        image = np.mean(within, axis=0)
    phases = [
        [np.roll(image, (a, b), (0, 1))[::scale, ::scale] for b in range(scale)]
        for a in range(scale)
    ]
    mean = overlay.mean(phases[0][0])
    return [[phase - mean for phase in row] for row in phases]


def wiener_psf(
    overlays: Sequence[Overlay],
    shifts: Sequence[Shift],
    constant: float,
    enlarging: Enlarging = "linear",
) -> DoubleArray:
    """Return the mean over pairs of (P, P) PSFs, before they are normalised."""
    psfs = []
    for overlay, shift in zip(overlays, shifts, strict=True):
        low, scale = overlay.low, overlay.scale
        large = low
        if scale == 2 and enlarging == "bicubic":
            large = doubled(low)
        elif scale == 2:
            large = zoom(low, scale, order=1, mode="nearest", grid_mode=True)
        spectra = []
        for image in (overlay.moved(shift), large):
            dark, bright = np.percentile(image, _STRETCH)
            stretched = (image.astype(np.float64) - dark) / max(bright - dark, 1e-30)
            spectra.append(fft.rfft2(stretched))
        sharp, wide = spectra
        quotient = sharp.conj() * wide / (np.abs(sharp) ** 2 + constant)
        place = np.arange(-overlay.reach, overlay.reach + 1)
        psf = fft.irfft2(quotient, large.shape)[np.ix_(place, place)]
        psfs.append(psf / psf.sum())
    return np.asarray(np.mean(psfs, axis=0), np.float64)


@dataclass(frozen=True, slots=True)
class PairFit:
    """What was found out about one pair."""

    # The shift, gain and background between the images, here counted from the sharp
    # image's own 0
    alignment: Alignment
    # Part of the widefield image's variance that the PSF explains, 0 to 1
    explained: float
    noise: float  # standard deviation of what is left, in the widefield image's units
    # Correlation of neighbouring pixels in what is left: about 0 for noise
    leftover: float


def pair_fits(
    overlays: Sequence[Overlay], alignments: Sequence[Alignment], psf: PSF
) -> tuple[PairFit, ...]:
    """Return how well the PSF explains each pair."""
    fits = []
    for overlay, before in zip(overlays, alignments, strict=True):
        seen = image_through(overlay, before, psf)
        alignment, _ = refine_alignment(overlay, seen, before)
        left = residual_image(overlay, alignment, psf)
        noise = overlay.mean(left**2)
        spread = overlay.mean((overlay.low - overlay.mean(overlay.low)) ** 2)
        beside = max(
            overlay.mean(left * np.roll(left, 1, axis)) / max(noise, 1e-30)
            for axis in (0, 1)
        )
        counted = replace(
            alignment,
            background=alignment.background - alignment.gain * overlay.level,
        )
        fits.append(PairFit(counted, 1 - noise / spread, sqrt(noise), beside))
    return tuple(fits)


def residual_image(overlay: Overlay, alignment: Alignment, psf: PSF) -> FloatArray:
    """Return what a PSF leaves of the widefield image, less its mean."""
    seen = image_through(overlay, alignment, psf)
    left = overlay.low - np.float32(alignment.gain) * seen
    return np.asarray(left - np.float32(overlay.mean(left)), np.float32)


def image_through(overlay: Overlay, alignment: Alignment, psf: PSF) -> FloatArray:
    """Return what the camera would see through a PSF: gain 1, background 0."""
    return overlay.seen(alignment.shift, transfer(psf, overlay.grid))
