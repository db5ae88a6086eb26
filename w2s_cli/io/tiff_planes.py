"""The planes of a TIFF, read one at a time, and whether they are all there."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray

from w2s_cli.errors import InputError, OutOfMemoryError
from w2s_cli.io.samples import MOST_LOOKED_AT, Kept, check_colours
from w2s_cli.io.tiff_parts import Page, PartReader, read_rows
from w2s_cli.io.units import positive

# What tifffile and its codecs raise on broken data
_BROKEN = (ArithmeticError, OSError, RuntimeError, TypeError, ValueError, struct.error)
_DESCRIPTION = 270  # the tag
_BIG_TIFF = 43  # the version
_LARGEST_TILE = 1 << 24  # pixels, where the image is smaller
_HINT = "copy or export it again"


def promised(
    file: tifffile.TiffFile, series: tifffile.TiffPageSeries
) -> tuple[str, tuple[int, ...]] | None:
    """Return the axes and lengths of planes that a description promises in vain.

    None where tifffile believes it, or nothing is promised.
    """
    alone = series.kind == "imagej" and len(series) == 1
    if not (series.kind in ("uniform", "generic") or alone) or len(file.series) > 1:
        return None
    if file.is_imagej:
        said = file.imagej_metadata or {}
        named = [("T", "frames"), ("Z", "slices"), ("C", "channels")]
        lengths = [(axis, positive(said.get(name, 1))) for axis, name in named]
        known = [(axis, int(length or 1)) for axis, length in lengths]
        planes = int(positive(said.get("images", 1)) or 1)
        if prod(length for _, length in known) != planes:
            known = [("I", planes)]
    elif file.is_shaped:
        shape = (file.shaped_metadata or ({},))[0].get("shape", ())
        axes = (file.shaped_metadata or ({},))[0].get("axes", "Q" * len(shape))
        known = [*zip(axes, shape, strict=False)][:-2]
    else:
        return None
    long = [(axis, length) for axis, length in known if length > 1]
    page = series.keyframe
    read = series.size // (page.imagelength * page.imagewidth)
    if not read < prod(length for _, length in long) <= _size(file):
        return None
    return "".join(axis for axis, _ in long), tuple(length for _, length in long)


def check_promise(
    file: tifffile.TiffFile,
    series: tifffile.TiffPageSeries,
    shape: tuple[int, ...],
    path: Path,
) -> None:
    """Refuse more planes than bytes, before lists of them are made, and huge tiles."""
    planes = prod(shape[:-2])
    if planes > _size(file) and not series.is_multifile:
        raise InputError(
            f"{path} promises {planes} planes, more than {_size(file)} bytes can hold",
            hint=_HINT,
        )
    page = series.keyframe
    tile = page.tilelength, page.tilewidth
    if page.is_tiled and prod(tile) > max(_LARGEST_TILE, 4 * prod(shape[-2:])):
        raise InputError(
            f"{path} is broken: its tiles are of {tile[0]} x {tile[1]} pixels, and the "
            f"whole image has {shape[-2]} x {shape[-1]}",
            hint=_HINT,
        )


def cut_off(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> str:
    """Return why there may have been more pages than there are; nothing if all are."""
    pages = len(file.pages)  # walks the whole chain
    following = _following(file)
    if not following or series.kind not in ("uniform", "generic"):
        return ""
    return (
        f"it is cut off: page {pages + 1} is promised at byte {following} of "
        f"{_size(file)}. What was read before is used; copy or export it again if more "
        "were taken"
    )


def undescribed(file: tifffile.TiffFile, path: Path) -> str:
    """Return how many planes of a file its metadata leave out; nothing if none."""
    said = (file.imagej_metadata or {}).get("images", 1) if file.is_imagej else 1
    if isinstance(said, int) and said > _size(file):
        return (
            f"ImageJ's description promises {said} planes, more than {_size(file)} "
            "bytes can hold: that is not used. Copy or export it again if more were "
            "taken"
        )
    listed = [one for one in file.series if one.kind in ("ome", "imagej")]
    pages = len(file.pages)
    if not listed or any(one.kind == "imagej" and len(one) == 1 for one in listed):
        return ""  # one page of ImageJ may stand for all planes, which lie behind it
    in_a_row = all(_start(one) is not None for one in file.series)
    if in_a_row and sum(map(len, file.series)) == pages:
        return ""  # known without reading every page
    try:
        used = {
            page.offset
            for one in file.series
            for level in one.levels
            for page in level
            if page and page.parent is file and not page.is_subifd
        }
    except IndexError:  # it describes pages that are not there
        return ""
    if not 0 < len(used) < pages:
        return ""
    return (
        f"its metadata describe {len(used)} of its {pages} pages: the others are left "
        "out. To have all, take a copy without the description: tiffcomment --set "
        f'none "copy of {path.name}"'
    )


def check_pages_end(path: Path) -> None:
    """Refuse a TIFF whose pages follow each other in a circle."""
    with path.open("rb") as file:
        start = file.read(16)
        order: Literal["little", "big"] = "big" if start[:2] == b"MM" else "little"
        big = int.from_bytes(start[2:4], order) == _BIG_TIFF
        counted, entry, pointer = (8, 20, 8) if big else (2, 12, 4)
        place = int.from_bytes(start[8:16] if big else start[4:8], order)
        seen: dict[int, int] = {}
        while place:
            if place in seen:
                raise InputError(
                    f"{path} is broken: page {len(seen)} is followed by page "
                    f"{seen[place]}, in a circle",
                    hint=_HINT,
                )
            seen[place] = len(seen) + 1
            file.seek(place)
            tags = int.from_bytes(file.read(counted), order)
            file.seek(place + counted + tags * entry)
            place = int.from_bytes(file.read(pointer), order)


def lacks_description(file: tifffile.TiffFile) -> bool:
    """Return whether the file ends before its description, which may come last."""
    return (
        _DESCRIPTION in _tag_codes(file) and _DESCRIPTION not in file.pages.first.tags
    )


@dataclass(frozen=True, slots=True)
class PlaneReader:
    """How the planes of an image are read, each by its number in file order."""

    read: Callable[[int], NDArray[Any]]
    there: NDArray[np.bool_]  # which planes are whole
    # As in `Content`
    read_part: Callable[[int, slice, slice], NDArray[Any]] | None
    chunk: tuple[int, int] = (1, 1)


def plane_reader(
    file: tifffile.TiffFile,
    series: tifffile.TiffPageSeries,
    shape: tuple[int, ...],
    kept: Kept,
    path: Path,
) -> PlaneReader:
    """Return how the planes of a series are read.

    Data that lie in the file as they are, such as the single page of an ImageJ file
    above 4 GB, are read at their place, everything else through its page.
    """
    page = series.keyframe
    start, several = _start(series), len(series) > 1
    paged = several and len(series) < prod(shape[:-2]) and not _following(file)
    apart = series.is_multifile or page.samplesperpixel > 1 or paged
    size = prod(shape) * series.dtype.itemsize
    # A directory among what would be planes: they are not one behind the other.
    if (
        not isinstance(start, int)
        or start < 0
        or apart
        or (start < page.offset < start + size and not several)
    ):
        return _from_pages(series, shape, kept, path)
    return _in_place(file, start, series.dtype, shape, path)


def _start(series: tifffile.TiffPageSeries) -> Any:
    """Return where the data of a series begin; None where they are not in a row."""
    try:
        return series.dataoffset
    except _BROKEN:  # a page whose places are no numbers, which is missed later
        return None


def _in_place(
    file: tifffile.TiffFile,
    offset: int,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    path: Path,
) -> PlaneReader:
    *lead, height, width = shape
    pixels = height * width
    stored = dtype.newbyteorder(file.byteorder)
    held = (_size(file) - offset) // (pixels * dtype.itemsize)

    def read_part(number: int, rows: slice, columns: slice) -> NDArray[Any]:
        place = offset + number * pixels * dtype.itemsize
        row = (width, dtype.itemsize)
        data = read_rows(file.filehandle, place, row, rows, columns)
        sides = (rows.stop - rows.start, columns.stop - columns.start)
        if len(data) < prod(sides) * dtype.itemsize:
            raise InputError(
                f"{path} is truncated: plane {number + 1} is missing", hint=_HINT
            )
        part = np.frombuffer(data, stored).reshape(sides)
        return part.astype(dtype.newbyteorder("="), copy=False)

    def read(number: int) -> NDArray[Any]:
        return read_part(number, slice(0, height), slice(0, width))

    return PlaneReader(read, np.arange(prod(lead)) < held, read_part)


def _from_pages(
    series: tifffile.TiffPageSeries, shape: tuple[int, ...], kept: Kept, path: Path
) -> PlaneReader:
    *lead, height, width = shape
    first = series.keyframe
    frames = first.size // (height * width * first.samplesperpixel)
    per_page, count = frames * len(kept.numbers), prod(lead)
    pages = [_page(series, place) for place in range(-(-count // per_page))]

    def read(number: int) -> NDArray[Any]:
        page = pages[number // per_page]
        assert page is not None
        sample, frame = divmod(number % per_page, frames)
        planes = _apart(page, number, path)[:, frame]
        check_colours(kept, planes, number, path)
        plane: NDArray[Any] = planes[kept.numbers[sample]]
        return plane

    def read_part(number: int, rows: slice, columns: slice) -> NDArray[Any]:
        page = pages[number // per_page]
        assert page is not None
        if not parts.laid_out_alike(page):
            return read(number)[rows, columns]
        sample = kept.numbers[number % per_page]
        with _reading(page, number, path):
            planes = parts.read(page, sample, rows, columns)
        apart = len(planes) == 1
        if not apart:
            check_colours(kept, planes, number, path)
        part: NDArray[Any] = planes[0 if apart else sample]
        return part

    there = np.array([page is not None for page in pages]).repeat(per_page)[:count]
    try:
        parts = PartReader(first)
        in_parts = frames == 1 and parts.suits(first)
    except _BROKEN:  # to read the whole page says what is wrong with it
        in_parts = False
    if not in_parts:
        return PlaneReader(read, there, None)
    return PlaneReader(read, there, read_part, parts.chunk)


def sample_planes(
    series: tifffile.TiffPageSeries, path: Path
) -> Iterator[NDArray[Any]]:
    """Yield the (samples, Y, X) of some planes of a series, spread evenly."""
    places = np.linspace(0, len(series) - 1, min(len(series), MOST_LOOKED_AT))
    for place in sorted({int(place) for place in places}):
        if page := _page(series, place):
            yield from _apart(page, place, path).swapaxes(0, 1)


def _apart(page: Page, number: int, path: Path) -> NDArray[Any]:
    """Return a page as (samples, frames, Y, X), however its samples are stored."""
    with _reading(page, number, path):
        # (samples, frames, Y, X, samples)
        planes: NDArray[Any] = page.asarray(squeeze=False)
    if planes.ndim != 5:
        raise InputError(
            f"{path} is broken: plane {number + 1} has not the pixels that it promises",
            hint="copy or export it again",
        )
    frames, height, width = planes.shape[1:4]
    return np.moveaxis(planes, -1, 1).reshape(-1, frames, height, width)


def _page(series: tifffile.TiffPageSeries, place: int) -> Page | None:
    """Return a page of a series, if the file has all of it."""
    try:
        page: Page | None = series[place]
    except (IndexError, tifffile.TiffFileError):
        return None
    if page is None or not page.dataoffsets:
        return None
    try:
        ends = map(sum, zip(page.dataoffsets, page.databytecounts, strict=False))
        return page if 0 < max(ends, default=0) <= page.parent.filehandle.size else None
    except TypeError:  # places that are text
        return None


@contextmanager
def _reading(page: Page, number: int, path: Path) -> Iterator[None]:
    """Open the file of a page, where it is another one, and say what is wrong."""
    handle = page.parent.filehandle
    was_closed = handle.closed  # in a set of OME files all but the first are
    try:
        if was_closed:
            handle.open()
        yield
    except MemoryError as error:
        raise OutOfMemoryError(
            f"plane {number + 1} of {path} does not fit into memory",
            hint="cut the image into pieces",
        ) from error
    except _BROKEN as error:
        raise InputError(
            f"{path} is broken: plane {number + 1} cannot be decoded: {error}",
            hint=_HINT,
        ) from error
    finally:
        if was_closed:
            handle.close()


def _tag_codes(file: tifffile.TiffFile) -> list[int]:
    """Return the tags of the first page, also those that tifffile cannot read."""
    handle, form = file.filehandle, file.tiff
    handle.seek(file.pages.first.offset)
    (count,) = struct.unpack(form.tagnoformat, handle.read(form.tagnosize))
    tags = [handle.read(form.tagsize) for _ in range(count)]
    return [struct.unpack(f"{form.byteorder}H", tag[:2])[0] for tag in tags]


def _following(file: tifffile.TiffFile) -> int:
    """Return where the last page says that another one is; 0 where it says none."""
    place = file.pages.next_page_offset
    if place is None:
        return 0
    file.filehandle.seek(place)
    pointer = file.filehandle.read(file.tiff.offsetsize)
    return int.from_bytes(pointer, "little" if file.byteorder == "<" else "big")


def _size(file: tifffile.TiffFile) -> int:
    return int(file.filehandle.size)
