"""What the deconvolutions share: the blur that they undo, and the noise they expect."""

from dataclasses import dataclass, replace
from hashlib import sha256
from math import log, sqrt
from pathlib import Path
from typing import Annotated, Self

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.io.psf_file import read_psf
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF, gaussian_psf
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import Units

_WIDEST = 200  # pixels of full width: beyond any microscope, short of a typing error


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
        if not 0 < self.fwhm <= _WIDEST:
            raise UsageError(
                f"option fwhm must be above 0 and at most {_WIDEST}, "
                f"found {self.fwhm:g}"
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
        )

    def with_noise(self, noise: NoiseModel) -> Self:
        """Return the restorer for images with this noise."""
        return replace(self, sigma=noise.sigma)

    def blur(self, scale: int = 1) -> PSF:
        """Return the kernel on a grid with `scale` pixels per input pixel.

        Raises
        ------
        InputError
            When the file cannot be read or holds no kernel.
        """
        if self.kernel is not None:
            return read_psf(self.kernel)
        return gaussian_psf(scale * self.fwhm / sqrt(8 * log(2)))

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the restored planes."""
        return np.stack([self.deblurred(plane) for plane in blocks])

    def deblurred(self, photons: FloatArray) -> FloatArray:
        """Return the restored (Y, X) plane, in photons a pixel of the camera."""
        raise NotImplementedError
