"""BM3D on stabilised counts, by its authors' package.

The package is for non-commercial use only.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from bm3d import BM3DProfile, BM3DProfileLC, bm3d

from w2s_cli.restore import Domain, FloatArray, Traits


@dataclass(frozen=True, slots=True)
class Bm3d:
    """Denoise by grouping similar patches [1]_ after variance stabilisation [2]_.

    References
    ----------
    .. [1] K. Dabov et al., "Image denoising by sparse 3-D transform-domain
       collaborative filtering", IEEE Trans. Image Process. 16 (2007).
    .. [2] M. Makitalo and A. Foi, "Optimal inversion of the generalized Anscombe
       transformation for Poisson-Gaussian noise", IEEE Trans. Image Process. 22 (2013).
    """

    profile: Annotated[
        Literal["np", "lc"], "np is the normal one, lc four times faster"
    ] = "np"

    @property
    def traits(self) -> Traits:
        """Return the traits: what is similar to a patch depends on the whole plane."""
        return Traits(whole=True, expects=Domain.STABILISED)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the denoised planes, noise of standard deviation 1 assumed."""
        return np.stack([self._plane(plane) for plane in blocks])

    def _plane(self, plane: FloatArray) -> FloatArray:
        low, high = float(plane.min()), float(plane.max())
        span = max(high - low, 1e-6)
        # The package keeps what it works out for one image size inside the profile.
        profile = BM3DProfile() if self.profile == "np" else BM3DProfileLC()
        clean = bm3d((plane - low) / span, 1 / span, profile)
        return np.asarray(clean * span + low, np.float32)
