"""Planes made ready for a method: unknown areas are filled, then defects repaired.

A plane of up to `LARGEST_WHOLE` pixels is looked at as a whole. A larger one, such as a
mosaic of a slide, is looked at in cells with their surroundings, a row of cells at a
time: what is found does not depend on the tiles nor on the memory that there is.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from w2s_cli.io.write_behind import GivenUpError
from w2s_cli.microscope.defects import Defects
from w2s_cli.microscope.unknown_pixels import KnownPlane, Mask
from w2s_cli.pipeline.defect_repair import Repairs
from w2s_cli.pipeline.unknown_areas import Index, UnknownAreas
from w2s_cli.restorers.tiling import Span, spans
from w2s_cli.stack import Stack, split_index

CELL, AROUND = 512, 32
"""Side of a cell, and how far its surroundings reach, in pixels."""

Finder: TypeAlias = Callable[[NDArray[Any], slice, slice], Defects]
"""Returns the defects of the counts that are in these rows and columns of a plane."""


@dataclass(frozen=True, slots=True)
class Band:
    """Rows of a plane, ready for a method."""

    counts: NDArray[Any]  # (Y, X) of the rows, and of those around that are needed
    # The pixels (Y, X) of the rows themselves that are left as they were, and these
    unknown: Mask
    values: NDArray[Any]

    def put_back(self, restored: NDArray[Any]) -> None:
        """Write what the unknown pixels were into the restored rows."""
        if not self.values.size:
            return
        height, width = self.unknown.shape
        scale = restored.shape[1] // width
        pixels = restored.reshape(height, scale, width, scale)
        for y, x in np.ndindex(scale, scale):
            pixels[:, y, :, x][self.unknown] = self.values


class PreparedPlanes:
    """The pixels of a stack as a method gets them; what was done is counted.

    The rows of cells that the last band needed are kept for the next.
    """

    def __init__(
        self,
        source: Stack,
        finders: Mapping[int, Finder],
        blank_channels: frozenset[int] = frozenset(),
    ) -> None:
        self.shape, self.dtype = source.data.shape, source.data.dtype
        self._source, self._finders = source, finders
        self.unknown, self.repairs = UnknownAreas(source, blank_channels), Repairs()
        self._kept: dict[tuple[Index, int], Band] = {}
        self._plane: tuple[Index, NDArray[Any]] | None = None
        self._lock = RLock()
        self.given_up: Callable[[], bool] = lambda: False  # whether to stop in between

    @property
    def repairing(self) -> bool:
        """Return whether planes are looked through for defects."""
        return bool(self._finders)

    def __getitem__(self, index: tuple[Any, ...], /) -> NDArray[Any]:
        """Return the (Y, X) plane at `index`, or a part of it."""
        at, part = split_index(index)
        rows, columns = part or (slice(0, self.shape[-2]), slice(None))
        return self.band(at, Span(rows, rows)).counts[:, columns]

    def band(self, index: Index, rows: Span) -> Band:
        """Return rows of a plane."""
        with self._lock:
            cells = [*self._cells(self.shape[-2])]
            needed = [
                number
                for number, one in enumerate(cells)
                if one.inner.start < rows.outer.stop
                and one.inner.stop > rows.outer.start
            ]
            keys = [(index, number) for number in needed]
            self._kept = {key: self._kept[key] for key in keys if key in self._kept}
            for key in keys:
                if key not in self._kept:
                    self._kept[key] = self._prepared(*key, cells[key[1]])
            found = [self._kept[key] for key in keys]
        first = cells[needed[0]].inner.start
        return _cut(found, rows, first)

    def _cells(self, length: int) -> Iterator[Span]:
        if self._source.large:
            return spans(length, CELL, AROUND)
        return iter([Span(slice(0, length), slice(0, length))])

    def _prepared(self, index: Index, number: int, rows: Span) -> Band:
        """Return a row of cells."""
        stored = self._stored(index, rows.outer)
        find = self._finders.get(self._source.channel_of(index))
        width, inner_rows = self.shape[-1], rows.kept(1)
        shape = (rows.inner.stop - rows.inner.start, width)
        unknown, numbers = np.empty(shape, bool), []
        counts = np.empty(shape, np.float32 if find else self.dtype)
        for columns in self._cells(width):
            if self.given_up():
                raise GivenUpError
            known = KnownPlane.of(stored[:, columns.outer])
            pixels, inner = known.counts, (inner_rows, columns.kept(1))
            if find and (found := find(pixels, rows.outer, columns.outer)).found:
                pixels = found.repaired(pixels)
                numbers.append(found.part(*inner).as_json())
            if len(pixels) == shape[0] and pixels.shape[1] == width:  # a whole plane
                counts, unknown = pixels, known.unknown
            else:
                counts[:, columns.inner] = pixels[inner]
                unknown[:, columns.inner] = known.unknown[inner]
        self.unknown.count(index, number, unknown)
        self.repairs.count(index, number, numbers)
        return Band(counts, unknown, stored[inner_rows][unknown])

    def _stored(self, index: Index, rows: slice) -> NDArray[Any]:
        """Return rows as they are in the file."""
        if not self._source.large:
            return self._source.data[index]
        if self._source.chunk:
            return self._source.region(index, rows, slice(0, self.shape[-1]))
        if not self._plane or self._plane[0] != index:  # it is read whole or not at all
            self._plane = None
            self._plane = index, self._source.data[index]
        return self._plane[1][rows]


def _cut(found: list[Band], rows: Span, first: int) -> Band:
    """Return rows from bands that follow one another from a first row on."""
    counts, unknown, values = [], [], []
    for band in found:
        outer, inner = (
            slice(max(part.start - first, 0), max(part.stop - first, 0))
            for part in (rows.outer, rows.inner)
        )
        counts.append(band.counts[outer])
        unknown.append(band.unknown[inner])
        before = np.count_nonzero(band.unknown[: inner.start])
        here = np.count_nonzero(unknown[-1])
        values.append(band.values[before : before + here])
        first += len(band.counts)
    if len(found) == 1:
        return Band(counts[0], unknown[0], values[0])
    return Band(*(np.concatenate(parts) for parts in (counts, unknown, values)))
