"""Published files that somebody has brought in a folder, found by name or by hash."""

from collections.abc import Iterator
from pathlib import Path

from pooch import file_hash

from w2s_cli.assets.catalogue import Item
from w2s_cli.errors import UsageError, WeightsError


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
