"""Regions of interest, of OME and of ImageJ, moved to a finer grid.

Source of ImageJ's layout: ij.io.RoiDecoder of ImageJ 1.54, in the public domain.
"""

import struct
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from w2s_cli.io.resolution import enlargement
from w2s_cli.stack import Stack

_LENGTHS = ("X", "Y", "Width", "Height", "RadiusX", "RadiusY", "X1", "Y1", "X2", "Y2")
_SHAPES = ("Rectangle", "Ellipse", "Line", "Polyline", "Polygon", "Point", "Label")


def regions_move(stack: Stack) -> float | None:
    """Return by how much regions are to be scaled; None where they fit no longer."""
    return None if stack.extra.get("turned") else enlargement(stack)


def scale_ome(root: Element, factor: float | None) -> bool:
    """Scale all regions of OME-XML and return whether that was possible.

    Those with a mask are taken out, and all of them where the grid is another one.
    """
    lost = []
    for roi in root.findall("{*}ROI") if factor != 1 else ():
        try:
            if factor is None:
                raise ValueError("no common grid")
            for shape in roi.iterfind("{*}Union/*"):
                _scale_shape(shape, factor)
        except ValueError:
            lost.append(roi.get("ID"))
            root.remove(roi)
    for parent in list(root.iter()):
        for child in parent.findall("{*}ROIRef"):
            if child.get("ID") in lost:
                parent.remove(child)
    return not lost


def _scale_shape(shape: Element, factor: float) -> None:
    """Scale a shape; ValueError where it is not one of points and lengths."""
    if shape.tag.rpartition("}")[2] not in _SHAPES or "Transform" in shape.attrib:
        raise ValueError(shape.tag)
    for name in _LENGTHS:
        if name in shape.attrib:
            shape.set(name, f"{float(shape.attrib[name]) * factor:.12g}")
    if points := shape.get("Points"):
        pairs = (map(float, pair.split(",")) for pair in points.split())
        moved = (f"{x * factor:.12g},{y * factor:.12g}" for x, y in pairs)
        shape.set("Points", " ".join(moved))
    for transform in shape.iterfind("{*}Transform"):
        for name in ("A02", "A12"):  # the translation
            moved_by = float(transform.get(name, "0")) * factor
            transform.set(name, f"{moved_by:.12g}")


_HEADER = 64  # bytes, before the coordinates
_RECTANGLE, _OVAL, _LINE, _NONE = 1, 2, 3, 6  # types without coordinates
_IMAGE, _ROTATED = 4, 5  # subtypes
_SUBPIXEL = 128  # an option: coordinates follow a second time, as floats
_SEGMENTS = {0: 2, 1: 2, 2: 4, 3: 6, 4: 0}  # numbers after each code of a path


def scaled_imagej(region: bytes, factor: float | None) -> bytes | None:
    """Return a region as ImageJ stores it, scaled; None where that cannot be done."""
    if factor == 1:
        return region
    if factor is None or region[:4] != b"Iout" or len(region) < _HEADER:
        return None
    scaled = bytearray(region)
    try:
        for form, place in _numbers(region):
            (number,) = struct.unpack_from(form, region, place)
            number *= factor
            struct.pack_into(
                form, scaled, place, round(number) if form == ">h" else number
            )
    except (struct.error, ValueError, OverflowError):
        return None
    return bytes(scaled)


def _numbers(region: bytes) -> Iterator[tuple[str, int]]:
    """Yield the form and the place of all coordinates and lengths."""
    kind, count = region[6], struct.unpack_from(">H", region, 16)[0]
    path, subtype, options = (
        struct.unpack_from(form, region, place)[0]
        for form, place in ((">i", 36), (">h", 48), (">h", 50))
    )
    alone = kind in (_RECTANGLE, _OVAL, _LINE, _NONE)
    if subtype == _IMAGE or (not alone and not count):
        raise ValueError("an image, or too many points")
    yield from ((">h", place) for place in range(8, 16, 2))
    yield from ((">f", place) for place in range(18, 34, 4))
    if subtype == _ROTATED:
        yield ">f", 52
    elif kind == _RECTANGLE:
        yield ">h", 54  # the radius of its corners
    if path > 0:
        yield from _path(region, path)
    elif not alone:
        yield from ((">h", _HEADER + 2 * n) for n in range(2 * count))
        if options & _SUBPIXEL:
            start = _HEADER + 4 * count
            yield from ((">f", start + 4 * n) for n in range(2 * count))


def _path(region: bytes, length: int) -> Iterator[tuple[str, int]]:
    """Yield the coordinates of a path of so many numbers, which has codes between."""
    place, end = _HEADER, _HEADER + 4 * length
    while place < end:
        (code,) = struct.unpack_from(">f", region, place)
        if code not in _SEGMENTS:
            raise ValueError("an unknown segment")
        count = _SEGMENTS[int(code)]
        yield from ((">f", place + 4 * n) for n in range(1, count + 1))
        place += 4 * (count + 1)
