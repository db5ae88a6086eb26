"""The images in a folder."""

from collections.abc import Iterator
from pathlib import Path

from w2s_cli.errors import NothingMatchedError
from w2s_cli.files.format import FORMATS

_SUFFIXES = [suffix for form in FORMATS for suffix in form.suffixes]


def stem(path: Path) -> str:
    """Return the name of an image without .tif, .ome.tif and the like."""
    return path.stem.removesuffix(".ome")


def images(path: Path) -> Iterator[Path]:
    """Yield the image files in a folder by name, or the one file that `path` is.

    Raises
    ------
    NothingMatchedError
        When a folder holds no image, or a pattern matches nothing.
    """
    if path.is_dir():
        found = [p for p in sorted(path.iterdir()) if p.suffix.lower() in _SUFFIXES]
        if not found:
            raise NothingMatchedError(
                f"no image in the folder {path}",
                hint=f"images end in {', '.join(_SUFFIXES)}",
            )
        yield from found
    elif any(wild in path.name for wild in "*?[") and not path.exists():
        raise NothingMatchedError(
            f"nothing matches {path}", hint="is it the right folder?"
        )
    else:
        yield path
