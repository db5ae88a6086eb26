"""Images of OME-Zarr that are written in blocks, by one process or by many.

Each block is a file of its own, a shard where the version has shards. So processes that
write different blocks need not know of one another. The smaller sizes, and what makes a
folder an image, come last.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import OutputError, UsageError
from w2s_cli.io import ome
from w2s_cli.io.content import History
from w2s_cli.io.halving import halved, smaller_sizes
from w2s_cli.io.ngff_metadata import PENDING
from w2s_cli.io.ngff_writing import finished, pending
from w2s_cli.io.write_behind import HandOver
from w2s_cli.stack import LARGEST_WHOLE, Computed, Stack

_CHUNK, _SHARD = 512, 4  # pixels along a side; chunks of a shard along a side
_LEVEL = 3  # of zstd


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a plane that is written at once."""

    index: tuple[int, ...]  # of its plane
    rows: slice
    columns: slice


class ZarrOutput:
    """An image of OME-Zarr that is being written, block by block.

    One process makes it, any number of them write blocks, and one finishes it::

        image = w2s.imread("big.ome.zarr")
        output = w2s.ZarrOutput.create("sharp.ome.zarr", image, scale=2)
        for block in w2s.ZarrOutput("sharp.ome.zarr").blocks[part::parts]:
            counts, inside = output.context(image, block, margin=64)
            output.write(block, w2s.restore_block(counts, "jdsr", noise)[inside])
        output.finish()
    """

    def __init__(self, path: str | Path) -> None:
        """Open an image that `create` has made; OutputError where it is none."""
        import zarr

        self.path = Path(path)
        try:
            self._group = zarr.open_group(self.path, mode="r+", use_consolidated=False)
            said = self._group.attrs["w2s"]
            self._said: Mapping[str, Any] = said[PENDING]
            self._lead: tuple[int, ...] = tuple(self._said["shape"][:-2])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise OutputError(
                f"{path} is no image that is being written",
                hint="make it first: ZarrOutput.create",
            ) from error

    @classmethod
    def create(
        cls,
        path: str | Path,
        like: Stack,
        *,
        scale: int = 1,
        dtype: str | None = None,
        version: str = "",
    ) -> Self:
        """Make an image without pixels; its folder may be there, and empty.

        Parameters
        ----------
        path
            The folder, which ends in .zarr.
        like
            What its axes, its size and its metadata are like.
        scale
            Pixels of the image per pixel of `like` along Y and X.
        dtype
            Of its pixels; that of `like` where None.
        version
            "0.4" or "0.5" of OME-NGFF; that of `like`, or else 0.5.
        """
        import zarr

        version = version or ("0.4" if like.extra.get("ngff", "0.5") < "0.5" else "0.5")
        if version not in ("0.4", "0.5"):
            raise UsageError(
                f"OME-NGFF {version!r} is not written", hint="take 0.4 or 0.5"
            )
        *lead, height, width = like.data.shape
        shape = (*lead, height * scale, width * scale)
        size = {a: s / scale if a in "YX" else s for a, s in like.pixel_size.items()}
        levels = smaller_sizes(shape)
        said = pending(like, size, shape, len(levels), version)
        path = Path(path)
        group = zarr.create_group(path, zarr_format=2 if version == "0.4" else 3)
        stored = said["stored"]
        for number, level in enumerate(levels):
            lengths = dict(zip(like.axes, level, strict=True))
            full = tuple(lengths.get(axis, 1) for axis in stored)
            _create_array(group, str(number), full, dtype or like.data.dtype, stored)
        group.attrs.update({"w2s": {PENDING: said}})
        if "ome" in like.extra:
            _write_xml(path, group, like, shape, size, dtype)
        return cls(path)

    @property
    def blocks(self) -> list[Block]:
        """Return all blocks, plane by plane."""
        return [
            Block(index, *part)
            for index in np.ndindex(*self._lead)
            for part in _blocks(*self._said["shape"][-2:])
        ]

    def context(
        self, image: Stack, block: Block, *, margin: int = 0, multiple_of: int = 1
    ) -> tuple[NDArray[Any], tuple[slice, slice]]:
        """Return what a block is made from, and where the block is in what is made.

        `margin` and `multiple_of` are those of the method, in pixels of `image`.
        """
        sides = zip(
            (block.rows, block.columns),
            self._said["shape"][-2:],
            image.data.shape[-2:],
            strict=True,
        )
        taken, inside = [], []
        for part, length, source in sides:
            scale = length // source
            first = max(part.start // scale - margin, 0) // multiple_of * multiple_of
            last = min(-(-part.stop // scale) + margin, source)
            taken.append(slice(first, last))
            inside.append(slice(part.start - first * scale, part.stop - first * scale))
        return image.region(block.index, taken[0], taken[1]), (inside[0], inside[1])

    def write(self, block: Block, pixels: NDArray[Any]) -> None:
        """Write the pixels of a block, rounded and clipped to whole counts if need be.

        They are an image only when `finish` was called.
        """
        dtype = self._array("0").dtype
        if dtype.kind in "iu" and pixels.dtype.kind == "f":
            limits = np.iinfo(dtype)
            pixels = np.rint(pixels).clip(limits.min, limits.max).astype(dtype)
        self._put("0", block, pixels)

    def write_rows(
        self, index: tuple[int, ...], top: int, pixels: NDArray[Any]
    ) -> None:
        """Write rows of a plane, the first of which is that of a block."""
        for block, part in self.blocks_of(index, top, pixels):
            self.write(block, part)

    def blocks_of(
        self, index: tuple[int, ...], top: int, pixels: NDArray[Any]
    ) -> Iterator[tuple[Block, NDArray[Any]]]:
        """Yield the blocks of rows of a plane, and their pixels."""
        height, width = self._said["shape"][-2:]
        (down, _), (across, _) = _sides(height, width)
        for rows, columns in _parts(len(pixels), width, down, across):
            there = slice(rows.start + top, rows.stop + top)
            yield Block(index, there, columns), pixels[rows, columns]

    @property
    def block_rows(self) -> int:
        """Return how many rows a block has."""
        return _sides(*self._said["shape"][-2:])[0][0]

    def plane(self, index: tuple[int, ...]) -> NDArray[Any]:
        """Return a plane that is written."""
        height, width = self._said["shape"][-2:]
        whole = Block(index, slice(0, height), slice(0, width))
        return np.asarray(self._array("0")[self._place(whole)])

    def finish(self, history: History = (), *, shrunk: bool = False) -> None:
        """Write the smaller sizes, and what makes the folder an image.

        Call it once, when all blocks are written. `history` is what was done to the
        pixels. Where they are `shrunk`, the smaller sizes are there.
        """
        levels = smaller_sizes(tuple(self._said["shape"]))
        for number in range(1, 1 if shrunk else len(levels)):
            for block in self.smaller(number):
                self.shrink(number, block)
        windows = self._windows(str(len(levels) - 1))
        attributes = finished(self._said, windows, history)
        self._group.attrs.put(attributes)

    @property
    def levels(self) -> int:
        """Return how many sizes the image has."""
        return len(smaller_sizes(tuple(self._said["shape"])))

    def smaller(self, level: int) -> Iterator[Block]:
        """Yield the blocks of a smaller size, counted from 1."""
        sides = smaller_sizes(tuple(self._said["shape"]))[level][-2:]
        for index in np.ndindex(*self._lead):
            for part in _blocks(*sides):
                yield Block(index, *part)

    def shrink(self, level: int, block: Block) -> None:
        """Write a block of a smaller size, whose next larger one is written."""
        finer = self._finer(level - 1, block.index, block.rows, block.columns)
        self._put(str(level), block, halved(finer))

    def remove_strays(self) -> None:
        """Remove what writers that were killed have left half."""
        for stray in [*self.path.rglob("*.partial")]:
            stray.unlink()

    def _array(self, level: str) -> Any:
        return self._group[level]

    def _place(self, block: Block) -> tuple[int | slice, ...]:
        """Return where a block is in the array, whose axes may be more."""
        at = dict(zip(self._said["axes"], block.index, strict=False))
        lead = [at.get(axis, 0) for axis in self._said["stored"][:-2]]
        return (*lead, block.rows, block.columns)

    def _put(self, level: str, block: Block, pixels: NDArray[Any]) -> None:
        self._array(level)[self._place(block)] = pixels

    def _finer(
        self, level: int, index: tuple[int, ...], rows: slice, columns: slice
    ) -> NDArray[Any]:
        """Return what a part of the next smaller size is made from."""
        array = self._array(str(level))
        height, width = array.shape[-2:]
        twice = Block(
            index,
            slice(rows.start * 2, min(rows.stop * 2, height)),
            slice(columns.start * 2, min(columns.stop * 2, width)),
        )
        return np.asarray(array[self._place(twice)])

    def _windows(self, level: str) -> list[tuple[float, float]]:
        """Return the darkest and the brightest number of each channel, about."""
        array, axes = self._array(level), self._said["axes"]
        height, width = array.shape[-2:]
        count = self._lead[axes.index("C")] if "C" in axes else 1
        found = [(np.inf, -np.inf)] * count
        for index in np.ndindex(*self._lead):
            channel = index[axes.index("C")] if "C" in axes else 0
            whole = Block(index, slice(0, height), slice(0, width))
            plane = np.asarray(array[self._place(whole)])
            plane = plane[np.isfinite(plane)]
            if plane.size:
                low, high = found[channel]
                found[channel] = (
                    min(low, float(plane.min())),
                    max(high, float(plane.max())),
                )
        return [(low, high) if low < high else (0.0, 1.0) for low, high in found]


def write_whole(
    stack: Stack, path: Path, history: Callable[[], History], hand_over: HandOver
) -> None:
    """Write a stack, each of its planes or of their parts asked for once."""
    output = ZarrOutput.create(path, stack)
    rows = output.block_rows if stack.large else stack.data.shape[-2]

    def bands() -> Iterator[tuple[tuple[int, ...], int, NDArray[Any]]]:
        for index in stack.indices():
            for number, band in enumerate(stack.bands(index, rows)):
                yield index, number * rows, band

    def write_all(parts: Iterator[tuple[Block, NDArray[Any]]]) -> None:
        for block, pixels in parts:
            output.write(block, pixels)

    hand_over(bands(), lambda part: output.blocks_of(*part), write_all)
    output.finish(history())


def _blocks(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Yield the rows and columns of the blocks of a plane."""
    (down, _), (across, _) = _sides(height, width)
    return _parts(height, width, down, across)


def _parts(
    height: int, width: int, down: int, across: int
) -> Iterator[tuple[slice, slice]]:
    for top in range(0, height, down):
        for left in range(0, width, across):
            yield (
                slice(top, min(top + down, height)),
                slice(left, min(left + across, width)),
            )


def _sides(height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return, down and across, the sides of a block and of a chunk in it.

    The rows of a block are few enough for a band of them to be held in memory.
    """
    down, across = min(_CHUNK, height), min(_CHUNK, width)
    most = max(LARGEST_WHOLE // (down * width), 1)
    return (
        (down * min(_SHARD, -(-height // down), most), down),
        (across * min(_SHARD, -(-width // across)), across),
    )


def _create_array(
    group: Any, name: str, shape: tuple[int, ...], dtype: Any, axes: str
) -> None:
    from numcodecs import Blosc
    from zarr.codecs import ZstdCodec

    blocks, chunks = zip(*_sides(*shape[-2:]), strict=True)
    ones = (1,) * (len(shape) - 2)
    old = group.metadata.zarr_format == 2
    shape_of_block = None if old or blocks == chunks else (*ones, *blocks)
    how: dict[str, Any] = (
        {
            "compressors": Blosc("zstd", clevel=_LEVEL, shuffle=Blosc.SHUFFLE),
            "chunk_key_encoding": {"name": "v2", "separator": "/"},
        }
        if old
        else {
            "compressors": ZstdCodec(level=_LEVEL, checksum=True),
            "dimension_names": [*axes.lower()],
        }
    )
    group.create_array(
        name,
        shape=shape,
        dtype=np.dtype(dtype),
        chunks=(*ones, *chunks),
        shards=shape_of_block,
        fill_value=0,
        config={"write_empty_chunks": True},  # what is not there was not written
        **how,
    )


def _write_xml(
    path: Path,
    group: Any,
    like: Stack,
    shape: tuple[int, ...],
    size: Mapping[str, float],
    dtype: Any,
) -> None:
    """Put the OME-XML of a source beside the image, as bioformats2raw does."""

    def nothing(_: tuple[int, ...]) -> NDArray[Any]:
        raise AssertionError("only the shape is asked for")

    data = Computed(shape, np.dtype(dtype or like.data.dtype), nothing)
    said = replace(like, data=data, pixel_size=size, chunk=None)
    group.create_group("OME")
    (path / "OME" / "METADATA.ome.xml").write_text(
        ome.ome_xml(said, (), in_file=False), encoding="ascii"
    )
