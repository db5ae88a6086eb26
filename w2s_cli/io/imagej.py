"""ImageJ's own metadata: the description, and its display settings."""

from collections.abc import Iterator, Mapping
from math import isfinite, prod
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from w2s_cli.io.content import History, from_json, to_json
from w2s_cli.io.regions import regions_move, scaled_imagej
from w2s_cli.io.resolution import MOST, Resolution, kept_resolution
from w2s_cli.io.units import is_printed, is_uncalibrated, micrometres, positive, seconds
from w2s_cli.stack import Channel, Stack

ORDER = "TZCYX"  # of the axes in a hyperstack
_HISTORY = "w2s"
_DTYPES = ("uint8", "uint16", "int16", "float32")
_LARGEST = 2**32 - 2**25  # bytes; less than 4 GiB by what the metadata may take
_COUNTS = ("images", "channels", "slices", "frames", "order", "axes", _HISTORY)
_PLACED = ("ROI", "Overlays")  # in pixels of the source's grid
_ORIGIN = ("xorigin", "yorigin")
_OWN = ("Info", "Labels", "Ranges", "ROI", "Overlays", "xorigin", "yorigin", "vunit")
# What ImageJ keeps in a tag of its own, and the types that tifffile reads it as
BINARY: dict[str, tuple[type, ...]] = {
    **{"Info": (str,), "Labels": (str, list), "Properties": (str, list)},
    **{"Ranges": (tuple,), "LUTs": (list, np.ndarray), "Plot": (bytes,)},
    **dict.fromkeys(_PLACED, (bytes, list)),
}


def read_metadata(
    metadata: Mapping[str, Any], resolution: Resolution
) -> dict[str, Any]:
    """Return fields of a `Stack`."""
    metadata = {
        key: value
        for key, value in metadata.items()
        if key not in BINARY or isinstance(value, BINARY[key])
    }
    return {
        "pixel_size": _pixel_size(metadata, resolution),
        "time_step": _time_step(metadata),
        "channels": tuple(
            Channel(colour=(int(lut[0, 255]), int(lut[1, 255]), int(lut[2, 255])))
            for lut in _list(metadata.get("LUTs"))
            if lut.shape == (3, 256)
        ),
        "history": from_json(str(metadata.get(_HISTORY, ""))),
        "extra": {"imagej": metadata},
        "warnings": tuple(_not_understood(metadata, resolution)),
    }


def _pixel_size(
    metadata: Mapping[str, Any], resolution: Resolution
) -> dict[str, float]:
    units = _units(metadata, resolution)
    spacing = metadata.get("spacing")
    # ImageJ writes a negative distance for a stack that was taken downwards.
    depth = positive(abs(spacing) if isinstance(spacing, int | float) else spacing)
    per_unit = {axis: resolution.along(axis) for axis in "XY"}
    sizes = {axis: 1 / number for axis, number in per_unit.items() if number}
    sizes |= {"Z": depth} if depth else {}
    return {a: size * unit for a, size in sizes.items() if (unit := units[a])}


def _units(
    metadata: Mapping[str, Any], resolution: Resolution
) -> dict[str, float | None]:
    """Return the micrometres of the unit along X, Y and Z; None where it is unknown.

    The tag of the resolution has a unit, too, which counts where no other is named.
    """
    said = {"X": metadata.get("unit", ""), "Y": metadata.get("yunit")}
    said["Z"] = metadata.get("zunit")
    named = said["X"] != ""
    general = micrometres(str(said["X"])) if named else resolution.micrometres
    units = {
        axis: general if text is None or axis == "X" else micrometres(str(text))
        for axis, text in said.items()
    }
    for axis in "XY":
        number, unit = resolution.along(axis), units[axis]
        if number and unit and is_printed(number, unit):
            units[axis] = None
    return units


def _time_step(metadata: Mapping[str, Any]) -> float | None:
    step = positive(metadata.get("finterval"))
    factor = seconds(str(metadata.get("tunit", "s")))
    return step * factor if step and factor else None


def _not_understood(
    metadata: Mapping[str, Any], resolution: Resolution
) -> Iterator[str]:
    """Say which lengths and times stay as they are because nobody can tell them."""
    kept = "it is kept as it is, and not used"
    for key in ("unit", "yunit", "zunit"):
        text = str(metadata.get(key, ""))
        if not is_uncalibrated(text) and not micrometres(text):
            yield f"its unit of length, {text!r}, is not known: {kept}"
    for key, what in (("spacing", "distance of planes"), ("finterval", "time step")):
        value = metadata.get(key)
        if isinstance(value, str):
            yield f"its {what}, {value!r}, is no number: {kept}"
        elif isinstance(value, float) and not isfinite(value):
            yield f"its {what} is {value}, no number: it is left out"
    tunit = str(metadata.get("tunit", "s"))
    if "finterval" in metadata and not seconds(tunit):
        yield f"its unit of time, {tunit!r}, is not known: {kept}"


