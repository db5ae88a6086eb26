"""Copies of half the size, of one pixel of every 2 x 2.

Which pixel is taken repeats from period to period, counted from the corner of the
image, so that a tile gives what the whole image would. Of every four copies each pixel
is in one.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from w2s_cli.restore import FloatArray

PERIOD = 16  # pixels; no regular grid, which a network that enlarges would follow
_SEED = 2


def thinned(blocks: FloatArray, count: int) -> Iterator[FloatArray]:
    """Yield `count` copies (N, Y / 2, X / 2) of blocks (N, Y, X).

    Their sides are multiples of `PERIOD`.
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


def halved(blocks: FloatArray) -> FloatArray:
    """Return (N, Y / 2, X / 2): the mean of every 2 x 2 pixels of (N, Y, X)."""
    number, height, width = blocks.shape
    cells = blocks.reshape(number, height // 2, 2, width // 2, 2)
    return np.asarray(cells.mean((2, 4)), np.float32)
