"""The denoiser of images that nobody has looked at yet."""

from dataclasses import dataclass

from w2s_cli._typing import FloatArray
from w2s_cli.methods.shipped import Denoise
from w2s_cli.networks.inference import NetworkRunner
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
        return self._shipped.traits

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the denoised planes."""
        return self._shipped(blocks)

    @property
    def running(self) -> NetworkRunner:
        """Return the network of the shipped denoiser at work."""
        return self._shipped.running

    @property
    def _shipped(self) -> Denoise:
        return Denoise(None, self.device, self.precision)
