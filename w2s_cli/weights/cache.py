"""The cache of published files: what is known of each, and how one gets into it.

A file is in the cache under its name here, such as `dncnn-fmd.pth`. Where the catalogue
has no hash of it, the hash of the first one that came stands in `NAME.SUFFIX.sha256`
beside it, as `sha256sum` writes it, and every later one must be the same.

`w2s fetch --list` imports this module: pooch and requests are imported by what fetches.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote
from zipfile import is_zipfile

from filelock import FileLock

from w2s_cli.errors import OutputError, UsageError, WeightsError
from w2s_cli.weights.catalogue import Item, find

if TYPE_CHECKING:
    from w2s_cli.weights.download import Progress

CACHE_DIR = "W2S_CACHE_DIR"
OFFLINE = "W2S_OFFLINE"
_PAGE_STARTS = (b"<!doctype", b"<html", b"<?xml", b"version https://git-lfs")
Hashed = Literal["verified", "recorded", "unknown"]


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a published file on this machine."""

    path: Path  # where it is, or would be
    cached: bool  # whether it is there
    # "verified" when the catalogue has its hash, "recorded" when the first one that
    # came gave it, "unknown" before that
    hashed: Hashed
    sha256: str  # the hash that it must have; "" when unknown


def cache_folder() -> Path:
    """Return W2S_CACHE_DIR, or `w2s` in XDG_CACHE_HOME or in the system's caches."""
    if named := os.environ.get(CACHE_DIR):
        return Path(named).expanduser().absolute()
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return Path(caches).expanduser().absolute() / "w2s"
    from pooch import os_cache

    return Path(os_cache("w2s"))


def status(item: Item) -> Status:
    """Return what is known of a published file, without reading it."""
    path = cache_folder() / item.file
    if item.sha256:
        return Status(path, path.is_file(), "verified", item.sha256)
    note = hash_file(path)
    if not note.is_file():
        return Status(path, path.is_file(), "unknown", "")
    text = note.read_text(errors="replace")
    if not re.match(r"[0-9a-f]{64}\s", text):
        raise WeightsError(
            f"{note} should start with a sha256, and does not",
            hint="delete it; the next fetch records the hash anew",
        )
    return Status(path, path.is_file(), "recorded", text[:64])


def record_hash(path: Path, sha256: str) -> None:
    """Note the hash that a file has, and that any later one must have."""
    from w2s_cli.io.atomic_files import replacing  # with numpy, which a listing spares

    with replacing(hash_file(path)) as temporary:
        temporary.write_text(f"{sha256}  {path.name}\n")


def hash_file(path: Path) -> Path:
    """Return where the hash of a file is noted, if it is."""
    return path.with_name(f"{path.name}.sha256")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for other processes at a file of the cache, and keep them away from it."""
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
    the publisher's repository, or, where `sha256` is known (not ""), have any name.
    """
    if not folder.is_dir():
        raise UsageError(f"--from {folder}: there is no such folder")
    parts = item.path.split("/")
    names = [item.file]
    names += ["/".join(parts[start:]) for start in range(len(parts) - 1)]
    if sha256:
        names += [parts[-1], item.published_as]
    named = [path for name in names if (path := folder / name).is_file()]
    if not sha256 and named:
        return named[0]
    if sha256:
        suffix = Path(item.file).suffix
        for path in (*named, *filter(Path.is_file, folder.rglob("*"))):
            size = path.stat().st_size
            alike = size == item.size or (not item.size and path.suffix == suffix)
            if (alike or path in named) and sha256_of(path) == sha256:
                return path
    if named:
        raise WeightsError(
            f"{named[0]} is not {item.name}: expected sha256 {sha256}, "
            f"found {sha256_of(named[0])}",
            hint=f"fetch it anew from {item.url}",
        )
    raise WeightsError(
        f"{folder} has no file for {item.name}",
        hint=f"fetch {item.url} elsewhere and put it there as {item.file}",
    )


