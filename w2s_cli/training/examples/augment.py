"""The same turn for an input and its truth."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]
Augment = Literal["turns", "w2s", "mirror", "none"]


def turned(
    planes: Sequence[Plane], augment: Augment, rng: np.random.Generator
) -> list[Plane]:
    """Return square planes, all laid in the same way.

    Parameters
    ----------
    planes
        (Y, Y) each, of any size and dtype.
    augment
        As `recipe.Patches` has it: "w2s" is that of the published code of W2S.
    rng
        Decides.
    """
    mirror_x, mirror_y, transpose = _WAYS[augment](rng)
    return [
        np.ascontiguousarray(_laid(plane, mirror_x, mirror_y, transpose))
        for plane in planes
    ]


def _laid(plane: Plane, mirror_x: bool, mirror_y: bool, transpose: bool) -> Plane:
    mirrored = plane[:: -1 if mirror_y else 1, :: -1 if mirror_x else 1]
    return mirrored.T if transpose else mirrored


def _any(rng: np.random.Generator) -> list[bool]:
    return [bool(way) for way in rng.integers(2, size=3)]


def _half(rng: np.random.Generator) -> list[bool]:
    return _any(rng) if rng.random() < 0.5 else [False] * 3


def _mirrored(rng: np.random.Generator) -> list[bool]:
    return [rng.random() < 0.5, False, False]


def _left(rng: np.random.Generator) -> list[bool]:
    return [False] * 3


_WAYS = {"turns": _any, "w2s": _half, "mirror": _mirrored, "none": _left}
