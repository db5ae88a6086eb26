"""The method richardson-lucy; `w2s_cli.microscope.deconvolution` has the algorithm."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.methods.deblurring import Deconvolution
from w2s_cli.microscope.deconvolution import STEEPEST_TV, richardson_lucy
from w2s_cli.restorers.restorer import Traits


@dataclass(frozen=True)
class RichardsonLucy(Deconvolution):
    """Deconvolve by Richardson-Lucy steps.

    With `scale` 2 the light is estimated on a grid twice as fine, and a kernel file is
    on that grid.
    """

    iterations: Annotated[int, "steps; 0 to find their number from the image"] = 0
    tv: Annotated[float, "weight of the total variation, 0 to 0.25"] = 0.0
    scale: Annotated[Literal[1, 2], "output pixels per input pixel"] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.iterations < 0:
            raise UsageError(
                f"option iterations must be 0 or more, found {self.iterations}"
            )
        if not 0 <= self.tv <= STEEPEST_TV:
            raise UsageError(
                f"option tv must be 0 to {STEEPEST_TV:g}, found {self.tv:g}"
            )

    @property
    def traits(self) -> Traits:
        """Return the traits."""
        return replace(super().traits, scale=self.scale)

    def deblurred(self, photons: FloatArray) -> FloatArray:
        """Return the light, (Y * scale, X * scale) photons a pixel of the camera."""
        return richardson_lucy(
            photons,
            self.blur(self.scale),
            scale=self.scale,
            sigma=self.sigma,
            iterations=self.iterations,
            tv=self.tv,
        )
