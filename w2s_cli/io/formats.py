"""Which format a file has, and which module reads and writes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from w2s_cli.errors import InputError, NothingMatchedError, UsageError

_MAGIC_BYTES = 8


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the table of formats.

    Its module has `open_stack(path, wanted)`, `unsupported(stack)` and
    `write(stack, path, history)`.
    """

    name: str
    suffixes: tuple[str, ...]
    magics: tuple[bytes, ...]
    module: str


FORMATS = (
    Format(
        "TIFF",
        (".tif", ".tiff", ".btf"),
        (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        "w2s_cli.io.tiff",
    ),
    Format("PNG", (".png",), (b"\x89PNG\r\n\x1a\n",), "w2s_cli.io.png"),
    Format("NPY", (".npy",), (b"\x93NUMPY",), "w2s_cli.io.npy"),
)


def format_of(path: Path) -> Format:
    """Return the format of an existing file, by its first bytes."""
    start = _start(path)
    for form in FORMATS:
        if start.startswith(form.magics):
            return form
    *most, last = (form.name for form in FORMATS)
    raise InputError(
        f"{path} is not a {', '.join(most)} or {last} image: it starts with {start!r}",
        hint="export it as OME-TIFF, for example with Fiji and Bio-Formats",
    )


def format_for(path: Path) -> Format:
    """Return the format that a new file will have, by its suffix."""
    for form in FORMATS:
        if path.suffix.lower() in form.suffixes:
            return form
    known = ", ".join(suffix for form in FORMATS for suffix in form.suffixes)
    raise UsageError(
        f"cannot tell the format of {path} from its suffix {path.suffix!r}",
        hint=f"use one of {known}",
    )


def _start(path: Path) -> bytes:
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(
            f"{path} is a pipe, socket or device, not a file",
            hint="name a file, or - for standard input",
        )
    try:
        with path.open("rb") as file:
            start = file.read(_MAGIC_BYTES)
    except FileNotFoundError as error:
        raise InputError(
            f"there is no file {path}", hint="check the spelling and the folder"
        ) from error
    except IsADirectoryError as error:
        raise InputError(
            f"{path} is a folder, not an image", hint="name the files in it"
        ) from error
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}", hint="check its permissions"
        ) from error
    if not start:
        raise InputError(f"{path} is empty: 0 bytes", hint="copy or export it again")
    return start


_SUFFIXES = [suffix for form in FORMATS for suffix in form.suffixes]


def stem(path: Path) -> str:
    """Return the name of an image without .tif, .ome.tif and the like."""
    return path.stem.removesuffix(".ome")


def image_files(path: Path) -> Iterator[Path]:
    """Yield the image files in a folder by name, or the one file that `path` is."""
    if path.is_dir():
        found = [
            one
            for one in sorted(path.iterdir())
            if one.suffix.lower() in _SUFFIXES and (one.is_file() or not one.exists())
        ]
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
