"""What is left of an image of which planes are missing: the whole time points, say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError, few
from w2s_cli.io.content import Content

_WORDS = {"T": "time points", "Z": "slices", "C": "channels"}


def without_missing(
    content: Content, there: NDArray[np.bool_], path: Path, reason: str
) -> Content:
    """Return the largest part of an image, along one axis, that has all its planes.

    `there` says it of each plane, in the order of the file. What is left of each axis
    that is shortened is "kept" in `extra`, and the planes that are left are "numbers".
    """
    if there.all():
        return content
    if not there.any():
        raise InputError(
            f"{path} is truncated: of {there.size} planes that it promises none is "
            f"whole{reason}",
            hint="copy or export it again",
        )
    *lead, height, width = content.shape
    numbers = np.arange(there.size).reshape(lead)
    kept = _kept(there.reshape(lead))
    for axis, places in kept.items():
        numbers = numbers.take(places, axis)
    axes, flat, read = content.axes, numbers.ravel(), content.read
    part = content.read_part
    long = [axis for axis, length in enumerate(numbers.shape) if length > 1]
    named = {axes[axis]: places for axis, places in kept.items()}
    rest = "; ".join(
        f"{_WORDS.get(axis, 'planes')} {_ranges(places)} of {lead[axes.index(axis)]}"
        for axis, places in named.items()
    )
    message = (
        f"{there.sum()} of {there.size} planes that it promises are there{reason}: "
        f"{rest} are used. Copy or export it again if more were taken"
    )
    return replace(
        content,
        axes="".join(axes[axis] for axis in long) + "YX",
        shape=(*(numbers.shape[axis] for axis in long), height, width),
        read=lambda number: read(int(flat[number])),
        read_part=part and (lambda number, *of: part(int(flat[number]), *of)),
        **_without_gaps(content, named),
        channels=tuple(
            channel
            for place, channel in enumerate(content.channels)
            if place in named.get("C", (place,))
        ),
        extra={**content.extra, "kept": named, "numbers": [*flat]},
        warnings=(*content.warnings, message),
    )


def _kept(grid: NDArray[np.bool_]) -> dict[int, list[int]]:
    """Return for the axes that are shortened which places are left of them."""
    whole = {
        axis: np.flatnonzero(np.moveaxis(grid, axis, 0).reshape(length, -1).all(axis=1))
        for axis, length in enumerate(grid.shape)
    }
    best = max(whole, key=lambda axis: len(whole[axis]) / grid.shape[axis])
    if len(whole[best]):
        return {best: [int(place) for place in whole[best]]}
    # No part is whole along any one axis: the best place of the slowest axis, then.
    first = int(np.argmax(grid.reshape(len(grid), -1).sum(axis=1)))
    if grid[first].all():
        return {0: [first]}
    inner = _kept(grid[first])
    return {0: [first], **{axis + 1: places for axis, places in inner.items()}}


def _without_gaps(content: Content, kept: dict[str, list[int]]) -> dict[str, Any]:
    """Return the distances that still hold: none over a gap."""
    gaps = {
        axis for axis, places in kept.items() if places[-1] - places[0] >= len(places)
    }
    sizes = {a: size for a, size in content.pixel_size.items() if a not in gaps}
    return {
        "pixel_size": sizes,
        "time_step": None if "T" in gaps else content.time_step,
    }


def _ranges(places: list[int]) -> str:
    """Return places in words, counted from 1 as in Fiji: 1-3, 5."""
    starts = [place for place in places if place - 1 not in places]
    ends = [place for place in places if place + 1 not in places]
    return few(
        [
            f"{start + 1}-{end + 1}" if end > start else str(start + 1)
            for start, end in zip(starts, ends, strict=True)
        ]
    )
