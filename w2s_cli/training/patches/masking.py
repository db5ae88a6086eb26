"""Masks: the part of a noisy image that a network does not get, and must give.

References
----------
.. [1] X. Tian et al., "Noise2SR: learning to denoise from super-resolved single noisy
   fluorescence image", MICCAI 2022.
.. [2] J. Batson and L. Royer, "Noise2Self: blind denoising by self-supervision", ICML
   2019.
.. [3] A. Krull et al., "Noise2Void: learning denoising from single noisy images", CVPR
   2019.
.. [4] E. Hoeck et al., "N2V2: fixing Noise2Void checkerboard artifacts with modified
   sampling strategies and a tweaked network architecture", ECCV Workshops 2022.
.. [5] C. Broaddus et al., "Removing structured noise with self-supervised blind-spot
   networks", ISBI 2020.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import convolve

from w2s_cli._typing import FloatArray
from w2s_cli.training.recipe_tables import Masking

BoolArray = NDArray[np.bool_]


class MaskedPatch(NamedTuple):
    """The input of a network, and where its output counts."""

    image: FloatArray  # (Y / scale, X / scale) float32
    asked: BoolArray  # (Y, X)


class Mask(Protocol):
    """A way to mask patches."""

    scale: ClassVar[int]
    """Pixels of a patch along a pixel of the network's input."""

    def __call__(self, noisy: FloatArray, rng: np.random.Generator) -> MaskedPatch:
        """Mask a patch (Y, X), whose sides are multiples of `scale`."""
        ...


def grid(shape: tuple[int, ...], period: int, number: int) -> BoolArray:
    """Return one of the `period` squared grids of a patch."""
    y, x = divmod(number, period)
    hidden = np.zeros(shape, bool)
    hidden[y::period, x::period] = True
    return hidden


PERIOD = 16  # pixels; no regular grid, which a network that enlarges would follow
_SEED = 2


