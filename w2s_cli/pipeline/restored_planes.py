"""Restored planes, of which a row of tiles is computed when it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.plane_sampling import checked_finite
from w2s_cli.pipeline.prepared_planes import Band
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.tiling import Span, bands, restore_band
from w2s_cli.stack import Stack, split_index

Index = tuple[int, ...]
BandReader: TypeAlias = Callable[[Index, Span], Band]
"""Returns rows of a plane, ready for a method."""


def plain(stack: Stack) -> BandReader:
    """Return what takes planes as they are; each is read for each of its bands."""

    def band(index: Index, rows: Span) -> Band:
        counts = checked_finite(stack.data[index], stack.plane_name(index))
        shape = (rows.inner.stop - rows.inner.start, counts.shape[1])
        return Band(counts[rows.outer], np.zeros(shape, bool), counts[:0])

    return band


@dataclass
class Tally:
    """What is known of the output by the time that its last plane is computed."""

    _clipped: dict[Index, int] = field(default_factory=dict)

    @property
    def clipped(self) -> int:
        """Return how many pixels were outside the range of the output's dtype."""
        return sum(self._clipped.values())

    def count(self, index: Index, clipped: int) -> None:
        """Count the clipped pixels of a row of tiles, however often it is computed."""
        if clipped:
            self._clipped[index] = clipped


@dataclass
class RestoredPlanes:
    """The pixels of a restored stack; the row of tiles that was asked last is kept."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: BandReader
    chain_of: Callable[[Index], Chain]  # by the index of a plane
    tile: int
    tally: Tally
    on_tile: Callable[[], None] = lambda: None
    _last: tuple[tuple[Index, int], NDArray[Any]] | None = None

    @property
    def _scale(self) -> int:
        return self.chain_of((0,) * (len(self.shape) - 2)).traits.scale

    @property
    def rows(self) -> int:
        """Return how many input rows are restored together."""
        whole = self.chain_of((0,) * (len(self.shape) - 2)).traits.whole
        return self.shape[-2] // self._scale if whole else self.tile

    def __getitem__(self, index: tuple[Any, ...], /) -> NDArray[Any]:
        """Return the (Y, X) plane at `index`, or a part of it."""
        at, part = split_index(index)
        whole = slice(0, self.shape[-2]), slice(0, self.shape[-1])
        rows, columns = part or whole
        scale = self._scale
        height, width = (side // scale for side in self.shape[-2:])
        needed = [
            (span, span.placed(scale))
            for span in bands(height, width, self.chain_of(at).traits, self.tile)
            if span.inner.start * scale < rows.stop
            and span.inner.stop * scale > rows.start
        ]
        if len(needed) == 1:
            span, placed = needed[0]
            inside = slice(rows.start - placed.start, rows.stop - placed.start)
            return self._band(at, span)[inside, columns]
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        pixels = np.empty(shape, self.dtype)
        for span, placed in needed:
            first = max(placed.start, rows.start)
            last = min(placed.stop, rows.stop)
            band = self._band(at, span)
            inside = slice(first - placed.start, last - placed.start)
            pixels[first - rows.start : last - rows.start] = band[inside, columns]
        return pixels

    def _band(self, index: Index, rows: Span) -> NDArray[Any]:
        """Return a restored row of tiles."""
        key = (index, rows.inner.start)
        if self._last and self._last[0] == key:
            return self._last[1]
        self._last = None
        made = self._restored(index, rows)
        if rows.inner.stop - rows.inner.start < self.shape[-2] // self._scale:
            self._last = key, made
        return made

    def _restored(self, index: Index, rows: Span) -> NDArray[Any]:
        chain = self.chain_of(index)
        scale = chain.traits.scale
        band = self.read(index, rows)
        shape = ((rows.inner.stop - rows.inner.start) * scale, self.shape[-1])
        made = np.empty(shape, self.dtype)
        clipped: dict[tuple[int, int], int] = {}

        def keep(place: tuple[slice, slice], pixels: FloatArray) -> None:
            made[place], outside = _as_stored(pixels, self.dtype)
            clipped[place[0].start, place[1].start] = outside

        restore_band(
            band.counts,
            rows,
            chain,
            keep,
            height=self.shape[-2] // scale,
            tile=self.tile,
            on_tile=self.on_tile,
        )
        self.tally.count((*index, rows.inner.start), sum(clipped.values()))
        band.put_back(made)
        return made


def _as_stored(pixels: FloatArray, dtype: np.dtype[Any]) -> tuple[NDArray[Any], int]:
    """Return `pixels` in the file's dtype: rounded, clipped, the clipped counted."""
    if not np.issubdtype(dtype, np.integer):
        return pixels.astype(dtype), 0
    limits = np.iinfo(dtype)
    whole = np.rint(pixels)
    clipped = int(np.count_nonzero(whole < limits.min))
    clipped += int(np.count_nonzero(whole > limits.max))
    return whole.clip(limits.min, limits.max, out=whole).astype(dtype), clipped
