"""A TIFF as tifffile opens it, whatever its metadata are like."""

import re
import struct
from math import prod
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import tifffile

from w2s_cli.errors import InputError
from w2s_cli.io.formats import COMPANION
from w2s_cli.io.ome_repair import readable
from w2s_cli.io.ome_sets import for_tifffile, member_of, whole_xml
from w2s_cli.io.tiff_planes import check_pages_end

# What tifffile raises on files and metadata that are broken
BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    ParseError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
# Values of a page that are one number each
_NUMBERS = (
    *("imagewidth", "imagelength", "imagedepth", "samplesperpixel", "rowsperstrip"),
    *("tilewidth", "tilelength", "tiledepth"),
    *("compression", "photometric", "planarconfig", "predictor"),
)
_OME = re.compile(r"<(\w+:)?OME[\s>]")
_MIXED = "its pages are not all of one type or size: ImageJ's description is not used"
_WITHOUT_METADATA: Any = dict.fromkeys(
    ("is_ome", "is_imagej", "is_shaped", "is_mmstack", "is_ndtiff"), False
)


def opened(path: Path) -> tuple[tifffile.TiffFile, str, tuple[str, ...]]:
    """Return the file with its series known, its OME-XML, and what of it is no use.

    Metadata that cannot be read are not used, and the planes, which are as good as
    before, are taken in the order of the file.
    """
    if path.suffix.lower() == COMPANION:
        xml, member = member_of(path)
        return tifffile.TiffFile(member, omexml=for_tifffile(xml, path)), xml, ()
    check_pages_end(path)
    file = tifffile.TiffFile(path)
    try:
        if file.pages.first.is_scanimage:
            # tifffile works out where the planes are, and may miss the last
            file = _again(file, is_scanimage=False)
        file, xml, said = _with_xml(file, path)
        try:
            if _is_mixed(file.series[0]):
                file = _again(file, is_imagej=False)
                said = (*said, _MIXED)
            if any(length % 1 for one in file.series for length in one.shape):
                raise ValueError("the length of an axis is no whole number")
        except BROKEN as error:
            file, xml = _again(file, **_WITHOUT_METADATA), ""
            _ = file.series
            said = (
                f"its metadata cannot be used ({error}): its planes are taken in the "
                "order of the file, and what else they say is left out",
            )
    except BaseException:
        file.close()
        raise
    return file, xml, said


def _is_mixed(series: tifffile.TiffPageSeries) -> bool:
    """Return whether pages that ImageJ describes as one stack are of several types."""
    page = series.keyframe
    if series.kind != "imagej" or len(series) == 1 or page.compression != 1:
        return False
    return any(one and sum(one.databytecounts) != page.nbytes for one in series)


def _with_xml(
    file: tifffile.TiffFile, path: Path
) -> tuple[tifffile.TiffFile, str, tuple[str, ...]]:
    """Return the file, the OME-XML of its set, and what of that cannot be used."""
    xml = file.pages.first.description
    if not file.is_ome and not _OME.search(xml[:2000]):
        return file, "", ()
    mended, said = readable(xml)
    if not mended:
        return _again(file, is_ome=False), "", said
    whole, missing = whole_xml(mended, path)
    known = for_tifffile(whole or mended, path)
    return _again(file, is_ome=True, omexml=known), whole, missing


def _again(file: tifffile.TiffFile, **options: Any) -> tifffile.TiffFile:
    """Open a file another time, in another way."""
    path = file.filehandle.path
    file.close()
    return tifffile.TiffFile(path, **options)


def check_page(page: tifffile.TiffPage, path: Path) -> None:
    """Raise InputError where what a page says of itself cannot be."""
    said = {name: getattr(page, name) for name in _NUMBERS}
    odd = [f"{name} is {it!r}" for name, it in said.items() if not isinstance(it, int)]
    why = f"its {odd[0]}, not a number" if odd else ""
    if not why and 0 in (page.imagewidth, page.imagelength, page.samplesperpixel):
        why = "its pages have no pixels"
    try:
        parts = 0 if why else prod(page.chunked)
        if len(page.databytecounts) < parts:
            why = (
                f"a page of {page.imagelength} x {page.imagewidth} pixels has "
                f"{len(page.databytecounts)} of {parts} strips or tiles"
            )
    except (ValueError, ZeroDivisionError):
        why = "its strips or tiles have no pixels"
    if why:
        raise InputError(f"{path} is broken: {why}", hint="copy or export it again")
