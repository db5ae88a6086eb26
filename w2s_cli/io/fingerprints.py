"""SHA-256 of files: of an input while it is read, of an output in the output itself.

A TIFF or OME-Zarr that w2s writes holds its own fingerprint at the end of its history:
that of the whole file, with zeros for these digits. So it can tell at any time whether
it is still what was written. That of a folder is made of the names and the contents of
what w2s has written in it; labels that others have added are no part of it.
"""

import os
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from w2s_cli.errors import InputError
from w2s_cli.io.formats import ZARR_MARKS

KEY = "contents"  # of the record
OPEN = "0" * 64  # what stands there until the file is whole
_SAID = re.compile(rb'"contents": "([0-9a-f]{64})"')
_BLOCK = 1 << 20  # bytes
_ATTRIBUTES = ("zarr.json", ".zattrs")  # of a Zarr group

Identity = tuple[int, ...]


def seal(path: Path) -> None:
    """Write the fingerprint of an image into its last record, which is still open."""
    file, place, _ = _own(path)
    if place:
        digest = fingerprint(path)
        with file.open("r+b") as opened:
            opened.seek(place)
            opened.write(digest.encode())


def is_whole(path: Path) -> bool:
    """Return whether an image is as it was written, down to the last byte."""
    _, place, said = _own(path)
    return bool(place) and fingerprint(path) == said


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of an image, with zeros for what it says of that."""
    holder, place, _ = _own(path)
    if not path.is_dir():
        return _digest(path, place).hex()
    found = sha256()
    for name, file in sorted(_written_in(path)):
        found.update(os.fsencode(name) + b"\0")
        found.update(_digest(file, place if file == holder else 0))
    return found.hexdigest()


def size_of(path: Path) -> int:
    """Return the bytes of an image that w2s has written."""
    files = [file for _, file in _written_in(path)] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def _digest(path: Path, place: int) -> bytes:
    found = sha256()
    with path.open("rb") as file:
        if place:
            for start in range(0, place, _BLOCK):
                found.update(file.read(min(_BLOCK, place - start)))
            found.update(OPEN.encode())
            file.seek(place + len(OPEN))
        while block := file.read(_BLOCK):
            found.update(block)
    return found.digest()


def _own(path: Path) -> tuple[Path, int, str]:
    """Return where the fingerprint of an image is, and what it says; 0 for none."""
    start, file = 0, path
    try:
        if path.is_dir():
            file = next(path / one for one in _ATTRIBUTES if (path / one).is_file())
            text = file.read_bytes()
        else:
            import tifffile  # which takes longer than all else of w2s_cli.io

            with tifffile.TiffFile(path) as image:
                tag = image.pages.first.tags["ImageDescription"]
                start, count = tag.valueoffset, tag.count
            with path.open("rb") as raw:
                raw.seek(start)
                text = raw.read(count)
    except Exception:  # of what is no image, or broken in whatever way
        return file, 0, ""
    found = [*_SAID.finditer(text)]
    if not found:
        return file, 0, ""
    return file, start + found[-1].start(1), found[-1][1].decode()


def _written_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a Zarr image that w2s has written, and their names in it."""
    for one in folder.iterdir():
        if one.name in ZARR_MARKS:
            yield one.name, one
        elif (one.name.isdecimal() or one.name == "OME") and one.is_dir():
            for file in _in_folder(one):
                yield file.relative_to(folder).as_posix(), file


def _in_folder(path: Path) -> Iterator[Path]:
    """Yield the files in a folder, but not those that systems hide everywhere."""
    for parent, _, names in os.walk(path):
        for name in names:
            if not name.startswith(".") or name in ZARR_MARKS:
                yield Path(parent, name)


def identity(path: Path) -> Identity:
    """Return what changes when a file is replaced or written to."""
    one = path.stat()
    return one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns


class InputHash:
    """The SHA-256 of an image's files, worked out beside other work.

    That of several files is the hash of their hashes, in the order of their paths; a
    folder is all files in it, of which the names in it count as well.
    """

    def __init__(self, paths: Sequence[Path], opened: Identity | None = None) -> None:
        """Take the files as they are, the first as it was before it was opened."""
        files = {path: b"" for path in paths if not path.is_dir()}
        for folder in (path for path in paths if path.is_dir()):
            for file in _in_folder(folder):
                files[file] = os.fsencode(file.relative_to(folder).as_posix()) + b"\0"
        self._files = sorted(files.items())
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
            for path, name in self._files:
                found = sha256(name)
                with path.open("rb") as file:
                    while self._wanted and (block := file.read(_BLOCK)):
                        found.update(block)
                self._digests.append(found.digest())
        except OSError as error:
            self._error = error


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
