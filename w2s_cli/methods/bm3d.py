"""BM3D on stabilised counts, by its authors' package.

The package is for non-commercial use only.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.microscope.noise_model import Correlation, NoiseModel, noise_power
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import Units

try:
    from bm3d import (
        BM3DProfile,
        BM3DProfileHigh,
        BM3DProfileLC,
        BM3DProfileVN,
        BM3DStages,
        bm3d,
    )
except ModuleNotFoundError as error:  # conda cannot have it, for its licence
    raise UsageError(
        "vst+bm3d needs the package bm3d, which is not installed",
        hint="for non-commercial use: pip install bm3d; or take --method pure-let",
    ) from error

_PROFILES = {
    "np": BM3DProfile,
    "lc": BM3DProfileLC,
    "vn": BM3DProfileVN,
    "high": BM3DProfileHigh,
}
_STAGES = {"both": BM3DStages.ALL_STAGES, "hard": BM3DStages.HARD_THRESHOLDING}
# For correlated noise the package works both out from its spectrum, by a function that
# numpy 2.4 has no more; these are 0.1 to 0.2 dB behind that on simulated cells.
_THRESHOLD, _WIENER = 2.7, 1.0
_LEAST_POWER = 1e-3  # of a frequency, over that of white noise
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
    correlation: Correlation | None = None  # of the noise; the driver sets it

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise UsageError(f"option threads must be 0 or more, found {self.threads}")

    @property
    def traits(self) -> Traits:
        """Return the traits: what is similar to a patch depends on the whole plane."""
        return Traits(
            whole=True, expects=Units.STABILISED, knows_noise=True, memory=(800, 620)
        )

    def with_noise(self, noise: NoiseModel) -> "Bm3d":
        """Return the method for images whose noise is correlated like this."""
        return replace(self, correlation=noise.correlation)

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
        noisy = np.pad((plane - low) / span, missing, mode="symmetric")
        noise: DoubleArray | float = 1 / span
        if self.correlation is not None:
            power = np.maximum(noise_power(self.correlation, noisy.shape), _LEAST_POWER)
            noise = power * noisy.size / span**2
            profile.lambda_thr3d = profile.lambda_thr3d or _THRESHOLD
            profile.mu2 = profile.mu2 or _WIENER
        clean = bm3d(noisy, noise, profile, _STAGES[self.stages])
        return np.asarray(clean[:height, :width] * span + low, np.float32)
