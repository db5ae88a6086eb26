"""Truths on a grid twice as fine as the camera's: structure, blur, light out of focus.

Structure is as sharp as structured illumination shows it: up to twice the cut-off of
the widefield blur, softly. A sharper truth teaches a network to guess.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.imaging_conditions import (
    FREQUENCIES,
    diffraction_transfer,
    gaussian_transfer,
    psf_transfer,
)
from w2s_cli.microscope.psf import PSF, diffraction_psf, gaussian_psf
from w2s_cli.training.patches.augmentation import (
    augment_planes,
    one_of,
    random_squares,
    weighted_name,
)

HALO = 32  # pixels of the fine grid around a patch, so that its blur has no edge
SIM_EDGE = 0.265
"""Cycles a pixel at which the spectra of the SIM images end (`data/sim_truth`)."""
MEASURED_CUTOFF = 0.13  # of the measured kernels, in cycles a pixel of the fine grid
_SOFTNESS = 0.195
"""Standard deviation, times the cut-off, of a Gaussian that passes 5 % at twice it."""
_AS_WIDE = 0.433
"""That of a Gaussian with the full width of a diffraction pattern: 1.02 over 2.355."""
_KINDS = {"diffraction": 0.55, "gaussian": 0.25, "measured": 0.2}
_COARSER = 4  # light out of focus is computed on a grid so many times as coarse


@dataclass(frozen=True, eq=False)
class Blur:
    """An optical blur, and what a network is told of it.

    - `psf`: on the fine grid.
    - `cutoff`: of a widefield microscope with a blur as wide; cycles a pixel of the
      fine grid.
    - `transfer`: as `ImagingConditions` has it.
    """

    psf: PSF
    cutoff: float
    transfer: tuple[float, ...]


def draw_blur(
    cutoff: float, kernels: Sequence[PSF], rng: np.random.Generator, error: float = 0.0
) -> Blur:
    """Return a blur of about a cut-off, or one that was measured.

    - `cutoff`: cycles a pixel of the fine grid.
    - `kernels`: measured ones on that grid; none of the patches has one if there are
      none.
    - `error`: standard deviation of the error of the width that is told, relative.
    """
    shares = {kind: _KINDS[kind] for kind in _KINDS if kernels or kind != "measured"}
    kind = weighted_name(shares, rng)
    wrong = float(np.exp(rng.normal(0, error))) if error else 1.0
    if kind == "measured":
        (laid,) = augment_planes([one_of(kernels, rng).weights], "turns", rng)
        psf = PSF(laid)
        return Blur(psf, MEASURED_CUTOFF, psf_transfer(psf, 2))
    if kind == "gaussian":
        sigma = _AS_WIDE / cutoff * rng.uniform(0.85, 1.15)
        told = gaussian_transfer(2.355 * sigma / 2 * wrong)
        return Blur(gaussian_psf(sigma), cutoff, told)
    psf = diffraction_psf(cutoff, 2 * HALO + 1)
    return Blur(psf, cutoff, diffraction_transfer(2 * cutoff / wrong))


def mean_transfer(kernels: Sequence[PSF]) -> tuple[float, ...]:
    """Return the mean transfer of measured kernels on the fine grid."""
    if not kernels:
        return (0.0,) * len(FREQUENCIES)
    every = [psf_transfer(kernel, 2) for kernel in kernels]
    return tuple(float(one) for one in np.mean(every, axis=0))


@dataclass(frozen=True, eq=False)
class Scenes:
    """Where structure comes from.

    - `sim`: real SIM images by structure, (Y, X) each, bright parts about 1.
    - `sharp`: sharp fields, finer than their own blur.
    - `simulated`: fields of the simulator.
    """

    sim: Mapping[str, Sequence[FloatArray]]
    sharp: Sequence[FloatArray]
    simulated: Sequence[FloatArray]

    def structure(
        self, source: str, side: int, cutoff: float, rng: np.random.Generator
    ) -> FloatArray:
        """Return a square of structure, sharp to twice a cut-off.

        - `source`: "sim", "sharp" or "simulated".
        - `side`: pixels along it.
        - `cutoff`: of the blur that it will get, in cycles a pixel.
        """
        soft = _SOFTNESS / cutoff
        if source == "sim":
            return self._sim(side, cutoff, rng)
        if source == "sharp":
            field = scaled_crop(one_of(self.sharp, rng), side, 1.0, rng)
            return np.asarray(
                gaussian_filter(field, soft * rng.uniform(0.5, 1)), np.float32
            )
        factor = 1.0 if rng.random() < 0.5 else rng.uniform(0.8, 1.5)
        field = scaled_crop(one_of(self.simulated, rng), side, factor, rng)
        return np.asarray(gaussian_filter(field, soft), np.float32)

    def _sim(self, side: int, cutoff: float, rng: np.random.Generator) -> FloatArray:
        """Return a part of a SIM image, shrunk until it is sharp enough."""
        field = one_of(self.sim[str(rng.choice([*self.sim]))], rng)
        most = min(SIM_EDGE / (1.8 * cutoff), 1.0)
        own = most == 1 and rng.random() < 0.5
        factor = 1.0 if own else rng.uniform(0.5, max(most, 0.52))
        field = scaled_crop(field, side, factor, rng)
        if SIM_EDGE / factor > 2.3 * cutoff:
            field = gaussian_filter(field, _SOFTNESS / cutoff)
        bright = max(float(np.quantile(field, 0.995)), 0.05)
        return np.asarray(field / np.float32(bright), np.float32)


def out_of_focus_light(light: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return what (Y, X) light far from the focus looks like: blurred, some more.

    The standard deviations are 8 to 40 pixels; the brightness is arbitrary.
    """
    height, width = (side // _COARSER * _COARSER for side in light.shape)
    cells = light[:height, :width].reshape(
        height // _COARSER, _COARSER, width // _COARSER, _COARSER
    )
    small = cells.mean((1, 3))
    far = np.zeros_like(small)
    for _ in range(rng.integers(1, 3)):
        sigma = np.exp(rng.uniform(np.log(8), np.log(40))) / _COARSER
        far += np.float32(rng.uniform(0.3, 1)) * gaussian_filter(
            small, sigma, mode="reflect"
        )
    large = zoom(far, _COARSER, order=1, mode="nearest", grid_mode=True)
    beyond = [(0, light.shape[axis] - large.shape[axis]) for axis in (0, 1)]
    return np.asarray(np.pad(large, beyond, mode="edge"), np.float32)


def scaled_crop(
    plane: FloatArray, side: int, factor: float, rng: np.random.Generator
) -> FloatArray:
    """Return a random square of a plane changed in size, laid at random.

    - `plane`: (Y, X); mirrored beyond its edges where it is too small.
    - `side`: pixels along the square.
    - `factor`: of its size; below 1 it is shrunk, smoothed before.
    """
    same = abs(factor - 1) < 0.02
    wanted = side if same else int(np.ceil(side / factor)) + 2
    field: FloatArray = random_squares([plane], wanted, rng)[0]
    if same:
        return field
    if factor < 1:
        field = gaussian_filter(field, 0.4 * (1 / factor - 1))
    field = zoom(field, factor, order=1, mode="mirror", grid_mode=True)
    return np.asarray(field[:side, :side], np.float32)
