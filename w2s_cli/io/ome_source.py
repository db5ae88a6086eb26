"""The OME-XML of a source, reduced to what a stack has of it."""

from collections.abc import Mapping, Sequence
from math import ceil
from xml.etree.ElementTree import Element

from w2s_cli.stack import Stack

# Elements that name pixels, planes or files of the source, not of the copy.
_STALE = ("BinData", "TiffData", "MetadataOnly", "HashSHA1")
# As tifffile knows them
_MODULO_TYPES = ("angle", "phase", "tile", "lifetime", "lambda", "other")
_STALE_REFERENCES = ("ImageRef", "PlateRef", "ScreenRef")


def sizes_of(stack: Stack) -> dict[str, int]:
    """Return the lengths of all axes that OME has."""
    lengths = dict(zip(stack.axes, stack.data.shape, strict=True))
    return {axis: lengths.get(axis, 1) for axis in "XYZCT"}


def count(element: Element, name: str) -> int:
    """Return a whole number that an attribute holds, or 0."""
    text = element.get(name, "")
    return int(text) if text.isdecimal() else 0


def fits(pixels: Element, stack: Stack) -> bool:
    """Return whether the axes of the stack are those of the XML, or parts of them."""
    parts, sizes = _parts(stack), sizes_of(stack)
    return all(
        axis in parts or count(pixels, f"Size{axis}") == sizes[axis] for axis in "ZCT"
    )


def reduce(root: Element, stack: Stack) -> None:
    """Leave in the XML only the first image, its channels and planes of the stack."""
    first, *others = root.findall("{*}Image")
    pixels = first.find("{*}Pixels")
    assert pixels is not None
    for image in others:
        root.remove(image)
    stale = (*_STALE, *(_STALE_REFERENCES if others else ()))
    own = {reference.get("ID") for reference in first.iterfind("{*}ROIRef")}
    for region in root.findall("{*}ROI"):
        if others and region.get("ID") not in own:
            root.remove(region)
    wrong = [None, *(note.get("ID") for note in wrong_modulo(root, pixels, stack))]
    for parent in list(root.iter()):
        for child in list(parent):
            kind = child.tag.rpartition("}")[2]
            noted = kind in ("XMLAnnotation", "AnnotationRef")
            if kind in stale or (noted and child.get("ID") in wrong):
                parent.remove(child)
    same, parts = fits(pixels, stack), _parts(stack)
    for plane in pixels.findall("{*}Plane"):
        if not same or not _renumbered(plane, parts):
            pixels.remove(plane)
    _keep_channels(pixels, stack, parts.get("C"))


def wrong_modulo(root: Element, pixels: Element, stack: Stack) -> list[Element]:
    """Return the annotations of modulo that make no sense for the stack.

    They say that an axis holds another one, such as angles in Z. Programs that split
    the axis do not read a file in which it has another length.
    """
    notes = root.iterfind("{*}StructuredAnnotations/{*}XMLAnnotation")
    whole = fits(pixels, stack)
    return [
        note
        for note in notes
        if note.get("Namespace", "").endswith("modulo")
        and not all(
            whole and _splits(along, stack) for along in note.iterfind("{*}Value/*/*")
        )
    ]


def _splits(along: Element, stack: Stack) -> bool:
    axis, count = along.tag[-1], len(along.findall("{*}Label"))
    if "Start" in along.attrib:
        try:
            start, end = (float(along.get(name, "nan")) for name in ("Start", "End"))
            step = float(along.get("Step", "1"))
            count = ceil((end + step - start) / step)  # as tifffile counts them
        except (ValueError, ArithmeticError):
            return False
    known = along.get("Type", "other") in _MODULO_TYPES
    length = sizes_of(stack).get(axis, 0)
    return (
        known
        and axis not in _parts(stack)
        and 0 < count <= length
        and not length % count
    )


def _parts(stack: Stack) -> Mapping[str, Sequence[int]]:
    """Return for each axis that was shortened the places in the source that are left.

    "kept" is what `missing_planes` has left, "channel" the one of it that was taken.
    """
    left: Mapping[str, Sequence[int]] = stack.extra.get("kept", {})
    kept = {axis: places for axis, places in left.items() if axis in "ZCT"}
    if "channel" in stack.extra:
        number = stack.extra["channel"]
        kept["C"] = [kept["C"][number] if "C" in kept else number]
    return kept


def _renumbered(plane: Element, parts: Mapping[str, Sequence[int]]) -> bool:
    """Give a plane its place among those that are left; False where it is not one."""
    for axis, places in parts.items():
        if (place := count(plane, f"The{axis}")) not in places:
            return False
        plane.set(f"The{axis}", str([*places].index(place)))
    return True


def _keep_channels(pixels: Element, stack: Stack, places: Sequence[int] | None) -> None:
    """Leave one element a channel, those that the XML forgot without a name."""
    channels = pixels.findall("{*}Channel")
    wanted = sizes_of(stack)["C"]
    kept = channels[: count(pixels, "SizeC")]
    if any(count(channel, "SamplesPerPixel") > 1 for channel in channels):
        kept = []  # one element stands for several channels
    elif places is not None:
        kept = [channels[place] for place in places if place < len(channels)]
    elif count(pixels, "SizeC") != wanted:
        kept = []
    for channel in channels:
        if channel not in kept:
            pixels.remove(channel)
    namespace = pixels.tag.partition("}")[0] + "}"
    taken = {channel.get("ID") for channel in kept}
    for number in range(len(kept), wanted):
        usual = f"Channel:0:{number}"
        new = Element(f"{namespace}Channel", SamplesPerPixel="1")
        new.set("ID", f"Channel:w2s:{number}" if usual in taken else usual)
        pixels.insert(number, new)
