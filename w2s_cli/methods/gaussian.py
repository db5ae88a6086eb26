"""Gaussian smoothing: the floor that every method must beat."""

from dataclasses import dataclass
from math import ceil
from typing import Annotated

from scipy.ndimage import gaussian_filter

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.restorers.restorer import Traits

CUT = 4  # where the kernel ends, in standard deviations


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
        smooth: FloatArray = gaussian_filter(
            blocks, self.sigma, axes=(-2, -1), truncate=CUT
        )
        return smooth
