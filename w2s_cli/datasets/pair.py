"""A noisy image beside its truth."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from w2s_cli.physics.noise import NoiseModel

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Pair:
    """One image and what it should have been.

    Attributes
    ----------
    name
        Such as "081_0": field of view 081, channel 0.
    group
        What a bootstrap draws anew: the field of view, "081".
    image
        (Y, X) float32, in counts, or in gray values where a set has nothing else.
    truth
        (Y * scale, X * scale) float32, in the unit of `image`.
    valid
        The shape of `truth`, False where either was clipped; None: valid everywhere.
    noise
        The camera's noise in `image`, where the set knows it.
    """

    name: str
    group: str
    image: FloatArray
    truth: FloatArray
    valid: Mask | None = None
    noise: "NoiseModel | None" = None


class Image(Protocol):
    """One plane that is read, or computed, when it is asked for."""

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        ...

    def shape(self) -> tuple[int, int]:
        """Return its size, without its pixels; InputError where it is broken."""
        ...

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return (Y, X) values and where they are valid, None for everywhere."""
        ...
