"""The median of a neighbourhood: removes hot pixels, keeps edges."""

from dataclasses import dataclass
from typing import Annotated

from scipy.ndimage import median_filter

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.restorers.restorer import Traits


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
        return Traits(margin=self.size // 2)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the filtered planes."""
        middle: FloatArray = median_filter(blocks, self.size, axes=(-2, -1))
        return middle
