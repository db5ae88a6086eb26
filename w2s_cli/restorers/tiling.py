"""Cut a plane into overlapping tiles, restore each, and sew the results."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.errors import OutOfMemoryError
from w2s_cli.restorers.restorer import Restorer, Traits

SMALLEST_TILE = 32


@dataclass(frozen=True, slots=True)
class Span:
    """One tile along one axis: read `outer`, keep `inner`."""

    inner: slice
    outer: slice

    def kept(self, scale: int) -> slice:
        """Return where `inner` lies inside a result computed from `outer`."""
        start = (self.inner.start - self.outer.start) * scale
        return slice(start, start + (self.inner.stop - self.inner.start) * scale)

    def placed(self, scale: int) -> slice:
        """Return where `inner` lies in the whole output."""
        return slice(self.inner.start * scale, self.inner.stop * scale)


def spans(length: int, tile: int, margin: int, multiple_of: int = 1) -> Iterator[Span]:
    """Yield the tiles of an axis; together their `inner` parts cover it once.

    Every `outer` starts and ends on a multiple of `multiple_of`, or at the far edge.
    """
    for start in range(0, length, tile):
        stop = min(start + tile, length)
        low = max(start - margin, 0) // multiple_of * multiple_of
        high = -(-(stop + margin) // multiple_of) * multiple_of
        yield Span(slice(start, stop), slice(low, min(high, length)))


def restore_plane(
    plane: FloatArray,
    restorer: Restorer,
    *,
    tile: int,
    on_tile: Callable[[], None] = lambda: None,
) -> FloatArray:
    """Restore one (Y, X) plane tile by tile.

    Where memory runs out, the plane is done again with tiles of half the side.
    """
    while True:
        try:
            return _sewn(plane, restorer, tile, on_tile)
        except MemoryError as error:
            if restorer.traits.whole or tile <= SMALLEST_TILE:
                raise OutOfMemoryError(
                    f"out of memory on a plane of {_size(plane)} pixels "
                    f"with a tile of {_size(plane, tile)}",
                    hint="close other programs, or use --device cpu",
                ) from error
            tile = max(min(tile, max(plane.shape)) // 2, SMALLEST_TILE)


def tile_count(height: int, width: int, traits: Traits, tile: int) -> int:
    """Return how many tiles a plane is cut into."""
    return 1 if traits.whole else -(-height // tile) * -(-width // tile)


def block_shapes(
    height: int, width: int, traits: Traits, tile: int
) -> Iterator[tuple[int, int]]:
    """Yield the sides of each block that a restorer is given for a plane."""
    for y, x in _tiles(height, width, traits, tile):
        sides = (y.outer.stop - y.outer.start, x.outer.stop - x.outer.start)
        down, across = (side + -side % traits.multiple_of for side in sides)
        yield down, across


def _tiles(
    height: int, width: int, traits: Traits, tile: int
) -> Iterator[tuple[Span, Span]]:
    """Yield the tiles of a plane along Y and X, row by row."""
    if traits.whole:
        tile = max(height, width)
    along = (tile, traits.margin, traits.multiple_of)
    return product(spans(height, *along), spans(width, *along))


def _sewn(
    plane: FloatArray, restorer: Restorer, tile: int, on_tile: Callable[[], None]
) -> FloatArray:
    traits = restorer.traits
    height, width = plane.shape
    scale = traits.scale
    output: FloatArray = np.empty((height * scale, width * scale), np.float32)
    for y, x in _tiles(height, width, traits, tile):
        block = plane[None, y.outer, x.outer]
        missing = [-side % traits.multiple_of for side in block.shape]
        if any(missing[1:]):  # mirrored at the far edges up to a multiple
            pad = [(0, 0), (0, missing[1]), (0, missing[2])]
            block = np.pad(block, pad, mode="symmetric")
        result = restorer(block)
        output[y.placed(scale), x.placed(scale)] = result[
            0, y.kept(scale), x.kept(scale)
        ]
        on_tile()
    return output


def _size(plane: FloatArray, tile: int | None = None) -> str:
    sides = [min(side, tile or side) for side in plane.shape]
    return " x ".join(map(str, sides))
