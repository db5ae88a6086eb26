"""The denoiser of images that nobody has looked at yet."""

from dataclasses import dataclass, replace

from w2s_cli._typing import FloatArray
from w2s_cli.methods.shipped import Denoise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.restorers.restorer import Traits


@dataclass(frozen=True)
class Auto:
    """Stand for the denoiser that an image asks for, until the image is known.

    `w2s_cli.pipeline.auto_method` puts that one in its place; by itself it is the
    shipped one.

    Attributes
    ----------
    device, precision
        As for the network.
    """

    device: str = "auto"
    precision: str = "auto"

    @property
    def traits(self) -> Traits:
        """Return the traits of the shipped denoiser."""
        return replace(self._shipped.traits, automatic=True)

    def with_noise(self, noise: NoiseModel) -> Denoise:
        """Return the shipped denoiser for images with this noise."""
        return self._shipped.with_noise(noise)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the denoised planes."""
        return self._shipped(blocks)

    @property
    def _shipped(self) -> Denoise:
        return Denoise(None, self.device, self.precision)
