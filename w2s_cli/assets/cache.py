"""The cache of published files: where it is, and what is known of a file in it.

A file is in the cache under its name here, such as `dncnn-fmd.pth`. Where the catalogue
has no hash of it, the hash of the first one that came stands in `NAME.SUFFIX.sha256`
beside it, as `sha256sum` writes it, and every later one must be the same.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from w2s_cli.assets.catalogue import Item
from w2s_cli.errors import WeightsError

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
