"""The JSON of OME-NGFF 0.4 and 0.5 for an image that w2s writes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from w2s_cli import __version__
from w2s_cli.io.content import History
from w2s_cli.io.ngff_metadata import objects
from w2s_cli.stack import Stack

_TYPES = {"T": "time", "C": "channel"}
_UNITS = {"T": "second", "Z": "micrometer", "Y": "micrometer", "X": "micrometer"}
_WHITE = "FFFFFF"


def pending(
    stack: Stack,
    size: Mapping[str, float],
    shape: tuple[int, ...],
    levels: int,
    version: str,
) -> dict[str, Any]:
    """Return all that is known of an image before its pixels are.

    `size` is that of its pixels, in micrometres.
    """
    stored = stack.extra.get("axes stored", "")
    fits = set(stack.axes) <= set(stored) <= set("TCZYX")
    axes = "".join(one for one in "TCZYX" if one in (stored if fits else stack.axes))
    known = {**size, **({"T": stack.time_step} if stack.time_step else {})}
    multiscale = {
        **({"version": version} if version == "0.4" else {}),
        "axes": [_axis(axis, known) for axis in axes],
        "datasets": [_dataset(stack, axes, known, level) for level in range(levels)],
        "type": "mean",
        "metadata": {
            "description": "means of 2 x 2 pixels",
            "method": "w2s",
            "version": __version__,
        },
    }
    return {
        "ngff": version,
        "axes": stack.axes,
        "stored": axes,
        "shape": [*shape],
        "dtype": str(stack.data.dtype),
        "multiscale": multiscale,
        "omero": _omero(stack),
        "attributes": dict(stack.extra.get("attributes", {})),
    }


def _axis(axis: str, known: Mapping[str, float]) -> dict[str, str]:
    unit = {"unit": _UNITS[axis]} if axis in known and axis in _UNITS else {}
    return {"name": axis.lower(), "type": _TYPES.get(axis, "space"), **unit}


def _dataset(
    stack: Stack, axes: str, known: Mapping[str, float], level: int
) -> dict[str, Any]:
    """Return a level: the size of its pixels, and where the middle of the first is."""
    factor = {axis: 2.0**level if axis in "YX" else 1.0 for axis in axes}
    first = {axis: known.get(axis, 1.0) for axis in axes}
    origin = dict.fromkeys(axes, 0.0) | {
        # A finer grid begins before the middle of the source's first pixel.
        axis: at + (first[axis] - stack.pixel_size.get(axis, first[axis])) / 2
        for axis, at in stack.extra.get("origin", {}).items()
        if axis in axes
    }
    scale = [first[axis] * factor[axis] for axis in axes]
    moved = [origin[axis] + first[axis] * (factor[axis] - 1) / 2 for axis in axes]
    transforms: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
    if any(moved):
        transforms.append({"type": "translation", "translation": moved})
    return {"path": str(level), "coordinateTransformations": transforms}


def _omero(stack: Stack) -> dict[str, Any]:
    """Return what OMERO is told of the channels, without their windows."""
    said = stack.extra.get("omero", {})
    before = objects(said.get("channels"))
    if "channel" in stack.extra:
        number = stack.extra["channel"]
        before = before[number : number + 1]
    if len(before) != stack.channel_count:
        before = [{}] * stack.channel_count
    if not any(before) and not stack.channels:
        return {}
    channels = []
    for number, old in enumerate(before):
        own = stack.channels[number] if stack.channels else None
        colour = bytes(own.colour).hex().upper() if own and own.colour else _WHITE
        named = {"label": own.name} if own and own.name else {}
        channels.append({"active": True, **old, "color": colour, **named})
    return {**said, "channels": channels}


def finished(
    said: Mapping[str, Any], windows: Sequence[tuple[float, float]], history: History
) -> dict[str, Any]:
    """Return the attributes of a whole image."""
    own: dict[str, Any] = {"multiscales": [said["multiscale"]]}
    if said["omero"]:
        dtype = np.dtype(said["dtype"])
        channels = [
            {**channel, "window": _window(channel.get("window"), dtype, window)}
            for channel, window in zip(said["omero"]["channels"], windows, strict=True)
        ]
        with_channels = {**own, "omero": {**said["omero"], "channels": channels}}
        # What the source says of its channels may be no valid metadata.
        own = with_channels if _is_valid(with_channels, said["ngff"]) else own
    w2s = {"w2s": {"history": [dict(one) for one in history]}} if history else {}
    if said["ngff"] == "0.4":
        return {**said["attributes"], **own, **w2s}
    return {**said["attributes"], "ome": {"version": said["ngff"], **own}, **w2s}


def _is_valid(own: Mapping[str, Any], version: str) -> bool:
    import yaozarrs
    from pydantic import ValidationError

    model = yaozarrs.v04.Image if version == "0.4" else yaozarrs.v05.Image
    try:
        model.model_validate({"version": version, **own} if version > "0.4" else own)
    except ValidationError:
        return False
    return True


def _window(old: Any, dtype: np.dtype[Any], seen: tuple[float, float]) -> Any:
    """Return the range that a channel is shown in: the source's, or what is there."""
    if isinstance(old, dict) and {"start", "end", "min", "max"} <= old.keys():
        return old
    low, high = seen
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    return {
        "start": low,
        "end": high,
        "min": float(limits.min) if limits else low,
        "max": float(limits.max) if limits else high,
    }
