"""Image files in and out: TIFF, OME-Zarr, PNG and NPY as stacks.

ND2, CZI and LIF, the files of microscopes, are read and not written.

`open_image` looks at the first bytes of a file and gives a `Stack` whose planes are
read when they are indexed. `write_image` looks at the suffix, pulls the planes of a
stack one at a time, and puts the whole file in place in one step::

    with open_image(Path("cell.tif")) as stack:
        write_image(stack, Path("copy.ome.tif"))

========  ============================================================
format    what it keeps
========  ============================================================
TIFF      everything; ImageJ files stay ImageJ files, all others become
          OME-TIFF
OME-Zarr  everything, OME-XML in a file beside the image
PNG       one plane of uint8 or uint16, pixel size, history
NPY       pixels only: no axes, no pixel size, no channels, no history
========  ============================================================
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from w2s_cli.errors import InputError
from w2s_cli.io.atomic_files import remove_strays, replacing
from w2s_cli.io.content import History
from w2s_cli.io.fingerprints import KEY, OPEN, seal
from w2s_cli.io.formats import format_for, format_of
from w2s_cli.io.single_precision import in_single_precision
from w2s_cli.io.targets import check_target
from w2s_cli.io.wanted import Wanted
from w2s_cli.io.write_behind import HandOver, at_once
from w2s_cli.stack import Stack

__all__ = [
    "check_fits",
    "check_target",
    "images_of",
    "left_out",
    "open_image",
    "write_image",
]


@contextmanager
def open_image(
    path: Path,
    *,
    axes: str | None = None,
    series: str | None = None,
    colours: bool = False,
    double: bool = False,
) -> Iterator[Stack]:
    """Open an image; its planes are read from the file when they are indexed.

    Parameters
    ----------
    path
        A TIFF, PNG, NPY, ND2, CZI or LIF file, whatever its name, or OME-Zarr: a
        folder, a ZIP archive or an address.
    axes
        Names of the axes in the order of the file, instead of what the file says;
        axes of length 1 in a TIFF are not counted.
    series
        Which of several images in the file, by its name or its number, counted from 1;
        the largest that shows the light of a specimen where None.
    colours
        Whether the colours of any picture are channels, as they are where `axes` are
        given.
    double
        Whether float64 stays so, as scores of published z-scores need it.

    Yields
    ------
    Stack
        Its dtype is uint8, uint16, int8, int16 or float32. True and false are read as
        1 and 0 of uint8, all other real types as float32; its `warnings` say where that
        has rounded a plane that was read. Usable until the `with` block ends. `extra`
        holds "format", "compression", and where they apply "axes guessed", "stored
        dtype", "levels", "series", a list of the images in the file, and "series
        number", which of them this is.

    Raises
    ------
    InputError
        When the file is missing, unreadable, truncated or not such an image; also
        when a plane turns out to be broken on being indexed.
    AxesError
        When `axes` do not fit the image.
    UsageError
        When there is no such image in the file.
    """
    reader = import_module(format_of(path).module)
    wanted = Wanted(axes, series, colours or axes is not None)
    with reader.open_stack(path, wanted) as stack:
        kept = double and stack.data.dtype == np.float64
        yield stack if kept else in_single_precision(stack)


def images_of(path: Path, *, colours: bool = True) -> dict[str, str]:
    """Return the images in a file, for `open_image`: the name of each by its number.

    Without `colours` pictures in colours, and labels, are left out, unless there is
    nothing else.
    """
    with open_image(path, colours=True) as stack:
        only = [{"number": 1, "name": "", "colour": False}]
        rows = stack.extra.get("series", only)
    light = [row for row in rows if not (row["colour"] or row.get("label"))]
    taken = rows if colours else light or rows
    return {str(row["number"]): row["name"] for row in taken}


def check_fits(stack: Stack, path: Path) -> None:
    """Find out before the work whether the format of `path` can hold a stack."""
    writer = import_module(format_for(path).module)
    if reason := writer.unsupported(stack):
        raise InputError(
            f"{path} cannot hold this image: {reason}", hint="write a .tif file"
        )


def left_out(stack: Stack, path: Path) -> tuple[str, ...]:
    """Return what a file of the suffix of `path` will not hold of a stack, in words."""
    lost = import_module(format_for(path).module).left_out(stack)
    return (f"not kept in the output: {'; '.join(lost)}",) if lost else ()


def write_image(
    stack: Stack,
    path: Path,
    *,
    overwrite: bool = False,
    record: Callable[[], Mapping[str, Any]] | None = None,
    write: Callable[[Stack, Path, Callable[[], History]], None] | None = None,
    hand_over: HandOver = at_once,
) -> None:
    """Write a stack plane by plane, whole or not at all.

    Parameters
    ----------
    stack
        Each of its planes is indexed once, in the order of the file.
    path
        Its suffix decides the format.
    overwrite
        Whether an existing file may be replaced.
    record
        Asked after the last plane for what to add to the history. A TIFF or OME-Zarr
        adds its own fingerprint: see `fingerprints`.
    write
        What writes it to a path, with the history that it asks for at the end; that of
        the format where None.
    hand_over
        How planes, or parts of large ones, get from where they are made to where the
        format writes them: see `write_behind`.

    Raises
    ------
    UsageError
        When no format has the suffix of `path`.
    InputError
        When the format cannot hold the stack.
    OutputError
        When `path` exists, or cannot be written. Nothing half-written is left.
    """
    remove_strays(path.parent)  # which may put back what is refused then
    check_target(path, overwrite=overwrite)
    check_fits(stack, path)
    form = format_for(path)
    if not write:
        write = partial(import_module(form.module).write, hand_over=hand_over)

    def history() -> History:
        own = {KEY: OPEN} if form.sealed else {}
        return (*stack.history, *([{**record(), **own}] if record else []))

    with replacing(path, overwrite=overwrite, folder=form.folder) as temporary:
        write(stack, temporary, history)
        if record and form.sealed:
            seal(temporary)
