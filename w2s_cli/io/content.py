"""What the formats share: from the words of a file to a stack, and the history."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.io.axes import given_axes, known_axes, plane_numbers
from w2s_cli.io.single_precision import can_be_read
from w2s_cli.io.wanted import Wanted
from w2s_cli.stack import Channel, Stack, split_index

History = tuple[Mapping[str, Any], ...]

_MOST_PLANES = 1 << 24  # whose places are held in memory
_STEP = 8 << 20  # bytes that are read at a time


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds, in its own order and its own words."""

    # One letter an axis, Y and X last; S for samples, others than TCZ are unknown
    axes: str
    shape: tuple[int, ...]  # the lengths of the axes
    dtype: np.dtype[Any]  # the type of the pixels in the file
    # Returns the (Y, X) plane of a number, counted in the order of the file
    read: Callable[[int], NDArray[Any]]
    # The rest as in `Stack`
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    time_step: float | None = None
    channels: tuple[Channel, ...] = ()
    history: History = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    # Returns the rows and columns of a plane without reading all of it, and how many
    # of both it reads at a time; None where planes are read whole
    read_part: Callable[[int, slice, slice], NDArray[Any]] | None = None
    chunk: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class _Planes:
    """Pixels whose planes are read from a file when they are asked for, in turn."""

    numbers: NDArray[np.intp]  # of the planes in the file, one axis a leading axis
    plane_shape: tuple[int, int]
    dtype: np.dtype[Any]
    read: Callable[[int], NDArray[Any]]
    read_part: Callable[[int, slice, slice], NDArray[Any]] | None
    lock: RLock = field(default_factory=RLock)  # a file has one place to read at

    @property
    def shape(self) -> tuple[int, ...]:
        return self.numbers.shape + self.plane_shape

    def __getitem__(self, index: tuple[Any, ...], /) -> NDArray[Any]:
        at, part = split_index(index)
        number = int(self.numbers[at])
        with self.lock:
            if part and self.read_part:
                pixels = self.read_part(number, *part)
            else:
                pixels = self.read(number)
                pixels = pixels[part] if part else pixels
        return pixels.astype(self.dtype, copy=False)


def as_stack(content: Content, wanted: Wanted, path: Path) -> Stack:
    """Return the stack, with its axes named by the user, the file, or convention."""
    if "series" not in content.extra:
        wanted.place([""])  # raises where another than the only image is wanted
    if 0 in content.shape:
        raise InputError(
            f"{path} has no pixels: its shape is {content.shape}", hint="save it again"
        )
    if not can_be_read(content.dtype):
        raise InputError(
            f"{path} has pixels of type {content.dtype.name}, which w2s does not take",
            hint="convert it to uint8, uint16 or float32 first, "
            "for example with Fiji: Image > Type > 32-bit",
        )
    dtype = content.dtype.newbyteorder("=")
    guessed: tuple[str, ...] = ()
    axes, shape = content.axes, content.shape
    if wanted.axes:
        axes, shape = given_axes(wanted.axes, axes, shape, path)
    else:
        axes, guessed = known_axes(axes, shape, path)
    *lead, height, width = shape
    if prod(lead) > _MOST_PLANES:
        raise InputError(
            f"{path} promises {prod(lead)} planes, and w2s takes {_MOST_PLANES} at "
            "most",
            hint="copy or export it again, or in several files if it has them all",
        )
    names, numbers = plane_numbers(axes[:-2], (*lead,))
    extra = {**content.extra, "plane": (height, width)}
    if guessed:
        extra["axes guessed"] = True
    count = numbers.shape[names.index("C")] if "C" in names else 1
    channels = content.channels
    if 0 < len(channels) < count and not wanted.axes:  # those that the file forgot
        channels += (Channel(),) * (count - len(channels))
    return Stack(
        data=_Planes(numbers, (height, width), dtype, content.read, content.read_part),
        axes=f"{names}YX",
        pixel_size=content.pixel_size,
        time_step=content.time_step,
        channels=channels if len(channels) == count else (),
        history=content.history,
        extra=extra,
        warnings=(*content.warnings, *guessed),
        chunk=content.chunk if content.read_part else None,
    )


def read_into(readinto: Callable[[Any], int | None], buffer: memoryview) -> int:
    """Fill a buffer by a file's method, and return how much of it could be.

    It takes no long steps: signals are heard between them.
    """
    filled = 0
    while filled < len(buffer):
        count = readinto(buffer[filled : filled + _STEP])
        if not count:
            break
        filled += count
    return filled


def lookup_colour(palette: NDArray[np.integer[Any]]) -> tuple[int, int, int] | None:
    """Return the colour of an (N, 3) look-up table; None for a picture's palette."""
    # In a look-up table brightness rises evenly: its numbers are intensities.
    brightness = palette.max(axis=1).astype(float)
    even = np.linspace(0, 255, len(palette))
    if np.abs(brightness - even).max() > 1:
        return None
    red, green, blue = (int(value) for value in palette[-1])
    return red, green, blue


def to_json(history: Sequence[Mapping[str, Any]]) -> str:
    """Return the history as one line of ASCII."""
    return json.dumps([dict(entry) for entry in history])


def from_json(text: str) -> History:
    """Return the history in `text`; none where another program has spoilt it."""
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(entries, list):
        return ()
    return tuple(entry for entry in entries if isinstance(entry, dict))
