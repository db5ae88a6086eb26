"""Methods that need nothing but the image: what every other one must beat."""

from dataclasses import dataclass
from math import ceil
from typing import Annotated

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.microscope.interpolation import REACH, doubled
from w2s_cli.restorers.restorer import Traits

CUT = 4  # where the Gaussian ends, in standard deviations


@dataclass(frozen=True, slots=True)
class Identity:
    """Return the input, enlarged by pixel repetition if `scale` is above 1."""

    scale: Annotated[int, "output pixels per input pixel"] = 1

    def __post_init__(self) -> None:
        if self.scale < 1:
            raise UsageError(f"option scale must be 1 or more, found {self.scale}")

    @property
    def traits(self) -> Traits:
        """Return the traits."""
        return Traits(scale=self.scale, selects=True)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return `blocks`."""
        return blocks.repeat(self.scale, -1).repeat(self.scale, -2)


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Blur each plane with a Gaussian."""

    sigma: Annotated[float, "standard deviation, in pixels"] = 1.0

    def __post_init__(self) -> None:
        if self.sigma <= 0:
            raise UsageError(f"option sigma must be above 0, found {self.sigma:g}")

    @property
    def traits(self) -> Traits:
        """Return the traits; the kernel ends at `CUT` standard deviations."""
        return Traits(margin=ceil(CUT * self.sigma) + 1)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the blurred planes."""
        from scipy.ndimage import gaussian_filter

        how = {"axes": (-2, -1), "truncate": CUT}
        return np.asarray(gaussian_filter(blocks, self.sigma, **how), np.float32)


@dataclass(frozen=True, slots=True)
class Median:
    """Replace each pixel by the median of the square around it."""

    size: Annotated[int, "side of the square, in pixels"] = 3

    def __post_init__(self) -> None:
        if self.size < 1 or self.size % 2 == 0:
            raise UsageError(f"option size must be odd and above 0, found {self.size}")

    @property
    def traits(self) -> Traits:
        """Return the traits."""
        return Traits(margin=self.size // 2, selects=True)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the filtered planes."""
        from scipy.ndimage import median_filter

        return np.asarray(median_filter(blocks, self.size, axes=(-2, -1)), np.float32)


@dataclass(frozen=True, slots=True)
class Bicubic:
    """Double the sides by Keys' cubic convolution with a = -1/2 [1]_.

    See `w2s_cli.microscope.interpolation.doubled`.

    References
    ----------
    .. [1] R. Keys, "Cubic convolution interpolation for digital image processing",
       IEEE Trans. Acoust. Speech Signal Process. 29 (1981).
    """

    @property
    def traits(self) -> Traits:
        """Return the traits."""
        return Traits(scale=2, margin=REACH, memory=(64, 64))

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the enlarged planes."""
        return doubled(blocks)
