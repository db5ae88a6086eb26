"""The same turn for an input and its truth; a grid of patches."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from w2s_cli.datasets.data_set import Image
from w2s_cli.errors import InputError

Plane = NDArray[Any]
Augment = Literal["turns", "w2s", "mirror", "none"]


def augment_planes(
    planes: Sequence[Plane], augment: Augment, rng: np.random.Generator
) -> list[Plane]:
    """Return square planes, all laid in the same way.

    - `planes`: (Y, Y) each, of any size and dtype.
    - `augment`: as `recipe.Patches` has it: "w2s" is that of the published code of W2S.
    """
    mirror_x, mirror_y, transpose = _WAYS[augment](rng)
    return [
        np.ascontiguousarray(_flipped(plane, mirror_x, mirror_y, transpose))
        for plane in planes
    ]


def _flipped(plane: Plane, mirror_x: bool, mirror_y: bool, transpose: bool) -> Plane:
    mirrored = plane[:: -1 if mirror_y else 1, :: -1 if mirror_x else 1]
    return mirrored.T if transpose else mirrored


def _any(rng: np.random.Generator) -> list[bool]:
    return [bool(way) for way in rng.integers(2, size=3)]


def _half(rng: np.random.Generator) -> list[bool]:
    return _any(rng) if rng.random() < 0.5 else [False] * 3


def _mirrored(rng: np.random.Generator) -> list[bool]:
    return [rng.random() < 0.5, False, False]


def _unchanged(rng: np.random.Generator) -> list[bool]:
    return [False] * 3


_WAYS = {"turns": _any, "w2s": _half, "mirror": _mirrored, "none": _unchanged}


@dataclass(frozen=True, eq=False)
class Grid:
    """All the patches of some images.

    - `corners`: (N, 3): the number of an image, and the first row and column of a patch
      of it.
    - `seed`: two numbers that, with that of an epoch, give its order.
    """

    corners: NDArray[np.int64]
    seed: tuple[int, int]

    @classmethod
    def over(
        cls, images: Sequence[Image], side: int, stride: int, seed: tuple[int, int]
    ) -> "Grid":
        """Return the patches of `side` pixels that start every `stride` pixels.

        A patch never touches the last row or column, as in the published code of W2S.

        Raises InputError when an image is too small for a patch, or broken.
        """
        corners = [
            (number, y, x)
            for number, image in enumerate(images)
            for y, x in _corners(image, side, stride)
        ]
        return cls(np.array(corners), seed)

    def place(self, number: int) -> tuple[int, int, int]:
        """Return the place of a patch, by its number since the training began."""
        epoch, within = divmod(number, len(self.corners))
        order = _order(*self.seed, epoch, len(self.corners))
        image, y, x = self.corners[order[within]]
        return int(image), int(y), int(x)


def _corners(image: Image, side: int, stride: int) -> list[tuple[int, int]]:
    height, width = image.shape()
    if min(height, width) <= side:
        raise InputError(
            f"{image.where} has {height} x {width} pixels, but a grid of patches of "
            f"{side} x {side} needs one more along each side",
            hint="set a smaller patches.side, or patches.stride=0",
        )
    rows, columns = (range(0, length - side, stride) for length in (height, width))
    return [(y, x) for y in rows for x in columns]


@lru_cache(maxsize=4)  # a batch may end one epoch and begin the next
def _order(seed: int, stream: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, stream, epoch]).permutation(count)
