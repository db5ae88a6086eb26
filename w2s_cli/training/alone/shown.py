"""What is left of a patch when a part of it is hidden."""

from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from w2s_cli.restore import FloatArray

Mask = NDArray[np.bool_]


class Shown(NamedTuple):
    """What a network sees of a patch.

    Attributes
    ----------
    image
        (Y / scale, X / scale) float32, what it sees.
    asked
        (Y, X), where it has to answer.
    """

    image: FloatArray
    asked: Mask


class Hiding(Protocol):
    """A way to hide."""

    scale: ClassVar[int]
    """Pixels of a patch along one that is shown."""

    def __call__(self, noisy: FloatArray, rng: np.random.Generator) -> Shown:
        """Hide pixels of a patch (Y, X), whose sides are multiples of `scale`."""
        ...


def lattice(shape: tuple[int, ...], period: int, number: int) -> Mask:
    """Return where one of the `period` squared lattices of a patch lies."""
    y, x = divmod(number, period)
    hidden = np.zeros(shape, bool)
    hidden[y::period, x::period] = True
    return hidden
