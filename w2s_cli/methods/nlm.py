"""Non-local means on stabilised counts."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from skimage.restoration import denoise_nl_means

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import Units


@dataclass(frozen=True, slots=True)
class Nlm:
    """Average each pixel with those around it whose neighbourhoods look alike [1]_.

    The defaults did best on fields of view 061-070 of the W2S data, over single frames
    and averages of 16; scikit-image has patch 7 and distance 11.

    References
    ----------
    .. [1] A. Buades, B. Coll and J.-M. Morel, "A non-local algorithm for image
       denoising", CVPR (2005).
    """

    patch: Annotated[int, "side of the neighbourhoods compared, in pixels"] = 7
    distance: Annotated[int, "how far away pixels are looked for, in pixels"] = 6
    h: Annotated[float, "how unlike they may be, in standard deviations of noise"] = 0.6

    def __post_init__(self) -> None:
        if self.patch < 1 or self.patch % 2 == 0:
            raise UsageError(
                f"option patch must be odd and above 0, found {self.patch}"
            )
        if self.distance < 1:
            raise UsageError(
                f"option distance must be 1 or more, found {self.distance}"
            )
        if self.h <= 0:
            raise UsageError(f"option h must be above 0, found {self.h:g}")

    @property
    def traits(self) -> Traits:
        """Return the traits: a pixel sees the patches around the farthest it takes."""
        margin = self.distance + self.patch // 2 + 1
        return Traits(margin=margin, expects=Units.STABILISED, memory=(120, 120))

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the denoised planes, noise of standard deviation 1 assumed."""
        height, width = blocks.shape[1:]
        # The package squeezes a line of pixels: it becomes two lines.
        pad = [(0, int(height == 1)), (0, int(width == 1))]
        output = np.empty_like(blocks)
        for plane, clean in zip(blocks, output, strict=True):
            # It sums over the whole plane: single precision loses small differences.
            clean[:] = denoise_nl_means(
                np.pad(plane.astype(np.float64), pad, mode="symmetric"),
                *(self.patch, self.distance, self.h),
                fast_mode=True,
                sigma=1.0,
            )[:height, :width]
        return output
