"""OME-XML: read from the first image of a file, and written for a stack."""

from collections.abc import Iterator
from math import prod
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from w2s_cli import __version__
from w2s_cli.io.content import History, from_json, to_json
from w2s_cli.io.maker_ome import ome_colour
from w2s_cli.io.ome_repair import LATEST
from w2s_cli.io.ome_source import count, fits, reduce, sizes_of, wrong_modulo
from w2s_cli.io.regions import regions_move, scale_ome
from w2s_cli.io.resolution import enlargement
from w2s_cli.io.units import is_ome, is_uncalibrated, micrometres, positive, seconds
from w2s_cli.stack import Channel, Stack

_CALIBRATED = ("PhysicalSizeX", "PhysicalSizeY", "PhysicalSizeZ", "TimeIncrement")
HISTORY = "w2s/history"  # the namespace of the annotation that holds the history


def read_metadata(xml: str) -> dict[str, Any]:
    """Return pixel size, time step, channels and history, as in `Stack`."""
    root = ElementTree.fromstring(xml)
    image = root.find("{*}Image")
    pixels = None if image is None else image.find("{*}Pixels")
    if pixels is None:
        return {}
    channels = tuple(map(_channel, pixels.iterfind("{*}Channel")))
    histories = (
        from_json(note.findtext("{*}Value", ""))
        for note in root.iterfind("{*}StructuredAnnotations/{*}CommentAnnotation")
        if note.get("Namespace") == HISTORY
    )
    return {
        "pixel_size": _pixel_size(pixels),
        "time_step": _time_step(pixels),
        "channels": channels if any(each != Channel() for each in channels) else (),
        "history": next(histories, ()),
        "warnings": tuple(_not_understood(pixels)),
    }


def image_names(xml: str) -> list[str]:
    """Return the name of each Image, "" for those without."""
    root = ElementTree.fromstring(xml)
    return [image.get("Name", "") for image in root.iterfind("{*}Image")]


def image_first(xml: str, place: int) -> str:
    """Return the XML with the Image at a place before the others."""
    if not place:
        return xml
    root = ElementTree.fromstring(xml)
    images = root.findall("{*}Image")
    first = [*root].index(images[0])
    root.remove(images[place])
    root.insert(first, images[place])
    return ElementTree.tostring(root, encoding="unicode")


def _pixel_size(pixels: Element) -> dict[str, float]:
    sizes = {}
    for axis in "XYZ":
        name = f"PhysicalSize{axis}"
        unit = micrometres(pixels.get(f"{name}Unit", "µm"), ome=True)
        size = positive(pixels.get(name))
        if unit and size:
            sizes[axis] = size * unit
    return sizes


def _time_step(pixels: Element) -> float | None:
    unit = seconds(pixels.get("TimeIncrementUnit", "s"), ome=True)
    step = positive(pixels.get("TimeIncrement"))
    return step * unit if step and unit else None


def _not_understood(pixels: Element) -> Iterator[str]:
    """Say which sizes are no numbers, or in units that nobody knows."""
    for name in _CALIBRATED:
        value, unit = pixels.get(name), pixels.get(f"{name}Unit", "")
        if value is None:
            continue
        factor = seconds if name == "TimeIncrement" else micrometres
        if not positive(value):
            yield f"its {name} is {value!r}, which is no size: it is left out"
        elif not is_uncalibrated(unit) and not factor(unit, ome=True):
            yield f"its {name} is in {unit!r}, a unit that is not known: it is not used"


def _channel(element: Element) -> Channel:
    """Return the channel; its colour is a signed 32-bit RGBA number."""
    name, colour = element.get("Name", ""), element.get("Color", "")
    if not colour.removeprefix("-").isdecimal():
        return Channel(name)
    red, green, blue, _ = (int(colour) & 0xFFFFFFFF).to_bytes(4, "big")
    return Channel(name, (red, green, blue))


_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TYPES = {"float32": "float"}
_HISTORY_ID = "Annotation:w2s:history"


def ome_xml(
    stack: Stack, history: History, brightest: int = 0, *, in_file: bool = True
) -> str:
    """Return the OME-XML of a file with the planes of `stack` in its own order.

    Without `in_file` it stands beside the pixels, and says nothing of where they are.

    `brightest` is the largest number in them, which may take more significant bits than
    the source had.

    Where the stack comes from an OME file, all that its XML says of the instrument, the
    channels and the planes stays; regions of interest move with the pixel grid.
    """
    root = _source(stack) or _new(stack)
    namespace = root.tag.partition("}")[0] + "}"
    image = root.find("{*}Image")
    assert image is not None
    pixels = image.find("{*}Pixels")
    assert pixels is not None
    root.attrib.pop("UUID", None)
    root.set("Creator", f"w2s {__version__}")
    _describe(pixels, stack, namespace, brightest, in_file=in_file)
    _annotate(root, image, history, namespace)
    ElementTree.register_namespace("", namespace[1:-1])
    xml: bytes = ElementTree.tostring(root, encoding="us-ascii", xml_declaration=True)
    return xml.decode("ascii")


def _source(stack: Stack) -> Element | None:
    """Return the XML of the source, reduced to what the stack has of it."""
    if "ome" not in stack.extra:
        return None
    root = ElementTree.fromstring(stack.extra["ome"])
    image = root.find("{*}Image")
    if image is None or image.find("{*}Pixels") is None:
        return None
    reduce(root, stack)
    scale_ome(root, regions_move(stack))
    return root


