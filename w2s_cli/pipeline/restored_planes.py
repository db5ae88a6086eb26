"""Restored planes, of which a row of tiles is computed when it is asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.plane_sampling import checked_finite, saturated_pixels
from w2s_cli.pipeline.prepared_planes import Band
from w2s_cli.restorers.restorer import Restorer
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

    # Of each plane that has some: the clipped pixels by the first row of its tiles
    by_plane: dict[Index, dict[int, int]] = field(default_factory=dict)

    @property
    def clipped(self) -> int:
        """Return how many pixels were outside the range of the output's dtype."""
        return sum(sum(rows.values()) for rows in self.by_plane.values())

    def count(self, index: Index, row: int, clipped: int) -> None:
        """Count the clipped pixels of a row of tiles, however often it is computed."""
        if clipped:
            self.by_plane.setdefault(index, {})[row] = clipped


@dataclass
class RestoredPlanes:
    """The pixels of a restored stack.

    The last row of tiles is kept for what follows it; all those of a part that is not
    as wide as the plane are, for the parts beside it.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: BandReader
    restorer_of: Callable[[Index], Restorer]  # by the index of a plane
    tile: int
    tally: Tally
    on_tile: Callable[[], None] = lambda: None
    # Called with the standard errors of rows of a plane, and the first of the rows
    on_errors: Callable[[Index, int, FloatArray], None] | None = None
    _kept: dict[tuple[Index, int], NDArray[Any]] = field(default_factory=dict)

    @property
    def _scale(self) -> int:
        return self.restorer_of((0,) * (len(self.shape) - 2)).traits.scale

    @property
    def rows(self) -> int:
        """Return how many input rows are restored together."""
        whole = self.restorer_of((0,) * (len(self.shape) - 2)).traits.whole
        return self.shape[-2] // self._scale if whole else self.tile

    def order(self) -> Iterator[tuple[Index, Span]]:
        """Yield the rows of tiles, plane by plane."""
        *lead, height, width = self.shape
        for at in np.ndindex(*lead):
            traits = self.restorer_of(at).traits
            sides = height // traits.scale, width // traits.scale
            for rows in bands(*sides, traits, self.tile):
                yield at, rows

    def __getitem__(self, index: tuple[Any, ...], /) -> NDArray[Any]:
        """Return the (Y, X) plane at `index`, or a part of it."""
        at, part = split_index(index)
        whole = slice(0, self.shape[-2]), slice(0, self.shape[-1])
        rows, columns = part or whole
        scale = self._scale
        height, width = (side // scale for side in self.shape[-2:])
        needed = [
            (span, span.placed(scale))
            for span in bands(height, width, self.restorer_of(at).traits, self.tile)
            if span.inner.start * scale < rows.stop
            and span.inner.stop * scale > rows.start
        ]
        keys = {(at, span.inner.start) for span, _ in needed}
        self._kept = {key: band for key, band in self._kept.items() if key in keys}
        narrow = columns.stop - columns.start < self.shape[-1]
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        pixels = None if len(needed) == 1 else np.empty(shape, self.dtype)
        for number, (span, placed) in enumerate(needed, 1):
            band = self._kept.pop((at, span.inner.start), None)
            if band is None:
                band = self._restored(at, span)
            if len(band) < self.shape[-2] and (narrow or number == len(needed)):
                self._kept[at, span.inner.start] = band
            first, last = max(placed.start, rows.start), min(placed.stop, rows.stop)
            rows_of_it = band[first - placed.start : last - placed.start, columns]
            if pixels is None:
                return rows_of_it
            pixels[first - rows.start : last - rows.start] = rows_of_it
        assert pixels is not None
        return pixels

    def _restored(self, index: Index, rows: Span) -> NDArray[Any]:
        restorer = self.restorer_of(index)
        scale = restorer.traits.scale
        band = self.read(index, rows)
        shape = ((rows.inner.stop - rows.inner.start) * scale, self.shape[-1])
        made = np.empty(shape, self.dtype)
        errors = np.empty(shape if self.on_errors else (0, 0), np.float32)
        clipped: dict[tuple[int, int], int] = {}

        def keep(place: tuple[slice, slice], planes: FloatArray) -> None:
            made[place], outside = _as_stored(planes[0], self.dtype)
            if self.on_errors:
                errors[place] = planes[1]
            clipped[place[0].start, place[1].start] = outside

        restore_band(
            band.counts,
            rows,
            restorer,
            keep,
            height=self.shape[-2] // scale,
            tile=self.tile,
            on_tile=self.on_tile,
        )
        self.tally.count(index, rows.inner.start, sum(clipped.values()))
        band.put_back(made)
        if self.on_errors:
            inner = slice(rows.inner.start - rows.outer.start, None)
            full = saturated_pixels(band.counts)[inner][: len(band.unknown)]
            lost = (band.unknown | full).repeat(scale, 0).repeat(scale, 1)
            errors[lost] = np.nan
            self.on_errors(index, rows.inner.start * scale, errors)
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
