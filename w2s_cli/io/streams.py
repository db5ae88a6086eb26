"""Standard input and output, by way of temporary files: images need seeking."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from w2s_cli.errors import InputError, OutputError, UsageError

STREAM = Path("-")


@contextmanager
def received(path: Path) -> Iterator[Path]:
    """Yield `path`, or for "-" a temporary file with all of standard input.

    Raises
    ------
    UsageError
        When standard input is a terminal.
    InputError
        When standard input cannot be read or holds nothing.
    """
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
def sent(path: Path, suffix: str = ".tif") -> Iterator[Path]:
    """Yield `path`, or for "-" a temporary name whose file is copied out at the end.

    Parameters
    ----------
    path
        A file, or "-".
    suffix
        The format that standard output gets.

    Raises
    ------
    UsageError
        When standard output is a terminal.
    OutputError
        When standard output cannot be written.
    BrokenPipeError
        When its reader has stopped reading.
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
