"""What the programs of microscopes say in a TIFF, in words of their own.

Micro-Manager, ScanImage, MetaMorph (STK), Zeiss (LSM), Olympus, and tifffile itself.
"""

import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import tifffile

from w2s_cli.io.units import micrometres, positive, seconds
from w2s_cli.stack import Channel

Axes = tuple[str, tuple[int, ...]]
_BAD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_MICROMANAGER = 51123  # the tag
_MM_AXES = {"time": "T", "z": "Z", "channel": "C"}
_MM_INDICES = {"FrameIndex": "T", "SliceIndex": "Z", "ChannelIndex": "C"}
_METRE = 1e6  # micrometres


def maker_axes(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Axes | None:
    """Return the axes of planes that tifffile leaves unnamed, and their lengths."""
    try:
        if file.pages.first.is_scanimage:
            found = _scanimage_axes(_text(file), len(series))
        elif file.is_stk:
            found = _stk_axes(file.stk_metadata or {})
        elif file.is_micromanager and series.kind in ("uniform", "generic"):
            found = _micromanager_axes([_said(page) for page in series])
        else:
            return None
    except _BAD:
        return None
    if not found or prod(found[1]) != prod(series.shape[:-2]):
        return None
    long = [(axis, n) for axis, n in zip(*found, strict=True) if n > 1]
    return "".join(axis for axis, _ in long), tuple(n for _, n in long)


def maker_metadata(
    file: tifffile.TiffFile, series: tifffile.TiffPageSeries
) -> dict[str, Any]:
    """Return pixel size, time step and channels, those that are known."""
    try:
        if series.kind == "shaped":
            step, unit, sizes, names = _shaped((file.shaped_metadata or ({},))[0])
        elif file.is_stk:
            step, unit, sizes, names = _stk(file.stk_metadata or {})
        elif file.is_lsm:
            step, unit, sizes, names = _lsm(file.lsm_metadata or {})
        elif file.pages.first.is_scanimage:
            step, unit, sizes, names = _scanimage(_text(file))
        elif file.is_micromanager:
            step, unit, sizes, names = _micromanager(file, series)
        elif file.is_sis:
            said = file.sis_metadata or {}
            per = {axis: said.get(f"pixelsize{axis.lower()}") for axis in "XY"}
            step, unit, sizes, names = None, _METRE, per, []
        elif file.is_fluoview:
            rows = (file.fluoview_metadata or {}).get("Dimensions", [])
            step, unit, sizes, names = None, 1.0, _fluoview(rows), []
        else:
            return {}
    except _BAD:
        return {}
    known = [(axis, positive(size)) for axis, size in sizes.items()]
    return {
        "pixel_size": {axis: size * unit for axis, size in known if size},
        "time_step": positive(step),
        "channels": tuple(Channel(str(name)) for name in names),
    }


_Found = tuple[Any, float, Mapping[str, Any], Sequence[Any]]


def _shaped(said: Mapping[str, Any]) -> _Found:
    """Return what tifffile wrote of the metadata that it was given."""
    unit = micrometres(str(said.get("unit", "um"))) or 0.0
    sizes = {"Z": positive(said.get("spacing")) or 0.0}
    sizes = {axis: size * unit for axis, size in sizes.items()}
    for axis in "XYZ":
        size = positive(said.get(f"PhysicalSize{axis}"))
        each = micrometres(str(said.get(f"PhysicalSize{axis}Unit", "um")))
        if size and each:
            sizes[axis] = size * each
    channel = said.get("Channel", {})
    if isinstance(channel, Mapping):
        names = channel.get("Name", [])
    else:
        names = [one.get("Name", "") for one in channel]
    names = [names] if isinstance(names, str) else names
    step = positive(said.get("TimeIncrement")) or positive(said.get("finterval"))
    factor = seconds(str(said.get("TimeIncrementUnit", said.get("tunit", "s"))))
    return (step or 0) * (factor or 0), 1.0, sizes, names


def _fluoview(rows: Sequence[Sequence[Any]]) -> dict[str, float]:
    """Return micrometres of rows of axis, length, origin, size and unit."""
    found = {str(row[0]): (float(row[3]), micrometres(str(row[4]))) for row in rows}
    return {a: size * f for a, (size, f) in found.items() if a in "XYZ" and f}


def _stk(said: Mapping[str, Any]) -> _Found:
    unit = micrometres(str(said.get("CalibrationUnits", ""))) or 0.0
    calibrated = said.get("SpatialCalibration", 1)
    sizes = {a: said.get(f"{a}Calibration") for a in "XY"} if calibrated else {}
    sizes["Z"] = abs(float(np.median(said.get("ZDistance", [0]))))
    waves = list(dict.fromkeys(float(wave) for wave in said.get("Wavelengths", [])))
    names = [f"{wave:g} nm" for wave in waves] if all(waves) else []
    times = np.diff(np.asarray(said.get("TimeCreated", [0]), dtype=np.int64))
    in_depth = bool(sizes["Z"])  # the times are those of slices
    step = float(np.median(times)) / 1000 if len(times) and not in_depth else None
    return step, unit, sizes, names


def _stk_axes(said: Mapping[str, Any]) -> Axes | None:
    """Return the axes of planes in several wavelengths."""
    waves = [float(wave) for wave in said.get("Wavelengths", [])]
    different = list(dict.fromkeys(waves))
    count, rest = len(different), len(waves) // max(len(different), 1)
    if not 1 < count < len(waves):
        return None
    axis = "Z" if np.all(said.get("ZDistance", 0)) else "T"
    if waves == different * rest:
        return axis + "C", (rest, count)
    if waves == [wave for wave in different for _ in range(rest)]:
        return "C" + axis, (count, rest)
    return None


def _lsm(said: Mapping[str, Any]) -> _Found:
    sizes = {axis: said.get(f"VoxelSize{axis}") for axis in "XYZ"}
    names = said.get("ChannelColors", {}).get("ColorNames", [])
    return said.get("TimeIntervall"), _METRE, sizes, names


def _text(file: tifffile.TiffFile) -> str:
    """Return what ScanImage says, in the one tag or the other."""
    return f"{file.pages.first.software}\n{file.pages.first.description}"


def _number(text: str, *names: str) -> float | None:
    """Return the first number that one of some settings has."""
    for name in names:
        if match := re.search(rf"{name}\s*=\s*'?(-?[\d.]+(?:e-?\d+)?)", text):
            return float(match[1])
    return None


def _scanimage_channels(text: str) -> int:
    if match := re.search(r"channels?Save\s*=\s*(\[[^\]]*\]|\d+)", text):
        return len(re.findall(r"\d+", match[1]))
    return len(re.findall(r"state\.acq\.savingChannel\d+\s*=\s*1", text))


def _scanimage_axes(text: str, pages: int) -> Axes | None:
    channels = _scanimage_channels(text)
    if not channels or pages % channels:
        return None
    rest = pages // channels
    slices = int(
        _number(text, r"\.actualNumSlices", r"\.numSlices", "ckNumSlices", r"ZSlices")
        or 1
    )
    frames = int(_number(text, "framesPerSlice", r"acqNumFrames", r"berOfFrames") or 1)
    if slices > 1 and rest == slices * frames:
        return "ZTC", (slices, frames, channels)
    if slices > 1 and frames == 1 and not rest % slices:  # volumes
        return "TZC", (rest // slices, slices, channels)
    return "TC", (rest, channels)


def _scanimage(text: str) -> _Found:
    depth = abs(_number(text, "ackZStepSize", r"zStepSize") or 0.0)
    rate = _number(text, "scanFrameRate", r"state\.acq\.frameRate")
    volumes = (_number(text, r"\.numSlices", "ckNumSlices", "ZSlices") or 1) > 1
    step = 1 / rate if rate and not volumes else None
    names = re.search(r"channelName\s*=\s*\{([^}]*)\}", text)
    saved = re.search(r"channels?Save\s*=\s*(\[[^\]]*\]|\d+)", text)
    every = re.findall(r"'([^']*)'", names[1]) if names else []
    numbers = [int(n) for n in re.findall(r"\d+", saved[1])] if saved else []
    kept = (
        [every[n - 1] for n in numbers]
        if numbers and max(numbers) <= len(every)
        else []
    )
    return step, 1.0, {"Z": depth}, kept


def _said(page: Any) -> Mapping[str, Any]:
    """Return what Micro-Manager says of a page."""
    tags = page.tags if isinstance(page, tifffile.TiffPage) else page.aspage().tags
    value = tags[_MICROMANAGER].value
    return value if isinstance(value, Mapping) else {}


def _micromanager(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> _Found:
    first = _said(file.pages.first) if _MICROMANAGER in file.pages.first.tags else {}
    summary = (file.micromanager_metadata or {}).get("Summary", {})
    size = first.get("PixelSizeUm") or summary.get("PixelSize_um")
    depth = first.get("ZStepUm") or summary.get("z-step_um")
    names = summary.get("ChNames", [])
    if not names and series.kind in ("uniform", "generic"):
        rows = [_mm_place(_said(page)).get("C") for page in series]
        names = [n for n in dict.fromkeys(rows) if isinstance(n, str)]
    step = float(summary.get("Interval_ms") or 0) / 1000
    return step, 1.0, {"X": size, "Y": size, "Z": depth}, names


def _mm_place(said: Mapping[str, Any]) -> dict[Any, Any]:
    """Return where Micro-Manager says that a plane is: its place along each axis."""
    axes = said.get("Axes")
    if isinstance(axes, Mapping):
        return {_MM_AXES.get(str(name), name): place for name, place in axes.items()}
    return {axis: said[name] for name, axis in _MM_INDICES.items() if name in said} | {
        "position": said.get("PositionIndex", 0)
    }


def _micromanager_axes(pages: Sequence[Mapping[str, Any]]) -> Axes | None:
    """Return the axes along which planes follow each other, if they leave none out."""
    places = [_mm_place(page) for page in pages]
    values = {a: list(dict.fromkeys(one[a] for one in places)) for a in places[0]}
    long = {axis: found for axis, found in values.items() if len(found) > 1}
    if set(long) - set("TZC"):
        return None  # several positions
    # The axis whose place changes last comes first.
    first = {
        a: next(n for n, one in enumerate(places) if one[a] != v[0])
        for a, v in long.items()
    }
    order = sorted(long, key=lambda axis: -first[axis])
    shape = tuple(len(long[axis]) for axis in order)
    expected = (
        {axis: long[axis][at] for axis, at in zip(order, index, strict=True)}
        for index in np.ndindex(*shape)
    )
    if len(pages) != prod(shape) or any(
        {axis: one[axis] for axis in order} != right
        for one, right in zip(places, expected, strict=True)
    ):
        return None
    return "".join(order), shape
