"""ZISRAW, the container of CZI: segments, the directory of subblocks, their pixels.

Its layout is that of Zeiss's own libCZI. The library czifile reads it, too, but not
with Zstandard, as most files now have it, for each Python that w2s runs on.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError

_SEGMENT = struct.Struct("<16sqq")  # name, bytes that it has, bytes that are used
_HEADER = struct.Struct("<iiii16s16siqqiq")
_COUNTED = 128  # bytes before the first entry of a directory
_ENTRY = struct.Struct("<2siqiiBB4si")
_DIMENSION = "4siifi"  # name, start, size, coordinate, stored size
_SUBBLOCK = struct.Struct("<iiq")  # the sizes of metadata, attachment and pixels
_MOST_AXES = 40
_MOST_RATIO = 1 << 17  # of bytes in a subblock that is empty, to those it is stored in
_LEAST_ENTRY = 240  # bytes that the entry in a subblock takes at least
_METADATA_START = 256
_TYPES = {
    **{0: ("<u1", 1), 1: ("<u2", 1), 2: ("<f4", 1), 3: ("<u1", 3), 4: ("<u2", 3)},
    **{8: ("<f4", 3), 9: ("<u1", 4), 10: ("<c8", 1), 12: ("<i4", 1), 13: ("<f8", 1)},
}
COMPRESSIONS = {
    **{0: "none", 1: "JPEG", 2: "LZW", 4: "JPEG XR", 5: "Zstandard", 6: "Zstandard"}
}
_RED_FIRST = ("JPEG", "JPEG XR")  # the others store blue first


@dataclass(frozen=True, slots=True)
class Subblock:
    """A piece of a plane: where its pixels are in the file, and in the image."""

    start: Mapping[str, int]  # by the letters of the file: X, Y, Z, C, T, S, M, ...
    size: Mapping[str, int]
    pixels: int  # the number of their type
    compression: int
    reduced: bool  # whether it belongs to a smaller copy of the image
    offset: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the type of a sample."""
        return np.dtype(_TYPES[self.pixels][0])

    @property
    def samples(self) -> int:
        """Return how many samples a pixel has."""
        return _TYPES[self.pixels][1]


