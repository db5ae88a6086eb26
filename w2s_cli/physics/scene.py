"""A cell under a widefield microscope, beside what SIM would show of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from w2s_cli.physics.kernel import diffraction_kernel, widefield_kernel
from w2s_cli.physics.noise import NoiseModel
from w2s_cli.physics.simulate import Exposure, camera, simulate_cell, widefield

FloatArray = NDArray[np.float32]

NUMERICAL_APERTURE = 1.4
WAVELENGTH = 0.525  # micrometres
CAMERA = NoiseModel(gain=2.2, offset=100, read_noise=3)


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
    blur = widefield_kernel(NUMERICAL_APERTURE, WAVELENGTH, pixel_size / 2)
    # Structured illumination doubles the cut-off frequency.
    fine = diffraction_kernel(4 * NUMERICAL_APERTURE / WAVELENGTH * pixel_size / 2)
    light = widefield(cell, blur, exposure)
    seen = camera(light, CAMERA, rng)
    truth = (fine.blur(cell) + np.float32(exposure.background)) * exposure.photons
    return Scene(seen, CAMERA.counts(truth), CAMERA.counts(light), pixel_size)
