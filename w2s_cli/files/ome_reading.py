"""What the OME-XML of a file says of its first image."""

from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from w2s_cli.files.history import History, from_json
from w2s_cli.files.units import micrometres, seconds
from w2s_cli.stack import Channel

HISTORY = "w2s/history"  # the namespace of the annotation that holds the history


def described(xml: str) -> dict[str, Any]:
    """Return pixel size, time step, channels and history, as in `Stack`.

    Raises
    ------
    xml.etree.ElementTree.ParseError
        When the XML is broken.
    """
    root = ElementTree.fromstring(xml)
    pixels = root.find("{*}Image/{*}Pixels")
    if pixels is None:
        return {}
    return {
        "pixel_size": _pixel_size(pixels),
        "time_step": _time_step(pixels),
        "channels": _channels(pixels),
        "history": _history(root),
    }


def _pixel_size(pixels: Element) -> dict[str, float]:
    sizes = {}
    for axis in "XYZ":
        name = f"PhysicalSize{axis}"
        unit = micrometres(pixels.get(f"{name}Unit", "µm"))
        size = _number(pixels.get(name))
        if unit and size:
            sizes[axis] = size * unit
    return sizes


def _time_step(pixels: Element) -> float | None:
    unit = seconds(pixels.get("TimeIncrementUnit", "s"))
    step = _number(pixels.get("TimeIncrement"))
    return step * unit if step and unit else None


def _channels(pixels: Element) -> tuple[Channel, ...]:
    """Return the channels, or none where nothing is said of any."""
    channels = tuple(map(_channel, pixels.iterfind("{*}Channel")))
    return channels if any(channel != Channel() for channel in channels) else ()


def _channel(element: Element) -> Channel:
    colour = element.get("Color")
    return Channel(
        name=element.get("Name", ""),
        colour=_red_green_blue(int(colour)) if colour else None,
    )


def _red_green_blue(colour: int) -> tuple[int, int, int]:
    """Return the colour that a signed 32-bit RGBA number stands for."""
    red, green, blue, _ = (colour & 0xFFFFFFFF).to_bytes(4, "big")
    return red, green, blue


def _history(root: Element) -> History:
    for annotation in root.iterfind("{*}StructuredAnnotations/{*}CommentAnnotation"):
        if annotation.get("Namespace") == HISTORY:
            return from_json(annotation.findtext("{*}Value", ""))
    return ()


def _number(text: str | None) -> float:
    """Return a positive number, or 0 for what is none."""
    try:
        return max(float(text or 0), 0.0)
    except ValueError:
        return 0.0
