"""What is black and what is white in each channel, for networks that ask for it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.microscope.plane_sampling import sampled
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.units import EIGHT_BIT, Levels
from w2s_cli.stack import Stack

BLACK, WHITE = 0.2, 99.8
"""Percentiles of the pixels: about those that W2S's authors stretched its images to."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The levels of a channel.

    Attributes
    ----------
    levels
        Black and white, in counts.
    origin
        Whether they are the limits of the pixel type, or were measured.
    """

    levels: Levels
    origin: Literal["8 bit", "measured"]

    def as_json(self) -> dict[str, Any]:
        """Return the levels as a JSON object."""
        return {**asdict(self.levels), "origin": self.origin}


def stretches(stack: Stack, chain: Chain) -> list[Stretch]:
    """Return the levels of each channel, the same for all of its planes.

    Nothing is read for a chain that needs none; the list is then empty.

    Parameters
    ----------
    stack
        The image in camera counts.
    chain
        The methods.

    Raises
    ------
    InputError
        When a plane has pixels that are no numbers, or a channel only one value.
    """
    if not chain.needs_levels:
        return []
    if stack.data.dtype == np.uint8:
        return [Stretch(EIGHT_BIT, "8 bit")] * stack.channel_count
    return [
        Stretch(_measured(sampled(stack, channel), channel), "measured")
        for channel in range(stack.channel_count)
    ]


def _measured(planes: Sequence[NDArray[Any]], channel: int) -> Levels:
    pixels = np.concatenate([plane.ravel() for plane in planes])
    black, white = map(float, np.percentile(pixels, [BLACK, WHITE]))
    if black == white:
        raise InputError(
            f"channel {channel} shows neither black nor white: "
            f"nearly all of it is {black:g}",
            hint="say both: -O black=COUNTS -O white=COUNTS",
        )
    return Levels(black, white)