def left_out(stack: Stack) -> list[str]:
    """Return what the XML of a stack does not say that the XML of its source says."""
    root = ElementTree.fromstring(stack.extra.get("ome", "<OME/>"))
    image = root.find("{*}Image")
    pixels = None if image is None else image.find("{*}Pixels")
    if pixels is None:
        return []
    lost = []
    if pixels.find("{*}Plane") is not None and not fits(pixels, stack):
        lost.append("times and positions of its planes, whose axes are other ones")
    if wrong_modulo(root, pixels, stack):
        lost.append(
            "an annotation of what an axis holds, which does not fit its length"
        )
    if not scale_ome(root, regions_move(stack)):
        lost.append("regions of interest such as masks, which cannot follow the pixels")
    if "maker" in stack.extra:
        form = stack.extra["format"]
        lost.append(
            f"what {form} says of the microscope beyond what OME has a place for"
        )
    return lost


def _new(stack: Stack) -> Element:
    """Return the least XML that describes the channels of a stack."""
    root = Element(f"{{{LATEST}}}OME")
    root.set(f"{{{_XSI}}}schemaLocation", f"{LATEST} {LATEST}/ome.xsd")
    image = SubElement(root, f"{{{LATEST}}}Image", ID="Image:0")
    pixels = SubElement(image, f"{{{LATEST}}}Pixels", ID="Pixels:0")
    for number in range(stack.channel_count):
        channel = SubElement(
            pixels,
            f"{{{LATEST}}}Channel",
            ID=f"Channel:0:{number}",
            SamplesPerPixel="1",
        )
        if not stack.channels:
            continue
        if name := stack.channels[number].name:
            channel.set("Name", name)
        if colour := stack.channels[number].colour:
            channel.set("Color", ome_colour(colour))
    return root


def _describe(
    pixels: Element, stack: Stack, namespace: str, brightest: int, *, in_file: bool
) -> None:
    """Say in `pixels` what the planes of the stack are, and where in the file."""
    sizes = sizes_of(stack)
    dtype = stack.data.dtype.name
    bits = count(pixels, "SignificantBits")
    pixels.attrib.pop("SignificantBits", None)
    if bits and stack.data.dtype.kind == "u":
        pixels.set("SignificantBits", str(max(bits, brightest.bit_length())))
    pixels.set("DimensionOrder", "XYZCT")
    pixels.set("Type", _TYPES.get(dtype, dtype))
    for axis, length in sizes.items():
        pixels.set(f"Size{axis}", str(length))
    _calibrate(pixels, stack, namespace[1:-1])
    planes = prod(stack.data.shape[:-2])
    data = Element(f"{namespace}TiffData", IFD="0", PlaneCount=str(planes))
    if not in_file:
        data = Element(f"{namespace}MetadataOnly")
    pixels.insert(_place(pixels, ("Channel",)), data)


def _calibrate(pixels: Element, stack: Stack, namespace: str) -> None:
    """Say the sizes and the time step of the stack in the units of its source.

    What is as it was in the source stays as it is written there, and lengths in units
    that are not known are scaled with the grid.
    """
    before: dict[str, float | None] = {
        f"PhysicalSize{axis}": size for axis, size in _pixel_size(pixels).items()
    }
    before["TimeIncrement"] = _time_step(pixels)
    after = {f"PhysicalSize{axis}": size for axis, size in stack.pixel_size.items()}
    after |= {"TimeIncrement": step} if (step := stack.time_step) is not None else {}
    for name in _CALIBRATED:
        value, size, unit = pixels.get(name), after.get(name), f"{name}Unit"
        if size is None:
            size = None if before.get(name) else positive(value)
            if size and name[-1] in "XY":
                factor = enlargement(stack)
                size = size / factor if factor else None
            if size and size != positive(value):
                pixels.set(name, f"{size:.12g}")
            elif not size:
                pixels.attrib.pop(name, None)
                pixels.attrib.pop(unit, None)
        elif size != before.get(name) or not is_ome(pixels.get(unit, "µm")):
            known = seconds if name == "TimeIncrement" else micrometres
            factor = known(pixels.get(unit, ""), ome=True)
            if not factor or not is_ome(pixels.get(unit, "")):
                factor = 1.0
                pixels.attrib.pop(unit, None)
                if namespace[-7:] >= "2015-01":  # before, there were no others
                    pixels.set(unit, "s" if known is seconds else "µm")
            rounded = f"{size / factor:.12g}"
            same = float(rounded) * factor == size
            pixels.set(name, rounded if same else repr(float(size / factor)))


def _annotate(root: Element, image: Element, history: History, namespace: str) -> None:
    """Put the history into an annotation of the image."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.get("ID") == _HISTORY_ID:
                parent.remove(child)
    if not history:
        return
    older = "/OME/2016" not in namespace and "/OME/" in namespace
    sa = namespace.replace("/OME/", "/SA/") if older else namespace
    annotations = root.find("{*}StructuredAnnotations")
    if annotations is None:
        annotations = Element(f"{sa}StructuredAnnotations")
        root.insert(_place(root, ("Image",)), annotations)
    comment = SubElement(
        annotations, f"{sa}CommentAnnotation", ID=_HISTORY_ID, Namespace=HISTORY
    )
    SubElement(comment, f"{sa}Value").text = to_json(history)
    SubElement(image, f"{sa}AnnotationRef", ID=_HISTORY_ID)


def _place(parent: Element, after: tuple[str, ...]) -> int:
    """Return where in `parent` the schema wants what follows elements `after`."""
    places = [
        place
        for place, child in enumerate(parent, start=1)
        if child.tag.rpartition("}")[2] in after
    ]
    return max(places, default=0)
