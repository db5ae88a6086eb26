"""OME-TIFF: in tiles where planes are large, with smaller sizes where asked for.

`extra["asked form"]` of a stack may hold the "compression" that is asked for, and
whether a "pyramid" of smaller sizes is, in SubIFDs, as OME-TIFF 6 has them.
"""

from collections.abc import Callable, Iterator, Mapping
from math import prod
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from w2s_cli.io import ome
from w2s_cli.io.content import History
from w2s_cli.io.halving import halved, smaller_sizes
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
) -> None:
    """Write a stack; `settings` are tifffile's for all sizes."""
    pyramid = asked_of(stack).get("pyramid", False)
    sizes = smaller_sizes(stack.data.shape)[1:] if pyramid else []
    in_tiles = stack.large or bool(sizes)
    nbytes = prod(stack.data.shape) * stack.data.dtype.itemsize * (1.34 if sizes else 1)
    brightest = 0

    def watched() -> Iterator[NDArray[Any]]:
        nonlocal brightest
        height = stack.data.shape[-2]
        for number, index in enumerate(stack.indices()):
            for top, band in enumerate(
                stack.bands(index, TILE if in_tiles else height)
            ):
                if band.dtype.kind == "u":
                    brightest = max(brightest, int(band.max()))
                if sizes:
                    half = halved(band)
                    start = top * TILE // 2
                    smaller[0][number, start : start + len(half)] = half
                yield from _tiles(band) if in_tiles else [band]

    with (
        TemporaryFile(dir=path.parent) as room,
        tifffile.TiffWriter(path, bigtiff=nbytes > _LARGEST, ome=False) as file,
    ):
        smaller = _room_for(sizes, stack.data.dtype, room)
        tile = (TILE, TILE) if in_tiles else None
        file.write(
            watched(),
            shape=stack.data.shape,
            tile=tile,
            subifds=len(sizes),
            description=_PLACEHOLDER,
            metadata=None,
            **settings,
        )
        for level, shape in enumerate(sizes):
            file.write(
                _levels(smaller, level),
                shape=shape,
                tile=tile,
                subfiletype=_REDUCED,
                metadata=None,
                **{**settings, "resolution": _halves(settings, level + 1)},
            )
        file.overwrite_description(ome.ome_xml(stack, history(), brightest))


def _room_for(
    sizes: list[tuple[int, ...]], dtype: np.dtype[Any], room: Any
) -> list[NDArray[Any]]:
    """Return arrays for the planes of the smaller sizes, in a file, not in memory."""
    found: list[NDArray[Any]] = []
    offset = 0
    for *lead, height, width in sizes:
        shape = (prod(lead), height, width)
        found.append(np.memmap(room, dtype, "w+", offset, shape))
        offset += prod(shape) * dtype.itemsize
    return found


def _levels(smaller: list[NDArray[Any]], level: int) -> Iterator[NDArray[Any]]:
    """Yield the tiles of a smaller size, and make the next one from it."""
    for number, plane in enumerate(smaller[level]):
        for top in range(0, len(plane), TILE):
            band = np.array(plane[top : top + TILE])
            if level + 1 < len(smaller):
                half = halved(band)
                smaller[level + 1][number, top // 2 : top // 2 + len(half)] = half
            yield from _tiles(band)


def _tiles(band: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for start in range(0, band.shape[1], TILE):
        yield band[:, start : start + TILE]


def _halves(settings: Mapping[str, Any], times: int) -> Any:
    """Return the resolution of pixels that are twice as large, so many times."""
    before = settings.get("resolution")
    return before and tuple(number / 2**times for number in before)
