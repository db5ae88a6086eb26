"""The planes of a TIFF, read one at a time, and whether they are all there."""

import struct
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray

from w2s_cli.errors import InputError, OutOfMemoryError

_Page = tifffile.TiffPage | tifffile.TiffFrame
# What tifffile and its codecs raise on broken data
_BROKEN = (
    ArithmeticError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
_DESCRIPTION = 270  # the tag
_BIG_TIFF = 43  # the version
_HINT = "copy or export it again"


def check_chain(
    file: tifffile.TiffFile, series: tifffile.TiffPageSeries, path: Path
) -> None:
    """Find out whether tifffile has given up a series because the file ends early."""
    if series.kind not in ("uniform", "generic"):
        return
    if file.is_imagej:
        promised = (file.imagej_metadata or {}).get("images", "more")
        raise _truncated(path, len(series), f"{promised} planes are promised")
    if file.is_shaped:
        raise _truncated(path, len(series), "more planes are promised")
    pages = len(file.pages)  # walks the whole chain
    following = _following(file)
    if following:
        raise _truncated(
            path, pages, f"it is promised at byte {following} of {_size(file)}"
        )


def check_pages_end(path: Path) -> None:
    """Find out whether the pages of a TIFF follow each other in a circle."""
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


def check_description(file: tifffile.TiffFile, path: Path) -> None:
    """Find out whether the file ends before its description, which may come last."""
    if _DESCRIPTION in _tag_codes(file) and _DESCRIPTION not in file.pages.first.tags:
        raise InputError(
            f"{path} is truncated: its description is missing, which names the axes",
            hint=_HINT,
        )


def plane_reader(
    file: tifffile.TiffFile,
    series: tifffile.TiffPageSeries,
    shape: tuple[int, ...],
    path: Path,
) -> Callable[[int], NDArray[Any]]:
    """Return a function from the number of a plane, in file order, to its pixels.

    Data that lie in the file as they are, such as the single page of an ImageJ file
    above 4 GB, are read at their place, everything else through its page.
    """
    page = series.keyframe
    if series.dataoffset is None or series.is_multifile or page.samplesperpixel > 1:
        return _from_pages(series, shape, path)
    return _in_place(file, series.dataoffset, series.dtype, shape, path)


def _in_place(
    file: tifffile.TiffFile,
    offset: int,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    path: Path,
) -> Callable[[int], NDArray[Any]]:
    *lead, height, width = shape
    pixels = height * width
    stored = dtype.newbyteorder(file.byteorder)
    held = (_size(file) - offset) // (pixels * dtype.itemsize)
    if held < prod(lead):
        raise _truncated(path, held, f"{prod(lead)} planes are promised")

    def read(number: int) -> NDArray[Any]:
        handle = file.filehandle
        with handle.lock:
            handle.seek(offset + number * pixels * dtype.itemsize)
            data = handle.read(pixels * dtype.itemsize)
        if len(data) < pixels * dtype.itemsize:
            raise _truncated(path, number, f"{prod(lead)} planes are promised")
        plane = np.frombuffer(data, stored).reshape(height, width)
        return plane.astype(dtype.newbyteorder("="))

    return read


def _from_pages(
    series: tifffile.TiffPageSeries, shape: tuple[int, ...], path: Path
) -> Callable[[int], NDArray[Any]]:
    *lead, height, width = shape
    page = series.keyframe
    per_page = page.size // (height * width)
    pages = [
        _page(series, number // per_page, number, path)
        for number in range(0, prod(lead), per_page)
    ]

    def read(number: int) -> NDArray[Any]:
        planes = _decoded(pages[number // per_page], number, path)
        # Samples beside each other in a pixel become planes one after the other.
        apart = np.moveaxis(planes, -1, 1).reshape(-1, height, width)
        plane: NDArray[Any] = apart[number % per_page]
        return plane

    return read


def _page(
    series: tifffile.TiffPageSeries, place: int, number: int, path: Path
) -> _Page:
    """Return the page that holds plane `number`, if the file has all of it."""
    try:
        page = series[place]
    except (IndexError, tifffile.TiffFileError):
        page = None
    ends = (
        map(sum, zip(page.dataoffsets, page.databytecounts, strict=False))
        if page
        else ()
    )
    end = max(ends, default=0)
    if page is None or not end:
        raise _truncated(path, number, "no page holds it")
    size = page.parent.filehandle.size
    if end > size:
        raise _truncated(path, number, f"it ends at byte {end} of {size}")
    return page


def _decoded(page: _Page, number: int, path: Path) -> NDArray[Any]:
    """Return a page as (samples, depth, Y, X, samples)."""
    handle = page.parent.filehandle
    was_closed = handle.closed  # in a set of OME files all but the first are
    try:
        if was_closed:
            handle.open()
        return page.asarray(squeeze=False)
    except MemoryError as error:
        raise OutOfMemoryError(
            f"plane {number + 1} of {path} does not fit into memory: {error}",
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


def _truncated(path: Path, number: int, found: str) -> InputError:
    return InputError(
        f"{path} is truncated: plane {number + 1} is missing ({found})", hint=_HINT
    )
