"""The numbers that published networks take: counts, shifted and scaled.

They are the same for a whole channel, whatever the plane or the tile, and can be
undone. Nothing is clipped, so that what is brighter than white stays so.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.restorers.restorer import Domain

# Of the counts of all captures of W2S, single ones and averages.
_W2S_MEAN = 154.535390853
_W2S_SPREAD = 66.02846351802853
_GREY = 255  # the brightest of an 8-bit file


@dataclass(frozen=True, slots=True)
class Levels:
    """What stands for black and for white in one channel, in counts.

    Raises
    ------
    UsageError
        When white is not above black.
    """

    black: float
    white: float

    def __post_init__(self) -> None:
        if not self.black < self.white:
            raise UsageError(
                f"white must be above black: black is {self.black:g} counts, "
                f"white {self.white:g}",
                hint="say both: -O black=COUNTS -O white=COUNTS",
            )


EIGHT_BIT = Levels(0, _GREY)


@dataclass(frozen=True, slots=True)
class Affine:
    """Numbers that are ``(counts - zero) / one``.

    Attributes
    ----------
    zero
        The counts that become 0.
    one
        How many counts more become 1.
    """

    zero: float
    one: float

    def enter(self, counts: NDArray[Any]) -> FloatArray:
        """Return the numbers that stand for counts."""
        return np.asarray((counts - np.float32(self.zero)) / self.one, np.float32)

    def leave(self, numbers: NDArray[Any]) -> FloatArray:
        """Return the counts: the inverse of `enter`."""
        return np.asarray(numbers * self.one + self.zero, np.float32)


def affine(domain: Domain, levels: Levels) -> Affine:
    """Return the way from counts to an affine domain.

    Parameters
    ----------
    domain
        One of `restorer.AFFINE`.
    levels
        Black and white of the channel; z-scores do not depend on them.
    """
    span = levels.white - levels.black
    return {
        Domain.Z: Affine(_W2S_MEAN, _W2S_SPREAD),
        Domain.Z_GREY: Affine(_W2S_MEAN, _W2S_SPREAD * _GREY),
        Domain.UNIT: Affine(levels.black, span),
        Domain.CENTRED: Affine(levels.black + span / 2, span),
    }[domain]