def reduced(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of the planes and channels that `missing_planes` has left."""
    metadata, numbers = dict(extra["imagej"]), extra["numbers"]
    if labels := _list(metadata.get("Labels")):
        metadata["Labels"] = [labels[n] for n in numbers if n < len(labels)]
    if channels := extra["kept"].get("C"):
        count = metadata["channels"]
        for key, width in (("LUTs", 1), ("Ranges", 2)):
            values = _list(metadata.get(key))
            if len(values) == width * count:
                spans = (values[width * n : width * (n + 1)] for n in channels)
                metadata[key] = [value for span in spans for value in span]
        metadata["channels"] = len(channels)
    return metadata


def can_hold(stack: Stack) -> bool:
    """Return whether ImageJ's own kind of TIFF can hold the stack."""
    size = prod(stack.data.shape) * stack.data.dtype.itemsize
    if stack.data.dtype.name not in _DTYPES or size >= _LARGEST:
        return False
    numbers = resolution_for(stack, metadata_for(stack))["resolution"]
    return all(1 / MOST <= number <= MOST for number in numbers)


def metadata_for(stack: Stack) -> dict[str, Any]:
    """Return what the source said, brought up to date for the stack."""
    metadata = {
        key: value
        for key, value in stack.extra.get("imagej", {}).items()
        if key not in _COUNTS
    }
    _select_channel(metadata, stack)
    _rescale(metadata, stack)
    _calibrate(metadata, stack)
    colours = [channel.colour for channel in stack.channels]
    if "LUTs" not in metadata and colours and all(colours):
        # (3, 256) ramps from black to the colour of a channel
        ramps = [np.outer(colour, np.arange(256)) / 255 for colour in colours if colour]
        metadata["LUTs"] = [np.rint(ramp).astype(np.uint8) for ramp in ramps]
    return {key: _ascii(key, value) for key, value in metadata.items()}


def _calibrate(metadata: dict[str, Any], stack: Stack) -> None:
    """Say the sizes and the time step of the stack in the units of its source.

    What is as it was in the source stays as it is written there.
    """
    source = stack.extra.get("resolution", Resolution())
    before, step = _pixel_size(metadata, source), _time_step(metadata)
    units = _units(metadata, source)
    if any(axis in stack.pixel_size and not units[axis] for axis in "XY"):
        for key in ("yunit", "zunit", "spacing"):
            metadata.pop(key, None)
        metadata["unit"] = "micron"
        before, units = {}, dict.fromkeys("XYZ", 1.0)
    elif "unit" in metadata and not (source.x or source.y):
        # ImageJ would take a missing number of pixels for 1.
        metadata.setdefault("zunit", metadata.pop("unit"))
    for key in ("spacing", "finterval"):
        if isinstance(value := metadata.get(key), float) and not isfinite(value):
            del metadata[key]
    depth = stack.pixel_size.get("Z")
    if depth and depth != before.get("Z"):
        if not units["Z"]:
            metadata["zunit"] = "micron"
        metadata["spacing"] = depth / (units["Z"] or 1.0)
    elif "Z" in before and not depth:
        del metadata["spacing"]
    if stack.time_step is not None and stack.time_step != step:
        factor = seconds(str(metadata.get("tunit", "s")))
        if not factor:
            metadata["tunit"] = "sec"
        metadata["finterval"] = stack.time_step / (factor or 1.0)


def resolution_for(stack: Stack, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pixels a unit of `metadata` along X and Y, and the unit of the tag."""
    source = stack.extra.get("resolution", Resolution())
    units, before = _units(metadata, source), _pixel_size(metadata, source)
    numbers = [
        unit / size
        if (size := stack.pixel_size.get(axis)) and (unit := units[axis])
        else (axis not in before and kept_resolution(stack, axis)) or 1.0
        for axis in "XY"
    ]
    text = str(metadata.get("unit", ""))
    if (source.x, source.y) == (1.0, 1.0) and is_uncalibrated(text):
        numbers = [1.0, 1.0]  # what ImageJ writes where it knows of no calibration
    unit = (not text and source.unit) or 1
    return {"resolution": tuple(numbers), "resolutionunit": unit}


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
    said = {key: value for key, value in metadata.items() if key not in BINARY}
    text = tifffile.imagej_description(shape, axes=axes, **said)
    # Damaged files have letters in names that no program would write.
    text = text.encode("ascii", "backslashreplace").decode("ascii")
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
    """Move what is given in pixels to the stack's grid, or drop what cannot be."""
    factor = regions_move(stack)
    for key in _PLACED:
        regions = (scaled_imagej(one, factor) for one in _list(metadata.pop(key, None)))
        if kept := [region for region in regions if region]:
            metadata[key] = kept if key == "Overlays" else kept[0]
    for key in _ORIGIN:
        origin = metadata.get(key)
        if factor and isinstance(origin, int | float):
            metadata[key] = origin * factor
        elif not factor:
            metadata.pop(key, None)


def left_out(stack: Stack) -> list[str]:
    """Return what cannot be moved to the grid of the stack."""
    said, factor = stack.extra.get("imagej", {}), regions_move(stack)
    regions = [region for key in _PLACED for region in _list(said.get(key))]
    lost = [one for one in regions if not scaled_imagej(one, factor)]
    what = f"{len(lost)} regions of interest, which cannot follow the pixels"
    return [what] if lost else []


def has_no_place_in_ome(stack: Stack) -> list[str]:
    """Return what the source says that a file for other programs does not hold."""
    return [key for key in _OWN if key in stack.extra.get("imagej", {})]


def _list(value: Any) -> list[Any]:
    """Return the values of a key that is not a list where it has one value."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _ascii(key: str, value: Any) -> Any:
    """Return a value of the description in ASCII, as Java escapes it."""
    if key in BINARY or not isinstance(value, str):
        return value
    return "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in value)
