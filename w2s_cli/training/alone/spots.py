"""Pixels here and there, replaced by what is around them.

References
----------
.. [1] A. Krull et al., "Noise2Void: learning denoising from single noisy images", CVPR
   2019.
.. [2] E. Hoeck et al., "N2V2: fixing Noise2Void checkerboard artifacts with modified
   sampling strategies and a tweaked network architecture", ECCV Workshops 2022.
.. [3] C. Broaddus et al., "Removing structured noise with self-supervised blind-spot
   networks", ISBI 2020.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from w2s_cli.restore import FloatArray
from w2s_cli.training.alone.shown import Mask, Shown, lattice


@dataclass(frozen=True, slots=True)
class Spots:
    """Replace some pixels by what is around them ([1]_).

    Attributes
    ----------
    share
        Of the pixels, one from each square of as many as that makes.
    radius
        How far away a neighbour may be.
    value
        "neighbour": any of the square around, the pixel itself among them; "median" of
        them, without it ([2]_).
    reach
        Pixels above and below, and left and right, that are replaced by others too: the
        noise of those is known to be alike ([3]_).
    """

    scale: ClassVar[int] = 1

    share: float = 0.015
    radius: int = 5
    value: Literal["neighbour", "median"] = "neighbour"
    reach: tuple[int, int] = (0, 0)

    @property
    def period(self) -> int:
        """Return the side of the squares that have a spot each."""
        return round(1 / math.sqrt(self.share))

    def __call__(self, noisy: FloatArray, rng: np.random.Generator) -> Shown:
        """Hide spots of a patch."""
        rows, columns = _scattered(noisy.shape, self.period, rng)
        hidden = np.zeros(noisy.shape, bool)
        hidden[rows, columns] = True
        image = noisy.copy()
        if self.value == "median":
            image[rows, columns] = _medians(noisy, rows, columns, self.radius)
        else:
            image[rows, columns] = _neighbours(noisy, rows, columns, self.radius, rng)
        around = _reached(hidden, self.reach)
        image[around] = rng.permutation(noisy.ravel())[: int(around.sum())]
        return Shown(image, hidden)

    def at(self, noisy: FloatArray, number: int) -> Shown:
        """Replace a lattice of a number below `period` squared by medians."""
        hidden = lattice(noisy.shape, self.period, number)
        rows, columns = hidden.nonzero()
        image = noisy.copy()
        image[rows, columns] = _medians(noisy, rows, columns, self.radius)
        return Shown(image, hidden)


def _scattered(
    shape: tuple[int, ...], side: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return a pixel of each square of `side` pixels: rows and columns."""
    corners = np.indices([-(-length // side) for length in shape]).reshape(2, -1) * side
    places = corners + rng.integers(side, size=corners.shape)
    inside = (places < np.array(shape)[:, None]).all(0)
    rows, columns = places[:, inside]
    return rows, columns


def _neighbours(
    noisy: FloatArray,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    radius: int,
    rng: np.random.Generator,
) -> FloatArray:
    height, width = noisy.shape
    moves = rng.integers(-radius, radius + 1, (2, len(rows)))
    y = (rows + moves[0]).clip(0, height - 1)
    x = (columns + moves[1]).clip(0, width - 1)
    return np.asarray(noisy[y, x])


def _medians(
    noisy: FloatArray,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    radius: int,
) -> FloatArray:
    """Return the medians of the squares around pixels, without those."""
    side = 2 * radius + 1
    padded = np.pad(noisy, radius, mode="reflect")
    squares = sliding_window_view(padded, (side, side))[rows, columns]
    others = np.delete(squares.reshape(-1, side**2), side**2 // 2, axis=1)
    return np.asarray(np.median(others, axis=1), np.float32)


def _reached(hidden: Mask, reach: tuple[int, int]) -> Mask:
    """Return the pixels within reach of hidden ones, without those."""
    found = np.zeros_like(hidden)
    for axis, far in enumerate(reach):
        for move in (m for m in range(-far, far + 1) if m):
            moved = np.roll(hidden, move, axis)
            edge = [slice(None)] * 2
            edge[axis] = slice(None, move) if move > 0 else slice(move, None)
            moved[tuple(edge)] = False
            found |= moved
    return found & ~hidden
