"""A simulated cell, and the microscope that looks at it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF, diffraction_psf, halved, widefield_psf
from w2s_cli.microscope.structures import STRUCTURES, filaments, mitochondria, puncta

NUMERICAL_APERTURE = 1.4
WAVELENGTH = 0.525  # micrometres
CAMERA = NoiseModel(gain=2.2, offset=100, read_noise=3)


def simulate_field(side: int, rng: np.random.Generator) -> FloatArray:
    """Return a (side, side) float32 field of one to three kinds of structure."""
    field = np.zeros((side, side), np.float32)
    for number in rng.choice(len(STRUCTURES), rng.integers(1, 4), replace=False):
        field += STRUCTURES[number](side, rng) * np.float32(rng.uniform(0.3, 1))
    return field * _cell(side, rng) if rng.random() < 0.5 else field


def simulate_cell(side: int, rng: np.random.Generator) -> FloatArray:
    """Return a (side, side) float32 cell: filaments, mitochondria and puncta."""
    field = filaments(side, rng) + mitochondria(side, rng) + 0.6 * puncta(side, rng)
    return field * _cell(side, rng)


@dataclass(frozen=True, slots=True)
class Exposure:
    """How much light reaches the camera.

    Attributes
    ----------
    photons
        Expected photons a camera pixel where the truth is 1, before the blur.
    background
        Even light, as a share of `photons`.
    haze
        Light from above and below the focus, as a share of the light in focus.
    """

    photons: float
    background: float = 0.0
    haze: float = 0.0


def widefield(
    truth: FloatArray, psf: PSF, exposure: Exposure, scale: int = 2
) -> FloatArray:
    """Return the expected photons on a camera with larger pixels than `truth`.

    Parameters
    ----------
    truth
        (Y * scale, X * scale) float32, 0 or more, bright parts about 1.
    psf
        The blur, on the grid of `truth`.
    exposure
        The light.
    scale
        Pixels of `truth` along the side of a camera pixel, 1 or 2.

    Returns
    -------
    FloatArray
        (Y, X) photons a pixel.
    """
    blurred = psf.blur(truth)
    sharp = blurred if scale == 1 else halved(blurred)
    light = sharp + np.float32(exposure.background)
    if exposure.haze:
        light += np.float32(exposure.haze) * out_of_focus(sharp)
    return np.asarray(np.maximum(light * exposure.photons, 0), np.float32)


def camera_counts(
    photons: FloatArray,
    noise: NoiseModel,
    rng: np.random.Generator,
    *,
    multiplied: bool = False,
) -> NDArray[np.uint16]:
    """Return what a 16-bit camera reads of expected `photons`: noisy, whole counts.

    `multiplied` electrons are those of an EMCCD: see `NoiseModel.sample`.
    """
    counts = np.rint(noise.sample(photons, rng, multiplied=multiplied))
    return counts.clip(0, 65535).astype(np.uint16)


def out_of_focus(light: FloatArray) -> FloatArray:
    """Return what light from above and below the focus would add to (Y, X) `light`.

    It is the same light blurred far, to about 12 pixels of standard deviation, and
    computed on a grid four times as coarse.
    """
    height, width = light.shape
    coarse = zoom(
        gaussian_filter(light, 3), 0.25, order=1, mode="reflect", grid_mode=True
    )
    far = gaussian_filter(coarse, 3, mode="reflect")
    scale = (height / far.shape[0], width / far.shape[1])
    haze: FloatArray = zoom(far, scale, order=1, mode="reflect", grid_mode=True)
    return haze


def _cell(side: int, rng: np.random.Generator) -> FloatArray:
    """Return a soft mask of the inside of one cell, without its nucleus."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    wobble = gaussian_filter(rng.normal(0, 1, (side, side)), side / 10, mode="wrap")
    wobble *= 0.06 / max(wobble.std(), 1e-9)
    cy, cx = rng.uniform(-0.2, 0.2, 2)
    stretch = rng.uniform(0.7, 1.4)
    far = np.hypot((y - cy) * stretch, (x - cx) / stretch) + wobble
    outline = 1 / (1 + np.exp((far - rng.uniform(0.3, 0.6)) * 60))
    nucleus = 1 / (1 + np.exp((far - rng.uniform(0.05, 0.12)) * 80))
    return np.asarray(outline * (1 - 0.9 * nucleus), np.float32)


@dataclass(frozen=True, eq=False)
class Scene:
    """Three images of one simulated cell, all in camera counts.

    Attributes
    ----------
    seen
        (Y, X) uint16, what the widefield camera reads.
    truth
        (2Y, 2X) float32, the cell without noise at twice the resolution.
    clean
        (Y, X) float32, `seen` without noise.
    pixel_size
        Micrometres a pixel of `seen`.
    """

    seen: NDArray[np.uint16]
    truth: FloatArray
    clean: FloatArray
    pixel_size: float


def simulate_scene(
    seed: int, *, photons: float = 200, side: int = 512, pixel_size: float = 0.08
) -> Scene:
    """Return a scene, always the same for the same arguments.

    Parameters
    ----------
    seed
        Chooses the cell and the noise.
    photons
        Expected photons a camera pixel in the brightest parts of the cell, if there
        were no blur.
    side
        Pixels along each side of the camera image.
    pixel_size
        Micrometres a camera pixel.
    """
    rng = np.random.default_rng(seed)
    exposure = Exposure(photons, background=0.02, haze=0.3)
    cell = simulate_cell(2 * side, rng)
    blur = widefield_psf(NUMERICAL_APERTURE, WAVELENGTH, pixel_size / 2)
    # Structured illumination doubles the cut-off frequency.
    fine = diffraction_psf(4 * NUMERICAL_APERTURE / WAVELENGTH * pixel_size / 2)
    light = widefield(cell, blur, exposure)
    seen = camera_counts(light, CAMERA, rng)
    truth = (fine.blur(cell) + np.float32(exposure.background)) * exposure.photons
    return Scene(seen, CAMERA.counts(truth), CAMERA.counts(light), pixel_size)