def fetched_path(
    name: str,
    *,
    folder: Path | None = None,
    mirror: str = "",
    progress: "Progress | None" = None,
) -> Path:
    """Return the path of a published file, and fetch it before if need be.

    A file in the cache with another hash than it must have is fetched anew: from a
    folder, or over the network. A mirror is an address that holds the files, as
    NAME.SUFFIX or under the path that they have on their publisher's host. `progress`
    is called with the bytes of a download that are there, and all of them.
    """
    item = find(name)
    if _is_intact(item):
        return status(item).path
    path = cache_folder() / item.file
    with locked(path):
        if path.is_file() and not status(item).sha256:
            record_hash(path, sha256_of(path))  # somebody has put it there
        elif not _is_intact(item):
            _fetch(item, folder, mirror, progress)
    return path


def fetched_weights(name: str, progress: "Progress | None" = None) -> Path:
    """Return the path of the weights of a published network, fetched if need be."""
    try:
        return fetched_path(name, progress=progress)
    except WeightsError as error:
        raise WeightsError(
            f"{name} needs its weights: {error}",
            hint=f"w2s fetch {name}, or w2s fetch {name} --from FOLDER "
            "where there is no connection",
        ) from error


def _is_intact(item: Item) -> bool:
    known = status(item)
    return bool(known.cached and known.sha256 and sha256_of(known.path) == known.sha256)


def _fetch(
    item: Item, folder: Path | None, mirror: str, progress: "Progress | None"
) -> None:
    """Put a file into the cache, from where the user wants it to come."""
    known = status(item)
    if folder is not None:
        source = local_copy(item, folder, known.sha256)
        part = known.path.with_name(f"{known.path.name}.copy")
        try:
            shutil.copyfile(source, part)
            _put_in_place(part, str(source), item)
        finally:
            part.unlink(missing_ok=True)
        return
    from w2s_cli.weights.download import Download, NotThereError

    addresses = [item.url]
    if mirror:
        if not re.match(r"https?://.", mirror):
            raise UsageError(
                f"--mirror {mirror} is no address",
                hint="it starts with https:// or http://",
            )
        base = mirror.rstrip("/")
        addresses = [f"{base}/{item.file}", f"{base}/{quote(item.path)}"]
    if os.environ.get(OFFLINE, "0") not in {"", "0"}:
        raise WeightsError(
            f"{item.name} is not in {cache_folder()}, and {OFFLINE} is set",
            hint=f"get {item.url} elsewhere, and bring it: "
            f"w2s fetch {item.name} --from FOLDER",
        )
    part = known.path.with_name(f"{known.path.name}.part")
    download = Download(item.size, bool(known.sha256), progress)
    for address in addresses:
        try:
            download(address, part)
        except NotThereError:
            if address == addresses[-1]:
                raise
        else:
            _put_in_place(part, address, item)
            return


def _refuse_other(part: Path, url: str) -> None:
    """Refuse what cannot be the file, where there is no hash to tell."""
    with part.open("rb") as file:
        head = file.read(64).lstrip().lower()
    if head.startswith(_PAGE_STARTS):
        fault = f"{url} is a web page or a pointer, not the file"
    elif not head:
        fault = f"nothing came from {url}: 0 bytes"
    elif head.startswith(b"pk\3\4") and not is_zipfile(part):
        fault = f"what came from {url} is cut off"
    else:
        return
    part.unlink()
    raise WeightsError(
        fault, hint="bring the file itself, and give its folder with --from"
    )


def _put_in_place(part: Path, url: str, item: Item) -> None:
    """Put a file into the cache if its hash is right; note the hash of a new one."""
    known = status(item)
    if not known.sha256:
        _refuse_other(part, url)
    found = sha256_of(part)
    if known.sha256 and found != known.sha256:
        part.unlink()
        hint = "the way damaged it, or it was replaced: fetch it again"
        if hash_file(known.path).is_file():
            hint += (
                f"; if it was replaced for good, delete {hash_file(known.path)} first"
            )
        raise WeightsError(
            f"{url} is not {item.name} and was deleted: "
            f"expected sha256 {known.sha256}, found {found}",
            hint=hint,
        )
    part.replace(known.path)
    if not known.sha256:
        record_hash(known.path, found)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
