"""Where files go: checks before the work, whole files or none, standard streams."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from w2s_cli.errors import InputError, OutputError, UsageError
from w2s_cli.io.formats import format_for


def check_target(path: Path, *, overwrite: bool = False) -> None:
    """Refuse an image file that cannot be written; see `check_writable`."""
    format_for(path)
    check_writable(path, overwrite=overwrite)


def check_writable(path: Path, *, overwrite: bool = False) -> None:
    """Refuse a file that exists (OutputError), or whose folder cannot be written."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder", hint="name a file in it")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists", hint="replace it with --overwrite")
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


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` that takes its place when the block succeeds.

    An OSError of the block, such as that of a full disk, becomes an OutputError.
    """
    temporary = path.with_name(f".w2s-{uuid4().hex}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}",
            hint="check the free space and the permissions of its folder",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


STREAM = Path("-")


@contextmanager
def spooled_input(path: Path) -> Iterator[Path]:
    """Yield `path`, or for "-" a temporary file with all of standard input."""
    if path != STREAM:
        yield path
        return
    if sys.stdin.isatty():
        raise UsageError(
            "standard input is a terminal, not an image",
            hint="pipe a file into w2s, or name it",
        )
    with TemporaryDirectory(prefix="w2s-") as folder:
        spooled = Path(folder) / "standard-input"
        _spool(spooled)
        yield spooled


@contextmanager
def spooled_output(path: Path, suffix: str = ".tif") -> Iterator[Path]:
    """Yield `path`, or for "-" a temporary file that is copied out at the end.

    BrokenPipeError passes: the reader has seen enough.
    """
    if path != STREAM:
        yield path
        return
    if sys.stdout.isatty():
        raise UsageError(
            "standard output is a terminal, which cannot show an image",
            hint="redirect it into a file, or name one with -o",
        )
    with TemporaryDirectory(prefix="w2s-") as folder:
        spooled = Path(folder) / f"standard-output{suffix}"
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
