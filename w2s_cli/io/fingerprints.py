"""SHA-256 of files: of an input while it is read, of an output in the output itself.

A TIFF that w2s writes holds its own fingerprint at the end of its history: that of the
whole file, with zeros for these digits. So it can tell at any time whether it is still
what was written.
"""

import os
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from w2s_cli.errors import InputError

KEY = "contents"  # of the record
OPEN = "0" * 64  # what stands there until the file is whole
_SAID = re.compile(rb'"contents": "([0-9a-f]{64})"')
_BLOCK = 1 << 20  # bytes

Identity = tuple[int, ...]


def seal(path: Path) -> None:
    """Write the fingerprint of a file into its last record, which is still open."""
    place, _ = _own(path)
    if place:
        digest = fingerprint(path)
        with path.open("r+b") as file:
            file.seek(place)
            file.write(digest.encode())


def is_whole(path: Path) -> bool:
    """Return whether a TIFF is as it was written, down to the last byte."""
    place, said = _own(path)
    return bool(place) and fingerprint(path) == said


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file, of a TIFF with zeros for what it says of that.

    That of a folder is made of all files in it.
    """
    if path.is_dir():
        return input_hash([path])
    place, _ = _own(path)
    found = sha256()
    with path.open("rb") as file:
        if place:
            for start in range(0, place, _BLOCK):
                found.update(file.read(min(_BLOCK, place - start)))
            found.update(OPEN.encode())
            file.seek(place + len(OPEN))
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _own(path: Path) -> tuple[int, str]:
    """Return where the fingerprint of a TIFF is, and what it says; 0 for none."""
    import tifffile  # which takes longer than all else of w2s_cli.io

    try:
        with tifffile.TiffFile(path) as file:
            tag = file.pages.first.tags["ImageDescription"]
            start, count = tag.valueoffset, tag.count
        with path.open("rb") as raw:
            raw.seek(start)
            found = [*_SAID.finditer(raw.read(count))]
    except Exception:  # of a file that is no TIFF, or broken in whatever way
        return 0, ""
    return (start + found[-1].start(1), found[-1][1].decode()) if found else (0, "")


def identity(path: Path) -> Identity:
    """Return what changes when a file is replaced or written to."""
    one = path.stat()
    return one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns


class InputHash:
    """The SHA-256 of an image's files, worked out beside other work.

    That of several files is the hash of their hashes, in the order of their paths; a
    folder is all files in it.
    """

    def __init__(self, paths: Sequence[Path], opened: Identity | None = None) -> None:
        """Take the files as they are, the first as it was before it was opened."""
        files = [file for path in paths for file in _files(path)]
        self._files = sorted(files)
        self._before = {path: identity(path) for path in files}
        if opened:
            self._before[paths[0]] = opened
        self._digests: list[bytes] = []
        self._error: OSError | None = None
        self._wanted = True
        self._thread = Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, even if nobody has asked for the result."""
        self._wanted = False
        self._thread.join()

    def result(self) -> str:
        """Return the hash; InputError where a file was changed in the meantime."""
        self._thread.join()
        for path, before in self._before.items():
            if self._error or not path.exists() or identity(path) != before:
                raise InputError(
                    f"{path} was changed while it was read",
                    hint="run it again when nothing writes to it",
                ) from self._error
        if len(self._digests) == 1:
            return self._digests[0].hex()
        return sha256(b"".join(self._digests)).hexdigest()

    def _work(self) -> None:
        try:
            for path in self._files:
                found = sha256()
                with path.open("rb") as file:
                    while self._wanted and (block := file.read(_BLOCK)):
                        found.update(block)
                self._digests.append(found.digest())
        except OSError as error:
            self._error = error


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for file in path.rglob("*") if file.is_file()]
    return [path]


def input_hash(files: Sequence[Path]) -> str:
    """Return the hash of an image's files, as `InputHash` has it."""
    with InputHash(files) as found:
        return found.result()


def hash_of(path: Path) -> str:
    """Return the SHA-256 of one file, once as long as it stays the same."""
    key = (os.fspath(path), identity(path))
    if key not in _known:
        _known[key] = input_hash([path])
    return _known[key]


_known: dict[tuple[str, Identity], str] = {}