def subsampled(blocks: FloatArray, count: int) -> Iterator[FloatArray]:
    """Yield `count` copies (N, Y / 2, X / 2) of blocks (N, Y, X), one pixel of 2 x 2.

    The sides of blocks are multiples of `PERIOD`. Which pixel is taken repeats from
    period to period, counted from the corner of the image, so that a tile gives what
    the whole image would. Of every four copies each pixel is in one.
    """
    number, height, width = blocks.shape
    cells = blocks.reshape(number, height // 2, 2, width // 2, 2).swapaxes(2, 3)
    cells = cells.reshape(number, height // 2, width // 2, 4)
    tiles = (height // PERIOD, width // PERIOD)
    for copy in range(count):
        taken = np.tile((_pattern(copy // 4) + copy) % 4, tiles)
        picked = np.take_along_axis(cells, taken[None, :, :, None], 3)
        yield np.ascontiguousarray(picked[..., 0])


@lru_cache(maxsize=64)
def _pattern(number: int) -> NDArray[np.intp]:
    rng = np.random.default_rng([_SEED, number])
    return rng.integers(4, size=(PERIOD // 2, PERIOD // 2))


def bin2(blocks: FloatArray) -> FloatArray:
    """Return (N, Y / 2, X / 2): the mean of every 2 x 2 pixels of (N, Y, X)."""
    number, height, width = blocks.shape
    cells = blocks.reshape(number, height // 2, 2, width // 2, 2)
    return np.asarray(cells.mean((2, 4)), np.float32)


@dataclass(frozen=True, slots=True)
class BlindSpotMask:
    """Replace some pixels by what is around them ([3]_).

    - `share`: of the pixels, one from each square of as many as that makes.
    - `radius`: how far away a neighbour may be.
    - `value`: "neighbour": any of the square around, the pixel itself among them;
      "median" of them, without it ([4]_).
    - `reach`: pixels above and below, and left and right, that are replaced by others
      too: the noise of those is known to be alike ([5]_).
    """

    scale: ClassVar[int] = 1

    share: float = 0.015
    radius: int = 5
    value: Literal["neighbour", "median"] = "neighbour"
    reach: tuple[int, int] = (0, 0)

    @property
    def period(self) -> int:
        """Return the side of the squares that have a blind spot each."""
        return round(1 / math.sqrt(self.share))

    def __call__(self, noisy: FloatArray, rng: np.random.Generator) -> MaskedPatch:
        """Mask blind spots of a patch."""
        side = self.period
        squares = [-(-length // side) for length in noisy.shape]
        points = np.indices(squares).reshape(2, -1) * side
        points += rng.integers(side, size=points.shape)
        inside = (points < np.array(noisy.shape)[:, None]).all(0)
        rows, columns = points[:, inside]
        hidden = np.zeros(noisy.shape, bool)
        hidden[rows, columns] = True
        image = noisy.copy()
        if self.value == "median":
            image[rows, columns] = _medians(noisy, rows, columns, self.radius)
        else:
            height, width = noisy.shape
            moves = rng.integers(-self.radius, self.radius + 1, (2, len(rows)))
            y = (rows + moves[0]).clip(0, height - 1)
            x = (columns + moves[1]).clip(0, width - 1)
            image[rows, columns] = np.asarray(noisy[y, x])
        around = _reached(hidden, self.reach)
        image[around] = rng.permutation(noisy.ravel())[: int(around.sum())]
        return MaskedPatch(image, hidden)

    def at(self, noisy: FloatArray, number: int) -> MaskedPatch:
        """Replace the grid of a number below `period` squared by medians."""
        hidden = grid(noisy.shape, self.period, number)
        rows, columns = hidden.nonzero()
        image = noisy.copy()
        image[rows, columns] = _medians(noisy, rows, columns, self.radius)
        return MaskedPatch(image, hidden)


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


def _reached(hidden: BoolArray, reach: tuple[int, int]) -> BoolArray:
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


def mask_of(masking: Masking) -> Mask:
    """Return the mask that a recipe names; another capture needs none."""
    match masking.kind:
        case "subsample":
            return SubsampleMask()
        case "blind-spots":
            return BlindSpotMask(
                masking.share, masking.radius, masking.value, masking.reach
            )
        case "grid":
            return GridMask(masking.period)
        case "capture":
            return NoMask()


@dataclass(frozen=True, slots=True)
class SubsampleMask:
    """Show one pixel of every 2 x 2, any of them, as half the image ([1]_, 2.2)."""

    scale: ClassVar[int] = 2

    def __call__(self, noisy: FloatArray, rng: np.random.Generator) -> MaskedPatch:
        """Mask three quarters of a patch."""
        height, width = (side // 2 for side in noisy.shape)
        cells = noisy.reshape(height, 2, width, 2).swapaxes(1, 2).reshape(-1, 4)
        taken = rng.integers(4, size=len(cells))
        image = cells[np.arange(len(cells)), taken].reshape(height, width)
        hidden = np.arange(4) != taken[:, None]
        whole = hidden.reshape(height, width, 2, 2).swapaxes(1, 2)
        return MaskedPatch(image, whole.reshape(noisy.shape))


@dataclass(frozen=True, slots=True)
class GridMask:
    """Fill in every pixel of a grid from those around it ([2]_).

    - `period`: pixels from one of the grid to the next.
    """

    scale: ClassVar[int] = 1

    period: int = 4

    def __call__(self, noisy: FloatArray, rng: np.random.Generator) -> MaskedPatch:
        """Mask one of the grids of a patch."""
        return self.at(noisy, int(rng.integers(self.period**2)))

    def at(self, noisy: FloatArray, number: int) -> MaskedPatch:
        """Mask the grid of a number below `period` squared."""
        hidden = grid(noisy.shape, self.period, number)
        around = convolve(noisy, _AROUND, mode="mirror")
        return MaskedPatch(np.where(hidden, around, noisy), hidden)


@dataclass(frozen=True, slots=True)
class NoMask:
    """Show all of a patch: the target is another capture."""

    scale: ClassVar[int] = 1

    def __call__(self, noisy: FloatArray, rng: np.random.Generator) -> MaskedPatch:
        """Mask nothing."""
        return MaskedPatch(noisy, np.ones(noisy.shape, bool))


_AROUND = np.array([[0.5, 1, 0.5], [1, 0, 1], [0.5, 1, 0.5]], np.float32) / 6
