"""One process at a time at a file of the cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from w2s_cli.assets.cache import CACHE_DIR
from w2s_cli.errors import OutputError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other process is at a file of the cache, and keep others away.

    The folder of the file is made. The lock of a process that died is free.

    Raises
    ------
    OutputError
        When the block raises an OSError, such as that of a full disk.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            yield
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error}",
            hint=f"make room, or name another folder in {CACHE_DIR}",
        ) from error
