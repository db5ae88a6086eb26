"""BM3D on stabilised counts, by its authors' package.

The package is for non-commercial use only.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from bm3d import (
    BM3DProfile,
    BM3DProfileHigh,
    BM3DProfileLC,
    BM3DProfileVN,
    BM3DStages,
    bm3d,
)

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.restorers.restorer import Domain, Traits

_PROFILES = {
    "np": BM3DProfile,
    "lc": BM3DProfileLC,
    "vn": BM3DProfileVN,
    "high": BM3DProfileHigh,
}
_STAGES = {"both": BM3DStages.ALL_STAGES, "hard": BM3DStages.HARD_THRESHOLDING}
_SMALLEST_SIDE = 16  # smaller planes make the package fail, or crash


@dataclass(frozen=True, slots=True)
class Bm3d:
    """Denoise by grouping similar patches [1]_ after variance stabilisation [2]_.

    The defaults are those of the paper. Planes take turns: all but a twentieth of the
    work on one is shared among the cores, in an order that changes from run to run, and
    with it the result, by some 1e-5 of the noise.

    References
    ----------
    .. [1] K. Dabov et al., "Image denoising by sparse 3-D transform-domain
       collaborative filtering", IEEE Trans. Image Process. 16 (2007).
    .. [2] M. Makitalo and A. Foi, "Optimal inversion of the generalized Anscombe
       transformation for Poisson-Gaussian noise", IEEE Trans. Image Process. 22 (2013).
    """

    profile: Annotated[
        Literal["np", "lc", "vn", "high"],
        "np is the normal one, lc four times faster, vn for very noisy images, "
        "high slower and finer",
    ] = "np"
    stages: Annotated[
        Literal["both", "hard"],
        "hard leaves out the second stage, a Wiener filter, and half of the time",
    ] = "both"
    threads: Annotated[
        int, "0 for one a core; with 1, every run gives the same result to the last bit"
    ] = 0

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise UsageError(f"option threads must be 0 or more, found {self.threads}")

    @property
    def traits(self) -> Traits:
        """Return the traits: what is similar to a patch depends on the whole plane."""
        return Traits(whole=True, expects=Domain.STABILISED)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the denoised planes, noise of standard deviation 1 assumed."""
        return np.stack([self._plane(plane) for plane in blocks])

    def _plane(self, plane: FloatArray) -> FloatArray:
        height, width = plane.shape
        missing = [(0, max(_SMALLEST_SIDE - side, 0)) for side in plane.shape]
        low, high = float(plane.min()), float(plane.max())
        span = max(high - low, 1e-6)
        # The package keeps what it works out for one image size inside the profile.
        profile = _PROFILES[self.profile]()
        profile.num_threads = self.threads
        clean = bm3d(
            np.pad((plane - low) / span, missing, mode="symmetric"),
            1 / span,
            profile,
            _STAGES[self.stages],
        )
        return np.asarray(clean[:height, :width] * span + low, np.float32)
