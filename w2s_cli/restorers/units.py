"""The numbers that restorers take and give: one table of units, and the ways there.

A conversion is the same for a whole channel, whatever the plane or the tile, and can be
undone. Nothing is clipped, so that what is brighter than white stays so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.microscope.noise_model import NoiseModel

# Of the counts of all captures of W2S, single ones and averages.
_W2S_MEAN = 154.535390853
_W2S_SPREAD = 66.02846351802853
_GREY = 255  # the brightest of an 8-bit file
MOST_SIGMA = 4.0
"""Photons of read noise: a little more than the shipped networks have learned from.

Simulated cells with 10 photons and a read noise of 10 come out there as well as
anywhere.
"""


@dataclass(frozen=True, slots=True)
class DisplayRange:
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


EIGHT_BIT = DisplayRange(0, _GREY)


@dataclass(frozen=True, slots=True)
class Linear:
    """Numbers that are ``(counts - zero) / one``."""

    zero: float  # the counts that become 0
    one: float  # how many counts more become 1

    def enter(self, counts: NDArray[Any]) -> FloatArray:
        """Return the numbers that stand for counts."""
        return np.asarray((counts - np.float32(self.zero)) / self.one, np.float32)

    def leave(self, numbers: NDArray[Any]) -> FloatArray:
        """Return the counts: the inverse of `enter`."""
        return np.asarray(numbers * self.one + self.zero, np.float32)


Conversion = Callable[[NDArray[Any]], FloatArray]


class Units(Enum):
    """The numbers that a restorer takes and gives; options and checkpoints name them.

    ==========  ==========================================================  ==========
    units       meaning                                                     needs
    ==========  ==========================================================  ==========
    COUNTS      camera counts
    PHOTONS     photon units: an expectation of p has variance p + sigma^2  noise
    STABILISED  stabilised counts, noise sd 1; gives the mean of such       noise
    ROOT        the same; gives the transform of the truth                  noise
    Z           counts less the W2S mean, over the W2S spread
    Z_GREY      that over 255
    UNIT        0 where the channel is black, 1 where it is white           range
    CENTRED     that less 0.5                                               range
    ==========  ==========================================================  ==========
    """

    COUNTS = "counts"
    PHOTONS = "photons"
    STABILISED = "stabilised"
    ROOT = "root"
    Z = "z"
    Z_GREY = "z/255"
    UNIT = "unit"
    CENTRED = "centred"

    @property
    def needs_noise(self) -> bool:
        """Return whether a noise model defines the units."""
        return self in (Units.PHOTONS, Units.STABILISED, Units.ROOT)

    @property
    def needs_range(self) -> bool:
        """Return whether black and white define the units."""
        return self in (Units.UNIT, Units.CENTRED)

    def linear(self, shown: DisplayRange = EIGHT_BIT) -> Linear:
        """Return the conversion from counts into units that no noise defines."""
        span = shown.white - shown.black
        match self:
            case Units.Z:
                return Linear(_W2S_MEAN, _W2S_SPREAD)
            case Units.Z_GREY:
                return Linear(_W2S_MEAN, _W2S_SPREAD * _GREY)
            case Units.UNIT:
                return Linear(shown.black, span)
            case Units.CENTRED:
                return Linear(shown.black + span / 2, span)
            case _:
                raise ValueError(f"{self} are not linear in counts alone")

    def conversions(
        self, noise: NoiseModel, shown: DisplayRange
    ) -> tuple[Conversion, Conversion]:
        """Return the ways from counts into the units and back."""
        match self:
            case Units.COUNTS:
                return (lambda counts: counts), (lambda counts: counts)
            case Units.PHOTONS:
                return noise.photons, noise.counts
            case Units.STABILISED:
                return noise.stabilise, noise.unstabilise
            case Units.ROOT:
                return noise.stabilise, noise.square
            case _:
                numbers = self.linear(shown)
                return numbers.enter, numbers.leave


def excess(noise: NoiseModel) -> float:
    """Return what stabilised values may be lowered by for a network.

    Much read noise lifts them out of the range that networks know or work well in.
    Their noise has a standard deviation of 1 wherever they are; so they are lowered
    until no light has the value that a read noise of `MOST_SIGMA` gives it.
    """
    return max(noise.floor - 2 * sqrt(MOST_SIGMA**2 + 0.375), 0.0)
