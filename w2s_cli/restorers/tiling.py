"""Cut a plane into overlapping tiles, restore each, and sew the results."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    return _spans(slice(0, length), length, tile, margin, multiple_of)


def _spans(
    part: slice, length: int, tile: int, margin: int, multiple_of: int
) -> Iterator[Span]:
    for start in range(part.start, part.stop, tile):
        stop = min(start + tile, part.stop)
        low = max(start - margin, 0) // multiple_of * multiple_of
        high = -(-(stop + margin) // multiple_of) * multiple_of
        yield Span(slice(start, stop), slice(low, min(high, length)))


def bands(height: int, width: int, traits: Traits, tile: int) -> Iterator[Span]:
    """Yield the rows of tiles of a plane."""
    side = max(height, width) if traits.whole else tile
    return spans(height, side, traits.margin, traits.grid)


def restore_plane(
    plane: FloatArray,
    restorer: Restorer,
    *,
    tile: int,
    on_tile: Callable[[], None] = lambda: None,
) -> FloatArray:
    """Restore one (Y, X) plane tile by tile; see `restore_band`."""
    scale = restorer.traits.scale
    output: FloatArray = np.empty([side * scale for side in plane.shape], np.float32)
    for rows in bands(len(plane), plane.shape[1], restorer.traits, tile):
        placed = output[rows.placed(scale)]
        restore_band(
            plane[rows.outer],
            rows,
            restorer,
            placed.__setitem__,
            height=len(plane),
            tile=tile,
            on_tile=on_tile,
        )
    return output


def restore_band(
    counts: NDArray[Any],
    rows: Span,
    restorer: Restorer,
    keep: Callable[[tuple[slice, slice], FloatArray], None],
    *,
    height: int,
    tile: int,
    on_tile: Callable[[], None] = lambda: None,
) -> None:
    """Restore a row of tiles of a plane.

    Where memory runs out, it is done again with tiles of half the side.

    Parameters
    ----------
    counts
        (Y, X), those of `rows.outer`.
    rows
        Which rows of the plane they are, and which are wanted.
    restorer
        From counts to counts.
    keep
        Called with where a tile belongs in the wanted rows, and all planes that the
        restorer makes of it, (N, Y, X): most make one.
    height
        That of the plane.
    tile
        The side of a tile.
    on_tile
        Called after each tile.
    """
    while True:
        try:
            for place, pixels in _restored(counts, rows, restorer, height, tile):
                keep(place, pixels)
                on_tile()
            return
        except MemoryError as error:
            shape = (height, counts.shape[1])
            if restorer.traits.whole or tile <= SMALLEST_TILE:
                raise OutOfMemoryError(
                    f"out of memory on a plane of {_size(shape)} pixels "
                    f"with a tile of {_size(shape, tile)}",
                    hint="close other programs, or use --device cpu",
                ) from error
            tile = max(min(tile, max(shape)) // 2, SMALLEST_TILE)


def _restored(
    counts: NDArray[Any], rows: Span, restorer: Restorer, height: int, tile: int
) -> Iterator[tuple[tuple[slice, slice], FloatArray]]:
    """Yield all that is made of each tile of a row, and its place in those wanted."""
    traits, top = restorer.traits, rows.outer.start
    scale, width = traits.scale, counts.shape[1]
    if traits.whole:
        tile = max(height, width)
    along = (tile, traits.margin, traits.grid)
    for y, x in product([*_spans(rows.inner, height, *along)], [*spans(width, *along)]):
        rows_read = slice(y.outer.start - top, y.outer.stop - top)
        block = counts[None, rows_read, x.outer].astype(np.float32, copy=False)
        missing = [-side % traits.multiple_of for side in block.shape]
        if any(missing[1:]):  # mirrored at the far edges up to a multiple
            pad = [(0, 0), (0, missing[1]), (0, missing[2])]
            block = np.pad(block, pad, mode="symmetric")
        result = restorer(block)
        start = (y.inner.start - rows.inner.start) * scale
        kept = y.kept(scale)
        down = slice(start, start + kept.stop - kept.start)
        yield (down, x.placed(scale)), result[:, kept, x.kept(scale)]


def tile_count(height: int, width: int, traits: Traits, tile: int) -> int:
    """Return how many tiles a plane is cut into."""
    return 1 if traits.whole else -(-height // tile) * -(-width // tile)


def block_shapes(
    height: int, width: int, traits: Traits, tile: int
) -> Iterator[tuple[int, int]]:
    """Yield the sides of each block that a restorer is given for a plane."""
    side = max(height, width) if traits.whole else tile
    along = (side, traits.margin, traits.grid)
    for y, x in product(spans(height, *along), spans(width, *along)):
        sides = (y.outer.stop - y.outer.start, x.outer.stop - x.outer.start)
        down, across = (side + -side % traits.multiple_of for side in sides)
        yield down, across


def _size(shape: tuple[int, int], tile: int | None = None) -> str:
    sides = [min(side, tile or side) for side in shape]
    return " x ".join(map(str, sides))
