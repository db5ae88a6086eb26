"""NPY files: the bare pixels of a numpy array."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.io.content import Content, History, as_stack, read_into
from w2s_cli.io.wanted import Wanted
from w2s_cli.io.write_behind import HandOver, at_once, in_pieces
from w2s_cli.stack import Stack

# Its header is an expression of Python, and numbers in it may be of any size.
_BROKEN = (
    *(EOFError, MemoryError, OSError, OverflowError, RecursionError, SyntaxError),
    *(TokenError, TypeError, ValueError),
)
_ROWS = 512  # of a large plane that are computed at a time
_SAMPLES = (3, 4)  # of a colour picture, along its last axis


@contextmanager
def open_stack(path: Path, wanted: Wanted) -> Iterator[Stack]:
    """Open an NPY file, as `w2s_cli.io.open_image` says.

    Where no axes are given, the axes before Y and X are taken for T, then TZ, then TCZ.
    """
    array = memory_map(path)
    if not wanted.axes and array.ndim == 3 and array.shape[-1] in _SAMPLES:
        raise InputError(
            f"{path} looks like a colour picture: shape {array.shape}",
            hint="split its channels, or name its axes with --axes",
        )
    with path.open("rb") as file:
        yield as_stack(_content(array, file, path), wanted, path)


def memory_map(path: Path) -> NDArray[Any]:
    """Return the array of an NPY file, of which nothing is read yet.

    Raises InputError where the file is broken, or shorter than it says.
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except _BROKEN as error:
        raise InputError(
            f"{path} is truncated or no array of numbers: {error}"[:300],
            hint="save it again with numpy.save",
        ) from error
    return array


def _content(array: NDArray[Any], file: BufferedReader, path: Path) -> Content:
    """Return what a file holds: read, for the memory map dies where a file is cut."""
    start = array.offset if isinstance(array, np.memmap) else 0
    size = prod(array.shape[-2:])

    def pixels(first: int, count: int) -> NDArray[Any]:
        file.seek(start + first * array.itemsize)
        data = bytearray(count * array.itemsize)
        held = read_into(file.readinto, memoryview(data))
        if held < len(data):
            raise InputError(
                f"{path} is truncated: it ends at byte {start + held}",
                hint="save it again with numpy.save",
            )
        return np.frombuffer(data, array.dtype)

    def read(number: int) -> NDArray[Any]:
        if array.flags.c_contiguous:
            return pixels(number * size, size).reshape(array.shape[-2:])
        # The first axis runs fastest: a plane is everywhere in the file.
        whole = pixels(0, array.size).reshape(array.shape, order="F")
        return np.array(whole.reshape(-1, *array.shape[-2:])[number])

    def read_part(number: int, rows: slice, columns: slice) -> NDArray[Any]:
        height, width = array.shape[-2:]
        first = number * height * width
        if columns.stop - columns.start == width:
            count = (rows.stop - rows.start) * width
            return pixels(first + rows.start * width, count).reshape(-1, width)
        wide = columns.stop - columns.start
        starts = (
            first + row * width + columns.start for row in range(rows.start, rows.stop)
        )
        return np.stack([pixels(start, wide) for start in starts])

    return Content(
        axes=("Q" * (array.ndim - 2) + "YX")[-array.ndim :] if array.ndim else "",
        shape=array.shape,
        dtype=array.dtype.newbyteorder("="),
        read=read,
        extra={"format": "NPY", "compression": "none"},
        read_part=read_part if array.flags.c_contiguous else None,
    )


def unsupported(stack: Stack) -> str:
    """Return "": an NPY file can hold any stack."""
    return ""


def left_out(stack: Stack) -> list[str]:
    """Return what of the stack the file will not hold: all but the pixels."""
    known = {"pixel sizes": stack.pixel_size, "the time step": stack.time_step}
    known |= {"channel names": any(channel.name for channel in stack.channels)}
    return [what for what, said in known.items() if said]


def write(
    stack: Stack,
    path: Path,
    history: Callable[[], History],
    hand_over: HandOver = at_once,
) -> None:
    """Write the pixels; nothing else has a place in this format."""
    header = {
        "descr": np.lib.format.dtype_to_descr(stack.data.dtype),
        "fortran_order": False,
        "shape": tuple(stack.data.shape),
    }
    rows = _ROWS if stack.large else stack.data.shape[-2]
    bands = (band for index in stack.indices() for band in stack.bands(index, rows))

    def write_all(pieces: Iterator[NDArray[Any]]) -> None:
        for piece in pieces:
            file.write(np.ascontiguousarray(piece).data)

    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        hand_over(bands, in_pieces, write_all)
    history()
