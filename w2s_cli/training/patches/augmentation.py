"""What samplers share: random squares, laid alike, and a grid of patches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.datasets.data_set import Image
from w2s_cli.errors import InputError

T = TypeVar("T")
Plane = NDArray[Any]
Augment = Literal["turns", "w2s", "mirror", "none"]


def augment_planes(
    planes: Sequence[Plane], augment: Augment, rng: np.random.Generator
) -> list[Plane]:
    """Return square planes, all laid in the same way.

    - `planes`: (Y, Y) each, of any size and dtype.
    - `augment`: as `recipe.Patches` has it: "w2s" is that of the published code of W2S.
    """
    mirror_x = mirror_y = transpose = False
    if augment == "turns" or (augment == "w2s" and rng.random() < 0.5):
        mirror_x, mirror_y, transpose = (bool(way) for way in rng.integers(2, size=3))
    elif augment == "mirror":
        mirror_x = rng.random() < 0.5
    laid = (
        plane[:: -1 if mirror_y else 1, :: -1 if mirror_x else 1] for plane in planes
    )
    return [np.ascontiguousarray(one.T if transpose else one) for one in laid]


def random_squares(
    planes: Sequence[Plane], side: int, rng: np.random.Generator
) -> list[Plane]:
    """Return the same random square of every plane, laid in the same way.

    `side` is in pixels of the first plane, which is mirrored beyond its edges where it
    is smaller; the others may be so many times as large.
    """
    height, width = planes[0].shape
    if min(height, width) < side:
        beyond = [(0, max(side - length, 0)) for length in (height, width)]
        planes = [np.pad(plane, beyond, mode="symmetric") for plane in planes]
        height, width = planes[0].shape
    y, x = rng.integers(height - side + 1), rng.integers(width - side + 1)
    squares = []
    for plane in planes:
        n = len(plane) // height
        squares.append(plane[y * n : (y + side) * n, x * n : (x + side) * n])
    return augment_planes(squares, "turns", rng)


def inner(plane: FloatArray, edge: int) -> FloatArray:
    """Return a plane without so many pixels at each edge."""
    return np.ascontiguousarray(plane[edge:-edge, edge:-edge])


def one_of(things: Sequence[T], rng: np.random.Generator) -> T:
    """Return any of some things."""
    return things[int(rng.integers(len(things)))]


def weighted_name(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    """Return one of the names, each as often as its weight says."""
    shares = np.array([*weights.values()], float)
    return str(rng.choice([*weights], p=shares / shares.sum()))


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
        corners: list[tuple[int, int, int]] = []
        for number, image in enumerate(images):
            height, width = image.shape()
            if min(height, width) <= side:
                raise InputError(
                    f"{image.where} has {height} x {width} pixels, but a grid of "
                    f"patches of {side} x {side} needs one more along each side",
                    hint="set a smaller patches.side, or patches.stride=0",
                )
            rows, columns = (range(0, n - side, stride) for n in (height, width))
            corners += [(number, y, x) for y in rows for x in columns]
        return cls(np.array(corners), seed)

    def place(self, number: int) -> tuple[int, int, int]:
        """Return the place of a patch, by its number since the training began."""
        epoch, within = divmod(number, len(self.corners))
        order = _order(*self.seed, epoch, len(self.corners))
        image, y, x = self.corners[order[within]]
        return int(image), int(y), int(x)


@lru_cache(maxsize=4)  # a batch may end one epoch and begin the next
def _order(seed: int, stream: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, stream, epoch]).permutation(count)
