"""Parts of a page of a TIFF, of which no more is read and decoded than they need."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from w2s_cli.io.content import read_into

Page = tifffile.TiffPage | tifffile.TiffFrame
_JPEG = (6, 7, 34892, 33007)  # compressions whose tables are apart
_AGAIN = 256  # rows at the end of a part that the next one may begin with
_Segment = NDArray[Any] | None  # (Y, X, samples); None where the file has none


class PartReader:
    """Reads parts of pages; strips and tiles at the end are kept for the next part."""

    def __init__(self, first: tifffile.TiffPage) -> None:
        self._layout = _layout(first)
        self._in_a_row = (
            first.is_contiguous and first.predictor == 1 and first.fillorder == 1
        )
        height, width = first.imagelength, first.imagewidth
        tile = (first.tilelength, first.tilewidth)
        strip = (first.rowsperstrip, width)
        rows, columns = tile if first.is_tiled else strip
        self._sides = min(rows, height), columns
        self._kept: tuple[Page | None, dict[int, _Segment]] = (None, {})

    @staticmethod
    def suits(page: tifffile.TiffPage) -> bool:
        """Return whether the pages of a series, like its first, can be read in part."""
        return page.imagedepth == 1 and page.jpegheader is None

    def laid_out_alike(self, page: Page) -> bool:
        """Return whether a page has the layout of the first; a damaged one may not."""
        return _layout(page.keyframe) == self._layout

    @property
    def chunk(self) -> tuple[int, int]:
        """Return the rows and columns that are decoded together."""
        return (1, 1) if self._in_a_row else self._sides

    def read(
        self, page: Page, sample: int, rows: slice, columns: slice
    ) -> NDArray[Any]:
        """Return a part as (samples, Y, X): one sample where they are stored apart."""
        made = self._bare if self._in_a_row else self._decoded
        return np.moveaxis(made(page, sample, rows, columns), -1, 0)

    def _bare(
        self, page: Page, sample: int, rows: slice, columns: slice
    ) -> NDArray[Any]:
        """Return pixels that lie in the file as they are, (Y, X, samples)."""
        first: Any = page.keyframe
        apart = first.planarconfig == 2
        samples = 1 if apart else first.samplesperpixel
        width, size = first.imagewidth, samples * first.dtype.itemsize
        start = sample * first.imagelength * width if apart else 0
        stored = np.dtype(f"{first.parent.byteorder}{first._dtype.char}")
        data = read_rows(
            page.parent.filehandle,
            page.dataoffsets[0] + start * first.dtype.itemsize,
            (width, size),
            rows,
            columns,
        )
        return np.frombuffer(data, stored).reshape(rows.stop - rows.start, -1, samples)

    def _decoded(
        self, page: Page, sample: int, rows: slice, columns: slice
    ) -> NDArray[Any]:
        """Return pixels of strips or tiles that are decoded, (Y, X, samples)."""
        first: Any = page.keyframe
        apart = first.planarconfig == 2
        down, across = self._sides
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        part = np.empty((*shape, 1 if apart else first.samplesperpixel), first.dtype)
        of, before = self._kept
        known = before if of is page else {}
        kept: dict[int, _Segment] = {}
        for y, x, number in self._numbers(first, sample if apart else 0, rows, columns):
            segment = known[number] if number in known else _decode(page, number)
            if (y + 1) * down > rows.stop - _AGAIN:
                kept[number] = segment
            top, left = y * down - rows.start, x * across - columns.start
            inside = part[max(top, 0) : top + down, max(left, 0) : left + across]
            if segment is None:
                inside[...] = first.nodata
            else:
                segment = segment[max(-top, 0) :, max(-left, 0) :]
                inside[...] = segment[: inside.shape[0], : inside.shape[1]]
        self._kept = page, kept
        return part

    def _numbers(
        self, first: tifffile.TiffPage, sample: int, rows: slice, columns: slice
    ) -> Iterator[tuple[int, int, int]]:
        """Yield each strip or tile of a part: its place down and across, its number."""
        down, across = self._sides
        many, wide = -(-first.imagelength // down), -(-first.imagewidth // across)
        for y in range(rows.start // down, -(-rows.stop // down)):
            for x in range(columns.start // across, -(-columns.stop // across)):
                yield y, x, (sample * many + y) * wide + x


def _layout(page: Any) -> tuple[object, ...]:
    return (
        (page.shaped, page.dtype, page.planarconfig, page.samplesperpixel),
        (page.tilelength, page.tilewidth) if page.is_tiled else page.rowsperstrip,
        (page.is_contiguous, page.predictor, page.fillorder, page.imagedepth),
    )


def _decode(page: Page, number: int) -> _Segment:
    """Return a strip or a tile, (Y, X, samples)."""
    first: Any = page.keyframe
    file = page.parent.filehandle
    if number >= min(len(page.dataoffsets), len(page.databytecounts)):
        raise ValueError(f"its strip or tile {number} has no place in the file")
    with file.lock:
        first.init_decode()
        file.seek(page.dataoffsets[number])
        count = page.databytecounts[number]
        data = file.read(count) if count else None
    tables = {}
    if first.compression in _JPEG:
        tables = {"jpegtables": page.jpegtables, "jpegheader": first.jpegheader}
    segment: NDArray[Any] | None = first.decode(data, number, **tables)[0]
    return None if segment is None else segment[0]


def read_rows(
    file: tifffile.FileHandle,
    offset: int,
    row: tuple[int, int],
    rows: slice,
    columns: slice,
) -> bytearray:
    """Return a part of a plane that lies at an offset as it is.

    `row` is its width and the bytes of a pixel. What the file lacks is left out.
    """
    width, size = row
    runs, count = range(rows.start, rows.stop), columns.stop - columns.start
    if count == width:  # all that lies between is wanted
        runs, count = range(rows.start, rows.start + 1), len(runs) * width
    data = bytearray(len(runs) * count * size)
    filled = 0
    with file.lock:
        for number in runs:
            file.seek(offset + (number * width + columns.start) * size)
            filled += read_into(
                file.readinto, memoryview(data)[filled:][: count * size]
            )
    del data[filled:]
    return data
