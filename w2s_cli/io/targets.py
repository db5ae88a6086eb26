"""Where files go: checks before the work, and standard streams."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

from w2s_cli.errors import ExistsError, InputError, OutputError, UsageError
from w2s_cli.io.atomic_files import temporary_folder
from w2s_cli.io.formats import format_for, holds_zarr, is_special


def check_target(path: Path, *, overwrite: bool = False) -> None:
    """Refuse an image file that cannot be written; see `check_writable`."""
    folder = format_for(path).folder
    check_writable(path, overwrite=overwrite, folder=folder)


def _is_image(folder: Path) -> bool:
    """Return whether a folder is Zarr, or is empty, or an image whose root is lost.

    That is, it holds arrays that have numbers, as the sizes of an OME-Zarr image have
    them, and nothing else but its OME-XML: no other files of anybody's.
    """
    try:
        if holds_zarr(folder):
            return True
        held = {one.name: one for one in folder.iterdir()}
    except OSError:
        return False
    sizes = [one for name, one in held.items() if name != "OME"]
    numbered = all(one.name.isdecimal() and one.is_dir() for one in sizes)
    return not held or (numbered and any(map(holds_zarr, sizes)))


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}", hint="give another name with -o"
        ) from error
    return True


def make_folder(folder: Path, *, hint: str = "give another one with -o") -> None:
    """Make a folder for outputs, where there is none; OutputError where none can be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder {folder}: {error.strerror or error}", hint=hint
        ) from error


def check_writable(
    path: Path, *, overwrite: bool = False, folder: bool = False
) -> None:
    """Refuse a file that exists (OutputError), or whose folder cannot be written.

    With `folder` it is an image that is a folder, and may replace only another one.
    """
    if os.path.isdir(path) and not (folder and _is_image(path)):  # noqa: PTH112
        if folder:
            raise OutputError(
                f"{path} is a folder that is no OME-Zarr image, and stays as it is",
                hint="move it away, or give another name with -o",
            )
        raise OutputError(f"{path} is a folder", hint="name a file in it")
    if is_special(path):
        raise OutputError(
            f"{path} is a pipe, socket or device, not a file",
            hint="name a file with -o, or - for standard output",
        )
    if _exists(path) and not overwrite:
        raise ExistsError(f"{path} exists", hint="replace it with --overwrite")
    if not path.parent.is_dir():
        raise OutputError(
            f"there is no folder {path.parent} to write {path.name} into",
            hint="make the folder first",
        )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(
            f"cannot write into the folder {path.parent}: Permission denied",
            hint="choose another folder with -o",
        )


STREAM = Path("-")


@contextmanager
def spooled_input(path: Path) -> Iterator[Path]:
    """Yield `path`, or for "-" a temporary file with all of standard input."""
    if path != STREAM:
        yield path
        return
    if sys.stdin is None:
        raise InputError("standard input is closed", hint="pipe a file into w2s")
    if sys.stdin.isatty():
        raise UsageError(
            "standard input is a terminal, not an image",
            hint="pipe a file into w2s, or name it",
        )
    with temporary_folder(Path(gettempdir())) as folder:
        spooled = folder / "standard-input"
        _spool(spooled)
        yield spooled


@contextmanager
def spooled_output(path: Path) -> Iterator[Path]:
    """Yield `path`, or for "-" a temporary file that is copied out at the end.

    BrokenPipeError passes: the reader has seen enough.
    """
    if path != STREAM:
        yield path
        return
    if sys.stdout is None:
        raise OutputError("standard output is closed", hint="name a file with -o")
    if sys.stdout.isatty():
        raise UsageError(
            "standard output is a terminal, which cannot show an image",
            hint="redirect it into a file, or name one with -o",
        )
    with temporary_folder(Path(gettempdir())) as folder:
        spooled = folder / "standard-output.tif"
        yield spooled
        _copy_out(spooled)


def _spool(path: Path) -> None:
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
    except OSError as error:
        raise InputError(
            f"cannot spool standard input: {error.strerror or error}",
            hint="set TMPDIR to a folder with enough space",
        ) from error
    if not path.stat().st_size:
        raise InputError(
            "standard input is empty: 0 bytes",
            hint="check the command that writes into the pipe",
        )


def _copy_out(path: Path) -> None:
    try:
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader has seen enough
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write standard output: {error.strerror or error}",
            hint="check the command that reads from the pipe",
        ) from error
