"""What blurs a simulated image: a PSF in a file, or an objective and its light."""

from dataclasses import dataclass
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any

from w2s_cli.errors import InputError, UsageError
from w2s_cli.io.psf_file import read_psf
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import (
    PSF,
    cutoff_frequency,
    diffraction_psf,
    enclosing_side,
    widefield_psf,
)

MOST_UNLIKE = 0.05
"""Relative difference of pixel sizes that should agree."""
FULL = 65535
"""The most counts of a 16-bit camera."""
_PHOTONS = "it counts photons a camera pixel"
_MEANING = {
    "photons": _PHOTONS,
    "background": _PHOTONS,
    "haze": "it is a share of the light in focus, often 0.1 to 0.5",
}


@dataclass(frozen=True, slots=True)
class Objective:
    """A lens and the light that it gathers."""

    numerical_aperture: float  # of the objective
    wavelength: float  # of the emitted light, in micrometres


@dataclass(frozen=True, slots=True)
class Microscope:
    """What blurs."""

    # A file with the PSF, on the grid of the truth; or an objective
    source: Path | Objective

    def psf(self, pixel_size: float | None) -> PSF:
        """Return the widefield PSF."""
        if isinstance(self.source, Path):
            found = read_psf(self.source)
            _check_grid(self.source, found.pixel_size, pixel_size)
            return found
        if pixel_size is None:
            raise InputError(
                "the truth does not say how large its pixels are",
                hint="give --pixel-size in micrometres",
            )
        lens = (self.source.numerical_aperture, self.source.wavelength, pixel_size)
        return widefield_psf(*lens, enclosing_side(*lens))

    def fine_psf(self, psf: PSF) -> PSF:
        """Return what blurs an ideal SIM image: twice the cut-off of `psf`.

        It is the PSF of a round pupil. The cut-off of a measured PSF is that of
        a widefield microscope which passes half of the contrast at the same frequency.
        """
        limit = cutoff_frequency(psf)
        if isinstance(self.source, Objective) and psf.pixel_size:
            lens = self.source
            limit = 2 * lens.numerical_aperture / lens.wavelength * psf.pixel_size
        if limit is None or 2 * limit > 0.5:
            found = (
                "beyond half a cycle" if limit is None else f"{2 * limit:.3g} cycles"
            )
            raise InputError(
                f"twice the microscope's cut-off is {found} a pixel: "
                "the truth's pixels are too coarse to show it",
                hint="use a truth with finer pixels, or leave --sim out",
            )
        side = max(psf.weights.shape) // 2 * 2 + 1
        return diffraction_psf(2 * limit, side, psf.pixel_size)

    def as_json(self) -> dict[str, Any]:
        """Return what blurs as a JSON object."""
        if isinstance(self.source, Objective):
            lens = self.source
            return {"na": lens.numerical_aperture, "wavelength": lens.wavelength}
        digest = sha256(self.source.read_bytes()).hexdigest()
        return {"kernel": self.source.name, "kernel_sha256": digest}


def microscope_from_options(
    psf: Path | None, numerical_aperture: float | None, wavelength: float | None
) -> Microscope:
    """Return the microscope that the command line gives."""
    theory = [value for value in (numerical_aperture, wavelength) if value is not None]
    if psf is not None:
        if theory:
            raise UsageError(
                "--kernel leaves nothing for --na and --wavelength to say",
                hint="drop one or the other",
            )
        return Microscope(psf)
    if numerical_aperture is None or wavelength is None:
        raise UsageError(
            "the blur of the microscope is not given, or only half of it",
            hint="give --kernel FILE, or both --na and --wavelength",
        )
    return Microscope(Objective(numerical_aperture, wavelength))


def _check_grid(path: Path, own: float | None, wanted: float | None) -> None:
    if own and wanted and abs(own / wanted - 1) > MOST_UNLIKE:
        raise InputError(
            f"{path} has pixels of {own:g} um, the truth of {wanted:g} um",
            hint="a kernel is on the grid of the truth: make one for it, "
            "or correct the truth with --pixel-size",
        )


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """How a simulated image is taken."""

    noise: NoiseModel  # of the camera
    # Expected in a camera pixel that is as bright as the 99.8th percentile of the
    # truth, before the blur; 0 where the truth is in photons a camera pixel already
    photons: float = 0.0
    background: float = 0.0  # even light, in photons a camera pixel
    haze: float = 0.0  # light from out of focus, as a share of the light in focus
    multiplied: bool = False  # whether an EMCCD multiplies the electrons
    scale: int = 2  # truth pixels along the side of a camera pixel, 1 or 2
    seed: int = 0  # chooses the noise

    def __post_init__(self) -> None:
        for name, meaning in _MEANING.items():
            value = getattr(self, name)
            if not 0 <= value < inf:
                raise UsageError(
                    f"--{name} must be 0 or more, found {value:g}", hint=meaning
                )
        if not 0 <= self.noise.offset < FULL:
            raise UsageError(
                f"--offset must be 0 or more and below {FULL}, "
                f"found {self.noise.offset:g}",
                hint="a 16-bit camera reads it where there is no light, often 100",
            )
