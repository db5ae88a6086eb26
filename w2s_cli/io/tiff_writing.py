"""OME-TIFF: in tiles where planes are large, with smaller sizes where asked for.

`extra["asked form"]` of a stack may hold the "compression" that is asked for, and
whether a "pyramid" of smaller sizes is, in SubIFDs, as OME-TIFF 6 has them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray

from w2s_cli.io import ome
from w2s_cli.io.content import History
from w2s_cli.io.halving import halved, smaller_sizes
from w2s_cli.io.write_behind import HandOver
from w2s_cli.stack import Stack

TILE = 512
"""The side of the tiles of a large plane; even, so that bands of them can be halved."""

_LARGEST = 2**32 - 2**25  # bytes in a classic TIFF, less some for the metadata
_PLACEHOLDER = "OME-XML follows the pixels"
_REDUCED = 1  # subfile type


def asked_of(stack: Stack) -> Mapping[str, Any]:
    """Return the form that is asked for; empty where it is that of the source."""
    asked: Mapping[str, Any] = stack.extra.get("asked form", {})
    return asked


def write_ome(
    stack: Stack,
    path: Path,
    history: Callable[[], History],
    settings: Mapping[str, Any],
    hand_over: HandOver,
) -> None:
    """Write a stack; `settings` are tifffile's for all sizes."""
    pyramid = asked_of(stack).get("pyramid", False)
    sizes = smaller_sizes(stack.data.shape)[1:] if pyramid else []
    in_tiles = stack.large or bool(sizes)
    nbytes = prod(stack.data.shape) * stack.data.dtype.itemsize * (1.34 if sizes else 1)
    brightest = 0

    def bands() -> Iterator[tuple[int, int, NDArray[Any]]]:
        rows = TILE if in_tiles else stack.data.shape[-2]
        for number, index in enumerate(stack.indices()):
            for top, band in enumerate(stack.bands(index, rows)):
                yield number, top, band

    def pieces(part: tuple[int, int, NDArray[Any]]) -> Iterator[NDArray[Any]]:
        nonlocal brightest
        number, top, band = part
        if band.dtype.kind == "u":
            brightest = max(brightest, int(band.max()))
        if sizes:
            smaller[0].put(number, top * TILE // 2, halved(band))
        yield from _tiles(band) if in_tiles else [band]

    with (
        TemporaryFile(dir=path.parent) as room,
        tifffile.TiffWriter(path, bigtiff=nbytes > _LARGEST, ome=False) as file,
    ):
        smaller = _room_for(sizes, stack.data.dtype, room)
        tile = (TILE, TILE) if in_tiles else None
        write_pixels = partial(
            file.write,
            shape=stack.data.shape,
            tile=tile,
            subifds=len(sizes),
            description=_PLACEHOLDER,
            metadata=None,
            **settings,
        )
        hand_over(bands(), pieces, write_pixels)
        before = settings.get("resolution")
        for level, shape in enumerate(sizes):
            half = before and tuple(number / 2 ** (level + 1) for number in before)
            file.write(
                _levels(smaller, level),
                shape=shape,
                tile=tile,
                subfiletype=_REDUCED,
                metadata=None,
                **{**settings, "resolution": half},
            )
        file.overwrite_description(ome.ome_xml(stack, history(), brightest))


@dataclass(frozen=True, slots=True)
class _Level:
    """The planes of a smaller size, in a file, not in memory."""

    room: BinaryIO
    start: int
    shape: tuple[int, int, int]  # planes, Y, X
    dtype: np.dtype[Any]

    def _seek(self, plane: int, row: int) -> None:
        _, height, width = self.shape
        at = (plane * height + row) * width
        self.room.seek(self.start + at * self.dtype.itemsize)

    def put(self, plane: int, row: int, rows: NDArray[Any]) -> None:
        """Write rows of a plane."""
        self._seek(plane, row)
        self.room.write(np.ascontiguousarray(rows).data)

    def bands(self) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Yield the number of each plane, a row, and those that begin with it."""
        planes, height, width = self.shape
        for plane in range(planes):
            for row in range(0, height, TILE):
                rows = min(TILE, height - row)
                self._seek(plane, row)
                data = self.room.read(rows * width * self.dtype.itemsize)
                yield plane, row, np.frombuffer(data, self.dtype).reshape(rows, width)


def _room_for(
    sizes: list[tuple[int, ...]], dtype: np.dtype[Any], room: Any
) -> list[_Level]:
    """Return where the planes of the smaller sizes go in a file."""
    found: list[_Level] = []
    start = 0
    for *lead, height, width in sizes:
        found.append(_Level(room, start, (prod(lead), height, width), dtype))
        start += prod(found[-1].shape) * dtype.itemsize
    return found


def _levels(smaller: list[_Level], level: int) -> Iterator[NDArray[Any]]:
    """Yield the tiles of a smaller size, and make the next one from it."""
    for plane, row, band in smaller[level].bands():
        if level + 1 < len(smaller):
            smaller[level + 1].put(plane, row // 2, halved(band))
        yield from _tiles(band)


def _tiles(band: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for start in range(0, band.shape[1], TILE):
        yield band[:, start : start + TILE]
