"""Do nothing, to see what the file formats and the tiling do on their own."""

from dataclasses import dataclass
from typing import Annotated

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.restorers.restorer import Traits


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
        return Traits(scale=self.scale)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return `blocks`."""
        return blocks.repeat(self.scale, -1).repeat(self.scale, -2)