class Container:
    """An open file: its metadata, its directory, and the pixels of a subblock."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self.end = path.stat().st_size
        header = _HEADER.unpack(self._segment(0, "ZISRAWFILE")[: _HEADER.size])
        part, directory, metadata = header[6], header[7], header[8]
        if part or not directory:
            raise InputError(
                f"{path} is a part of a CZI image in several files"
                if part
                else f"{path} has no directory of its pixels: its recording or its "
                "copy was not finished",
                hint="open it in ZEN and save it as one file",
            )
        entries = self._segment(directory, "ZISRAWDIRECTORY")
        self.subblocks = _directory(entries)
        self.xml = self._xml(metadata) if metadata else ""

    def _segment(self, offset: int, name: str) -> bytes:
        """Return what a segment holds."""
        self._file.seek(offset)
        found, allocated, used = _SEGMENT.unpack(self._file.read(_SEGMENT.size))
        size = used or allocated
        if found.rstrip(b"\0").decode("ascii", "replace") != name:
            raise ValueError(f"there is no {name} at byte {offset}")
        if not 0 <= size <= self.end - self._file.tell():
            raise ValueError(f"{name} at byte {offset} goes beyond the end of the file")
        return self._file.read(size)

    def _xml(self, offset: int) -> str:
        segment = self._segment(offset, "ZISRAWMETADATA")
        (size,) = struct.unpack_from("<i", segment)
        return segment[_METADATA_START : _METADATA_START + size].decode(
            errors="replace"
        )

    def _sizes(self, block: Subblock) -> tuple[int, int, int]:
        """Return where the metadata of a subblock start, and its pixels, and end."""
        self._file.seek(block.offset)
        name, *_ = _SEGMENT.unpack(self._file.read(_SEGMENT.size))
        if name.rstrip(b"\0") != b"ZISRAWSUBBLOCK":
            raise ValueError(f"there are no pixels at byte {block.offset}")
        metadata, _, size = _SUBBLOCK.unpack(self._file.read(_SUBBLOCK.size))
        entry = _ENTRY.unpack(self._file.read(_ENTRY.size))
        long = _ENTRY.size + entry[-1] * struct.calcsize(f"<{_DIMENSION}")
        first = block.offset + _SEGMENT.size + _SUBBLOCK.size + max(long, _LEAST_ENTRY)
        return first, first + metadata, first + metadata + size

    def is_whole(self, block: Subblock) -> bool:
        """Return whether the pixels of a subblock lie within the file."""
        try:
            return self._sizes(block)[2] <= self.end
        except (OSError, struct.error, ValueError):
            return False

    def metadata(self, block: Subblock) -> str:
        """Return the XML of a subblock."""
        first, pixels, _ = self._sizes(block)
        self._file.seek(first)
        return self._file.read(pixels - first).decode(errors="replace")

    def read(self, block: Subblock, rows: slice) -> NDArray[Any]:
        """Return rows of a subblock as (Y, X, samples), red first; the others unread.

        All of it is decoded where it is compressed.
        """
        shape = (block.size["Y"], block.size["X"], block.samples)
        _, start, end = self._sizes(block)
        if not block.compression:
            row = prod(shape[1:]) * block.dtype.itemsize
            shape = (rows.stop - rows.start, *shape[1:])
            start, end = start + rows.start * row, min(end, start + rows.stop * row)
        if not 0 < prod(shape) <= (end - start) * _MOST_RATIO:
            raise ValueError(f"{end - start} bytes cannot hold {shape} pixels")
        self._file.seek(start)
        data = self._file.read(end - start)
        decoded = _decoded(data, block, prod(shape) * block.dtype.itemsize)
        pixels = (
            np.frombuffer(decoded, block.dtype)
            if isinstance(decoded, bytes | bytearray | memoryview)
            else decoded
        )
        pixels = np.asarray(pixels).reshape(shape)
        if block.samples > 1 and COMPRESSIONS[block.compression] not in _RED_FIRST:
            pixels = pixels[..., [2, 1, 0, 3][: block.samples]]
        return pixels[rows] if block.compression else pixels


def _directory(data: bytes) -> list[Subblock]:
    (count,) = struct.unpack_from("<i", data)
    place, found = _COUNTED, []
    for _ in range(count):
        _, pixels, offset, part, compression, pyramid, _, _, axes = _ENTRY.unpack_from(
            data, place
        )
        if part:
            raise ValueError("its pixels go on in other files")
        place += _ENTRY.size
        if not 0 < axes <= _MOST_AXES or pixels not in _TYPES:
            raise ValueError(f"{axes} axes, or pixels of the unknown type {pixels}")
        fields = struct.unpack_from(f"<{_DIMENSION * axes}", data, place)
        place += struct.calcsize(f"<{_DIMENSION * axes}")
        names = [name.rstrip(b"\0").decode("latin-1") for name in fields[::5]]
        size = dict(zip(names, fields[2::5], strict=True))
        stored = dict(zip(names, fields[4::5], strict=True))
        reduced = bool(pyramid) or any(
            stored[axis] not in (0, size[axis]) for axis in "YX"
        )
        start = dict(zip(names, fields[1::5], strict=True))
        found.append(Subblock(start, size, pixels, compression, reduced, offset))
    return found


def _decoded(data: bytes, block: Subblock, size: int) -> Any:
    """Return the pixels of a subblock, as bytes or as an array."""
    import imagecodecs

    kind = COMPRESSIONS.get(block.compression, f"compression {block.compression}")
    if kind == "none":
        return data
    if kind == "JPEG":
        return imagecodecs.jpeg_decode(data)
    if kind == "JPEG XR":
        return imagecodecs.jpegxr_decode(data)
    if kind == "LZW":
        return imagecodecs.lzw_decode(data, out=size)
    if kind != "Zstandard":
        raise ValueError(f"its pixels have {kind}, which is not known")
    # The newer form starts with its own length, and whether low bytes come first.
    start = data[0] if block.compression == 6 else 0
    apart = start == 3 and data[1] == 1 and data[2] & 1
    decoded = imagecodecs.zstd_decode(data[start:], out=size)
    if not apart:
        return decoded
    if block.dtype.itemsize != 2:
        raise ValueError("its low and high bytes are apart, which are more than two")
    halves = np.frombuffer(decoded, np.uint8).reshape(2, -1)
    return np.ascontiguousarray(halves.T).tobytes()
