"""The cache of published files: where it is, and what is known of a file in it.

A file is in the cache under its name here, such as `dncnn-fmd.pth`. Where the catalogue
has no hash of it, the hash of the first one that came stands in `NAME.SUFFIX.sha256`
beside it, as `sha256sum` writes it, and every later one must be the same.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from w2s_cli.errors import OutputError, UsageError, WeightsError
from w2s_cli.weights.catalogue import Item

CACHE_DIR = "W2S_CACHE_DIR"
Hashed = Literal["verified", "recorded", "unknown"]


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a published file on this machine.

    Attributes
    ----------
    path
        Where it is, or would be.
    cached
        Whether it is there.
    hashed
        "verified" when the catalogue has its hash, "recorded" when the first one that
        came gave it, "unknown" before that.
    sha256
        The hash that it must have; "" when unknown.
    """

    path: Path
    cached: bool
    hashed: Hashed
    sha256: str


def cache_folder() -> Path:
    """Return the folder of all fetched files.

    `W2S_CACHE_DIR`, or else `w2s` in `XDG_CACHE_HOME`, or else in the folder that the
    operating system keeps for caches.
    """
    if named := os.environ.get(CACHE_DIR):
        return Path(named).expanduser().absolute()
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return Path(caches).expanduser().absolute() / "w2s"
    from pooch import os_cache

    return Path(os_cache("w2s"))


def status(item: Item) -> Status:
    """Return what is known of a published file, without reading it.

    Raises
    ------
    WeightsError
        When the record of its hash is damaged.
    """
    path = cache_folder() / item.file
    if item.sha256:
        return Status(path, path.is_file(), "verified", item.sha256)
    recorded = _recorded(path)
    return Status(path, path.is_file(), "recorded" if recorded else "unknown", recorded)


def record(path: Path, sha256: str) -> None:
    """Note the hash that a file has, and that any later one must have."""
    note = record_of(path)
    new = note.with_name(f"{note.name}.new")
    new.write_text(f"{sha256}  {path.name}\n")
    new.replace(note)


def record_of(path: Path) -> Path:
    """Return where the hash of a file is noted, if it is."""
    return path.with_name(f"{path.name}.sha256")


def _recorded(path: Path) -> str:
    note = record_of(path)
    if not note.is_file():
        return ""
    text = note.read_text(errors="replace")
    if not re.match(r"[0-9a-f]{64}\s", text):
        raise WeightsError(
            f"{note} should start with a sha256, and does not",
            hint="delete it; the next fetch records the hash anew",
        )
    return text[:64]


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


def local_copy(item: Item, folder: Path, sha256: str) -> Path:
    """Return the file in `folder` that is `item`.

    It may be called as in the cache or as its publisher calls it, lie where it lies in
    the publisher's repository, or, where the hash is known, have any name.

    Parameters
    ----------
    item
        The file that is wanted.
    folder
        Where to look.
    sha256
        What its bytes must give; "" when that is not known. Then a name that other
        files share does not do.

    Raises
    ------
    UsageError
        When there is no such folder.
    WeightsError
        When the file is not in it, or is another file.
    """
    from pooch import file_hash  # here: the listing of the cache needs no pooch

    if not folder.is_dir():
        raise UsageError(f"--from {folder}: there is no such folder")
    named = [path for path in _by_name(item, folder, bool(sha256)) if path.is_file()]
    if not sha256 and named:
        return named[0]
    if sha256:
        for path in (*named, *_alike(item, folder)):
            if file_hash(path) == sha256:
                return path
    if named:
        raise WeightsError(
            f"{named[0]} is not {item.name}: expected sha256 {sha256}, "
            f"found {file_hash(named[0])}",
            hint=f"fetch it anew from {item.url}",
        )
    raise WeightsError(
        f"{folder} has no file for {item.name}",
        hint=f"fetch {item.url} elsewhere and put it there as {item.file}",
    )


def _by_name(item: Item, folder: Path, verified: bool) -> Iterator[Path]:
    yield folder / item.file
    parts = item.path.split("/")
    for start in range(len(parts) - 1):
        yield folder.joinpath(*parts[start:])
    if verified:
        yield folder / parts[-1]
        yield folder / item.published_as


def _alike(item: Item, folder: Path) -> Iterator[Path]:
    """Yield the files that a hash is worth the while of."""
    suffix = Path(item.file).suffix
    for path in folder.rglob("*"):
        if path.is_file():
            size = path.stat().st_size
            if size == item.size or (not item.size and path.suffix == suffix):
                yield path
