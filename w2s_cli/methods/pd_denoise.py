"""Denoise correlated noise by a network that takes noise for white."""

from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Annotated

import numpy as np
from scipy.ndimage import gaussian_filter

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.methods.filters import CUT
from w2s_cli.methods.shipped import Denoise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.restorers.restorer import Traits


@dataclass(frozen=True)
class PdDenoise:
    """Denoise every nth pixel apart: pixel-shuffle down-sampling [1]_.

    Pixels so far apart that they share no noise make an image of their own, with the
    same light and white noise. Each such image is denoised by itself, and they are sewn
    together again. What they disagree in is noise: a small Gaussian evens it out.

    Attributes
    ----------
    weights, device, precision
        As for `denoise`.
    noise
        That of the image, once it is known.

    References
    ----------
    .. [1] Y. Zhou, J. Jiao, H. Huang, Y. Wang, J. Wang, H. Shi and T. Huang, "When
       AWGN-based denoiser meets real noises", AAAI (2020).
    """

    stride: Annotated[int, "pixels from one to the next that share no noise"] = 2
    sigma: Annotated[
        float, "standard deviation of the Gaussian after it, in pixels; 0 for none"
    ] = 0.7
    weights: Path | None = None
    device: str = "auto"
    precision: str = "auto"
    noise: NoiseModel | None = None

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise UsageError(f"option stride must be 1 or more, found {self.stride}")
        if not 0 <= self.sigma < np.inf:
            raise UsageError(f"option sigma must be 0 or more, found {self.sigma:g}")

    @property
    def traits(self) -> Traits:
        """Return those of the network, its reach so many times as large."""
        inner = self._denoise.traits
        blur = ceil(CUT * self.sigma) + 1 if self.sigma else 0
        return replace(
            inner,
            margin=self.stride * inner.margin + blur,
            multiple_of=self.stride * inner.multiple_of,
        )

    def with_noise(self, noise: NoiseModel) -> "PdDenoise":
        """Return the restorer for images with this noise."""
        return replace(self, noise=replace(noise, correlation=None))

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the denoised planes."""
        count, height, width = blocks.shape
        n, step = self.stride, self.traits.multiple_of
        down, across = (-side % step for side in (height, width))
        wide = np.pad(blocks, [(0, 0), (0, down), (0, across)], mode="symmetric")
        rows, columns = (side // n for side in wide.shape[1:])
        parts = wide.reshape(count, rows, n, columns, n).transpose(0, 2, 4, 1, 3)
        made = self._denoise(np.ascontiguousarray(parts.reshape(-1, rows, columns)))
        sewn = made.reshape(count, n, n, rows, columns).transpose(0, 3, 1, 4, 2)
        whole = sewn.reshape(wide.shape)[:, :height, :width]
        if self.sigma:
            whole = gaussian_filter(whole, self.sigma, axes=(-2, -1), truncate=CUT)
        return np.ascontiguousarray(whole, np.float32)

    @property
    def _denoise(self) -> Denoise:
        plain = Denoise(self.weights, self.device, self.precision)
        return plain.with_noise(self.noise) if self.noise else plain
