"""Put a file in place whole, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from w2s_cli.errors import OutputError
from w2s_cli.io.formats import format_for


def check_target(path: Path, *, overwrite: bool = False) -> None:
    """Find out what can be known before the work whether `path` can be written.

    Raises
    ------
    UsageError
        When no format has its suffix.
    OutputError
        When it exists and may not be overwritten, or its folder cannot be written.
    """
    format_for(path)
    check_place(path, overwrite=overwrite)


def check_place(path: Path, *, overwrite: bool = False) -> None:
    """Find out, as `check_target`, whether a file of any kind can be written.

    Raises
    ------
    OutputError
        When it exists and may not be overwritten, or its folder cannot be written.
    """
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

    Raises
    ------
    OutputError
        When the block raises an OSError, such as that of a full disk.
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
