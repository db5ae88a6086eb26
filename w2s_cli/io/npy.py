"""NPY files: the bare pixels of a numpy array."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.io.content import Content, History, as_stack
from w2s_cli.io.wanted import Wanted
from w2s_cli.stack import Stack

_SAMPLES = (3, 4)  # of a colour picture, along its last axis


@contextmanager
def open_stack(path: Path, wanted: Wanted) -> Iterator[Stack]:
    """Open an NPY file, as `w2s_cli.io.open_image` says.

    Where no axes are given, the axes before Y and X are taken for T, then TZ, then TCZ.
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (EOFError, OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f"{path} is truncated or no array of numbers: {error}",
            hint="save it again with numpy.save",
        ) from error
    if not wanted.axes and array.ndim == 3 and array.shape[-1] in _SAMPLES:
        raise InputError(
            f"{path} looks like a colour picture: shape {array.shape}",
            hint="split its channels, or name its axes with --axes",
        )
    yield as_stack(_content(array), wanted, path)


def _content(array: NDArray[Any]) -> Content:
    def read(number: int) -> NDArray[Any]:
        index = np.unravel_index(number, array.shape[:-2]) if array.ndim > 2 else ()
        return np.array(array[index])

    return Content(
        axes=("Q" * (array.ndim - 2) + "YX")[-array.ndim :] if array.ndim else "",
        shape=array.shape,
        dtype=array.dtype.newbyteorder("="),
        read=read,
        extra={"format": "NPY", "compression": "none"},
    )


def unsupported(stack: Stack) -> str:
    """Return why an NPY file cannot hold the stack: it can."""
    return ""


def write(stack: Stack, path: Path, history: Callable[[], History]) -> None:
    """Write the pixels; nothing else has a place in this format."""
    header = {
        "descr": np.lib.format.dtype_to_descr(stack.data.dtype),
        "fortran_order": False,
        "shape": tuple(stack.data.shape),
    }
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for index in stack.indices():
            file.write(np.ascontiguousarray(stack.data[index]).data)
    history()
