"""Which format a file has, and which module reads and writes it."""

import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shlex import quote

from w2s_cli.errors import (
    InputError,
    NothingMatchedError,
    OutputError,
    UsageError,
    W2SError,
    few,
    install_extra,
)

_MAGIC_BYTES = 8
_ZIP = b"PK\3\4"
_JPEG_2000 = b"\0\0\0\x0cjP  "
_EXPORT = "export it as OME-TIFF, for example with Fiji and Bio-Formats"
# An address as `Path` leaves it: with one slash
_ADDRESS = re.compile(r"(?:(https?:|s3:|gs:|abfs:|memory:)/)?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the table of formats.

    Its module has `open_stack(path, wanted)`, `unsupported(stack)`, `left_out(stack)`
    and `write(stack, path, history, hand_over)`; the first alone where w2s does not
    write them.
    """

    name: str
    suffixes: tuple[str, ...]  # of outputs, and of inputs
    magics: tuple[bytes, ...]
    module: str
    read_only: tuple[str, ...] = ()  # suffixes that no output has
    sealed: bool = False  # whether an image holds its own fingerprint
    keeps_record: bool = True  # whether a file holds its history
    library: str = ""  # that it needs, beside what w2s always has
    extra: str = ""  # of w2s, which installs the library
    folder: bool = False  # whether an image is a folder


FORMATS = (
    Format(
        "TIFF",
        (".tif", ".tiff", ".btf", ".tf2", ".tf8"),
        (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        "w2s_cli.io.tiff",
        (".stk", ".lsm"),
        sealed=True,
    ),
    Format("PNG", (".png",), (b"\x89PNG\r\n\x1a\n",), "w2s_cli.io.png"),
    Format(
        "OME-Zarr",
        (".zarr",),
        (),
        "w2s_cli.io.ome_zarr",
        (".ozx",),
        sealed=True,
        library="zarr",
        extra="zarr",
        folder=True,
    ),
    Format("NPY", (".npy",), (b"\x93NUMPY",), "w2s_cli.io.npy", keeps_record=False),
    Format(
        "ND2",
        (),
        (b"\xda\xce\xbe\x0a",),
        "w2s_cli.io.nikon_nd2",
        (".nd2",),
        library="nd2",
        extra="nd2",
    ),
    Format("CZI", (), (b"ZISRAWFI",), "w2s_cli.io.zeiss_czi", (".czi",)),
    Format(
        "LIF",
        (),
        (b"\x70\0\0\0",),
        "w2s_cli.io.leica_lif",
        (".lif",),
        library="liffile",
        extra="lif",
    ),
)
ZARR, ND2 = FORMATS[2], FORMATS[4]
ZARR_MARKS = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
"""The files that make a folder a Zarr group or array."""


COMPANION = ".ome"
"""The suffix of OME-XML beside the TIFF files that it describes."""

# The first bytes of what is taken for an image, and what to do with it
_OTHERS = (
    (
        b"version ",
        "a Git LFS pointer, not the image itself",
        "get it with: git lfs pull",
    ),
    (_ZIP, "a ZIP archive", "unpack it first"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first: gunzip"),
    (b"<!", "a web page or other text, not an image", "download it again"),
    (b"<html", "a web page, not an image", "download it again"),
    (b"\xff\xd8\xff", "a JPEG picture, whose compression has changed the noise", ""),
)
_MICROSCOPES = (
    (_JPEG_2000, "a Nikon ND2 image of the older kind, or JPEG 2000"),
    (b"\x89HDF", "an HDF5 file, such as Imaris writes"),
    (b"\xd0\xcf\x11\xe0", "an OLE file, such as Olympus OIB or Zeiss ZVI"),
    (b"OLYMPUSR", "an Olympus OIR image"),
)


NAMES = "TIFF, PNG, OME-Zarr, NPY, ND2, CZI or LIF"


def format_of(path: Path) -> Format:
    """Return the format of an existing file, by its first bytes."""
    if address_of(path) or is_zarr(path):
        return _with_library(ZARR, InputError, f"{path} is OME-Zarr")
    start = _start(path)
    if start.startswith(_ZIP) and _holds_zipped_zarr(path):
        return _with_library(ZARR, InputError, f"{path} is OME-Zarr")
    if path.suffix.lower() == COMPANION and start.startswith(b"<"):
        return FORMATS[0]
    older_nd2 = path.suffix.lower() in ND2.read_only and start.startswith(_JPEG_2000)
    for form in FORMATS:
        if (form.magics and start.startswith(form.magics)) or (
            older_nd2 and form is ND2
        ):
            instead = "" if form.suffixes else f"; or {conversion(path)}"
            return _with_library(form, InputError, f"{path} is {form.name}", instead)
    for magic, kind, hint in _OTHERS:
        if start.startswith(magic):
            raise InputError(
                f"{path} is {kind}: w2s reads {NAMES}", hint=hint or _EXPORT
            )
    for magic, kind in _MICROSCOPES:
        if start.startswith(magic):
            raise InputError(
                f"{path} is {kind}: w2s reads {NAMES}", hint=conversion(path)
            )
    raise InputError(
        f"{path} is not a {NAMES} image: it starts with {start!r}", hint=_EXPORT
    )


def conversion(path: Path) -> str:
    """Return the commands that convert a file which Bio-Formats reads."""
    name, plain = quote(str(path)), quote(str(path.with_suffix("")))
    return (
        f"convert it with Bio-Formats: bfconvert -series 0 {name} {plain}.ome.tif, or "
        f"all its images: bioformats2raw {name} {plain}.ome.zarr"
    )


def format_for(path: Path) -> Format:
    """Return the format that a new file will have, by its suffix."""
    for form in FORMATS:
        if path.suffix.lower() in form.suffixes:
            return _with_library(form, OutputError, f"{path} would be {form.name}")
        if path.suffix.lower() in form.read_only:
            raise UsageError(
                f"{path} cannot be written: w2s reads {path.suffix} files, but writes "
                "none",
                hint=f"write {path.with_suffix('.ome.tif')}",
            )
    known = ", ".join(suffix for form in FORMATS for suffix in form.suffixes)
    raise UsageError(
        f"cannot tell the format of {path} from its suffix {path.suffix!r}",
        hint=f"use one of {known}",
    )


def _with_library(
    form: Format, error: type[W2SError], what: str, instead: str = ""
) -> Format:
    """Return a format whose library is installed."""
    if form.library and find_spec(form.library) is None:
        raise error(
            f"{what}, which needs the package {form.library}",
            hint=f"install it: {install_extra(form.extra)}{instead}",
        )
    return form


def address_of(path: Path) -> str:
    """Return the address that was typed for a file elsewhere; "" for a file here."""
    kind, rest = _ADDRESS.fullmatch(path.as_posix()).groups()  # type: ignore[union-attr]
    return f"{kind}//{rest}" if kind else ""


def is_zarr(path: Path) -> bool:
    """Return whether a folder is a Zarr group or array, or is called one."""
    return os.path.isdir(path) and (  # noqa: PTH112 - of any name, however long
        path.suffix.lower() in ZARR.suffixes or holds_zarr(path)
    )


def holds_zarr(path: Path) -> bool:
    """Return whether a folder has what makes it a Zarr group or array."""
    return any((path / mark).is_file() for mark in ZARR_MARKS)


def _holds_zipped_zarr(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as file:
            names = {name.rpartition("/")[2] for name in file.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    return not names.isdisjoint(ZARR_MARKS)


def is_special(path: Path) -> bool:
    """Find out whether a name is that of a pipe, socket or device."""
    return os.path.exists(path) and not (path.is_file() or path.is_dir())  # noqa: PTH110


def _start(path: Path) -> bytes:
    if is_special(path):
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
            f"cannot read {path}: {error.strerror}",
            hint="check its permissions" if isinstance(error, PermissionError) else "",
        ) from error
    if not start:
        raise InputError(f"{path} is empty: 0 bytes", hint="copy or export it again")
    return start


SUFFIXES = [suffix for form in FORMATS for suffix in form.suffixes + form.read_only]


def stem(path: Path) -> str:
    """Return the name of an image without .tif, .ome.tif and the like."""
    plain = path.stem.removesuffix(".zarr")
    return plain.removesuffix(".ome").removesuffix(".companion")


def written_name(path: Path) -> str:
    """Return the name of an output that goes beside others: the input's, if it can."""
    if path.name.lower().endswith((".ozx", ".zarr.zip")):
        return f"{stem(path)}.ome.zarr"
    read_only = {suffix for form in FORMATS for suffix in form.read_only}
    if path.suffix.lower() in {*read_only, COMPANION}:
        return f"{stem(path)}.ome.tif"
    return path.name


def image_files(path: Path) -> Iterator[Path]:
    """Yield the image files in a folder by name, or the one file that `path` is.

    Hidden files, such as those that macOS puts beside others, are passed over.
    """
    if os.path.isdir(path) and not is_zarr(path):  # noqa: PTH112 - of any name
        found = images_in(path)
        if not found:
            others = passed_over(path)
            raise NothingMatchedError(
                f"no image in the folder {path}{f', but {few(others)}' * bool(others)}",
                hint=f"images end in {', '.join(SUFFIXES)}",
            )
        yield from found
    elif any(wild in path.name for wild in "*?[") and not (
        os.path.lexists(path) or address_of(path)
    ):
        raise NothingMatchedError(
            f"nothing matches {path}", hint="is it the right folder?"
        )
    else:
        yield path


def images_in(folder: Path) -> list[Path]:
    """Return the image files in a folder, by name; there may be none."""
    return [one for one in _visible(folder) if one.suffix.lower() in SUFFIXES]


def passed_over(folder: Path) -> list[str]:
    """Return the names of the files in a folder that `image_files` does not yield."""
    known = {*SUFFIXES, COMPANION}
    return [one.name for one in _visible(folder) if one.suffix.lower() not in known]


def _visible(folder: Path) -> list[Path]:
    """Return the files in a folder, and the links to nowhere, that are not hidden.

    An image that is a folder counts as a file.
    """
    return [
        one
        for one in sorted(folder.iterdir())
        if not one.name.startswith(".")
        and (one.is_file() or not one.exists() or is_zarr(one))
    ]
