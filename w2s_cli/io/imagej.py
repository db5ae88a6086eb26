"""ImageJ's own metadata: the description, and its display settings."""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from w2s_cli.io.content import History, from_json, micrometres, seconds, to_json
from w2s_cli.stack import Channel, Stack

ORDER = "TZCYX"  # of the axes in a hyperstack
_HISTORY = "w2s"
_DTYPES = ("uint8", "uint16", "int16", "float32")
_LARGEST = 2**32 - 2**25  # bytes; less than 4 GiB by what the metadata may take
_COUNTS = ("images", "channels", "slices", "frames", "order", "axes", _HISTORY)
_PLACED = ("ROI", "Overlays")  # in pixels of the source's grid
_ORIGIN = ("xorigin", "yorigin")
_BINARY = ("Info", "Labels", "Ranges", "LUTs", "Plot", "Properties", *_PLACED)


def read_metadata(
    metadata: Mapping[str, Any], resolution: tuple[float, float]
) -> dict[str, Any]:
    """Return fields of a `Stack`; `resolution` is pixels a unit along X and Y."""
    step = metadata.get("finterval")
    factor = seconds(str(metadata.get("tunit", "s")))
    return {
        "pixel_size": _pixel_size(metadata, resolution),
        "time_step": float(step) * factor if step and factor else None,
        "channels": tuple(
            Channel(colour=(int(lut[0, 255]), int(lut[1, 255]), int(lut[2, 255])))
            for lut in _list(metadata.get("LUTs"))
            if lut.shape == (3, 256)
        ),
        "history": from_json(str(metadata.get(_HISTORY, ""))),
        "extra": {"imagej": dict(metadata)},
    }


def _pixel_size(
    metadata: Mapping[str, Any], resolution: tuple[float, float]
) -> dict[str, float]:
    unit = micrometres(str(metadata.get("unit", "")))
    if not unit:
        return {}
    sizes = {
        axis: unit / pixels
        for axis, pixels in zip("XY", resolution, strict=True)
        if pixels > 0
    }
    spacing = metadata.get("spacing")
    return {**sizes, "Z": abs(float(spacing)) * unit} if spacing else sizes


def can_hold(stack: Stack) -> bool:
    """Return whether ImageJ's own kind of TIFF can hold the stack."""
    size = prod(stack.data.shape) * stack.data.dtype.itemsize
    return stack.data.dtype.name in _DTYPES and size < _LARGEST


def metadata_for(stack: Stack) -> dict[str, Any]:
    """Return what the source said, brought up to date for the stack."""
    metadata = {
        key: value
        for key, value in stack.extra.get("imagej", {}).items()
        if key not in _COUNTS
    }
    _select_channel(metadata, stack)
    _rescale(metadata, stack)
    if stack.pixel_size:
        unit = micrometres(str(metadata.get("unit", "")))
        if not unit:
            metadata["unit"], unit = "micron", 1.0
        if "Z" in stack.pixel_size:
            metadata["spacing"] = stack.pixel_size["Z"] / unit
    if stack.time_step is not None:
        factor = seconds(str(metadata.get("tunit", "s")))
        metadata["finterval"] = stack.time_step / (factor or 1.0)
    colours = [channel.colour for channel in stack.channels]
    if "LUTs" not in metadata and colours and all(colours):
        # (3, 256) ramps from black to the colour of a channel
        ramps = [np.outer(colour, np.arange(256)) / 255 for colour in colours if colour]
        metadata["LUTs"] = [np.rint(ramp).astype(np.uint8) for ramp in ramps]
    return {key: _ascii(key, value) for key, value in metadata.items()}


def resolution_for(stack: Stack, metadata: Mapping[str, Any]) -> tuple[float, float]:
    """Return the pixels a unit of `metadata`, along X and Y."""
    unit = micrometres(str(metadata.get("unit", ""))) or 1.0
    x, y = (unit / stack.pixel_size.get(axis, unit) for axis in "XY")
    return x, y


def colormap_for(stack: Stack) -> NDArray[np.uint16] | None:
    """Return the look-up table that the pages of the source have."""
    colormap: NDArray[np.uint16] | None = stack.extra.get("colormap")
    if colormap is None or colormap.shape != (3, 256) or "channel" in stack.extra:
        return None
    return None if stack.data.dtype == np.int16 else colormap


def description(
    shape: tuple[int, ...], axes: str, metadata: Mapping[str, Any], history: History
) -> str:
    """Return the text that ImageJ reads, with a line for the history."""
    said = {key: value for key, value in metadata.items() if key not in _BINARY}
    text = tifffile.imagej_description(shape, axes=axes, **said)
    return f"{text}{_HISTORY}={to_json(history)}\n" if history else text


def _select_channel(metadata: dict[str, Any], stack: Stack) -> None:
    """Leave the settings of the channel that the stack was reduced to."""
    if "channel" not in stack.extra:
        return
    number = stack.extra["channel"]
    count = stack.extra["imagej"].get("channels", 1)
    metadata.pop("mode", None)
    for key, width in (("LUTs", 1), ("Ranges", 2)):
        if len(metadata.get(key, ())) == width * count:
            metadata[key] = metadata[key][width * number : width * (number + 1)]
    if "Labels" in metadata:
        metadata["Labels"] = _list(metadata["Labels"])[number::count]


def _rescale(metadata: dict[str, Any], stack: Stack) -> None:
    """Move what is given in pixels to the stack's grid, or drop it."""
    plane = stack.extra.get("plane", stack.data.shape[-2:])
    if plane == stack.data.shape[-2:]:
        return
    for key in _PLACED:
        metadata.pop(key, None)
    for key, before, after in zip(
        _ORIGIN, plane[::-1], stack.data.shape[:-3:-1], strict=True
    ):
        if key in metadata:
            metadata[key] = metadata[key] * after / before


def _list(value: Any) -> list[Any]:
    """Return the values of a key that is not a list where it has one value."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _ascii(key: str, value: Any) -> Any:
    """Return a value of the description in ASCII, as Java escapes it."""
    if key in _BINARY or not isinstance(value, str):
        return value
    return "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in value)
