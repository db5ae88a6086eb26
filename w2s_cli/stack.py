"""The one currency that every layer trades in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import AxesError, UsageError

AXES = "TCZYX"
LARGEST_WHOLE = 1 << 25
"""Pixels of a plane (5,792 x 5,792) up to which it is read, looked at and written as
one; all of a larger plane is never in memory."""


class Pixels(Protocol):
    """Pixels that may still be on disk: indexing the leading axes gives a plane.

    Every numpy array is one; so is a file that reads a plane when it is asked. Those of
    a stack that has a `chunk` also give a part of a plane: two slices more, of rows and
    of columns, each with a start, a stop inside the plane, and no step.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the lengths of the axes."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the type of a pixel."""
        ...

    def __getitem__(self, index: tuple[Any, ...], /) -> NDArray[Any]:
        """Return the (Y, X) plane at `index`, one integer a leading axis."""
        ...


def split_index(
    index: tuple[Any, ...],
) -> tuple[tuple[int, ...], tuple[slice, slice] | None]:
    """Return which plane `Pixels` are asked for, and which part: None for all of it."""
    if index and isinstance(index[-1], slice):
        return tuple(index[:-2]), (index[-2], index[-1])
    return tuple(index), None


@dataclass(frozen=True, slots=True)
class Computed:
    """Pixels of which a plane is computed when it is asked for."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    make: Callable[[tuple[int, ...]], NDArray[Any]] = field(repr=False)

    def __getitem__(self, index: tuple[Any, ...], /) -> NDArray[Any]:
        """Return the (Y, X) plane at `index`, or a part of it."""
        at, part = split_index(index)
        return self.make(at)[part] if part else self.make(at)


class Cached:
    """Pixels that keep the planes which were read last, up to so many bytes.

    A plane that is kept is not read again; threads wait for one another.
    """

    def __init__(self, source: Pixels, most: int) -> None:
        self.shape, self.dtype = source.shape, source.dtype
        self._source, self._most = source, most
        self._planes: dict[tuple[int, ...], NDArray[Any]] = {}
        self._lock = RLock()

    def __getitem__(self, index: tuple[Any, ...], /) -> NDArray[Any]:
        """Return the (Y, X) plane at `index`, or a part; it cannot be written to."""
        index, part = split_index(index)
        with self._lock:
            if part:
                plane = self._planes.get(index)
                return self._source[(*index, *part)] if plane is None else plane[part]
            plane = self._planes.pop(index, None)
            if plane is None:
                plane = self._source[index]
                plane.flags.writeable = False
                while self._planes and self._bytes + plane.nbytes > self._most:
                    del self._planes[next(iter(self._planes))]  # the oldest
            self._planes[index] = plane
            return plane

    @property
    def _bytes(self) -> int:
        return sum(plane.nbytes for plane in self._planes.values())


@dataclass(frozen=True, slots=True)
class Channel:
    """What a file says of one channel."""

    name: str = ""
    colour: tuple[int, int, int] | None = None  # red, green, blue, 0-255


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Pixels with names for their axes, and what is known of the image.

    Attributes
    ----------
    data
        Camera counts, as an array or as `Pixels` that are read plane by plane.
    axes
        A subset of "TCZYX", in that order, that ends in "YX".
    pixel_size
        Micrometres a pixel, for those of "Z", "Y" and "X" that are known.
    time_step
        Seconds between frames, if known.
    channels
        One a channel, or empty.
    history
        What was done to the pixels, oldest first; each a JSON object.
    extra
        What else the file said, for a writer of the same format to say again.
    warnings
        What of the file was not understood, is not there or was rounded, in sentences;
        complete when every plane was read.
    chunk
        The rows and columns that are read, decoded or computed together, at the least,
        for a part of a plane; None where `data` gives whole planes alone.
    """

    data: Pixels
    axes: str
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    time_step: float | None = None
    channels: tuple[Channel, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    chunk: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        known = "".join(axis for axis in AXES if axis in self.axes)
        if self.axes != known or not self.axes.endswith("YX"):
            raise AxesError(
                f"axes {self.axes!r} are not a subset of {AXES!r} that ends in 'YX'",
                hint="name them with --axes, for example --axes TYX",
            )
        if len(self.axes) != len(self.data.shape):
            raise AxesError(
                f"axes {self.axes!r} name {len(self.axes)} dimensions, "
                f"but the image has shape {self.data.shape}",
                hint="name every axis with --axes, for example --axes TYX",
            )
        if 0 in self.data.shape:
            raise AxesError(f"the image is empty: shape {self.data.shape}")

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        """Return all pixels as an array, every plane read."""
        if isinstance(self.data, np.ndarray):
            return np.array(self.data, dtype, copy=copy)
        if copy is False:
            raise ValueError("pixels that are read plane by plane must be copied")
        pixels = np.empty(self.data.shape, dtype or self.data.dtype)
        for index in self.indices():
            pixels[index] = self.data[index]
        return pixels

    def region(
        self, index: tuple[int, ...], rows: slice, columns: slice
    ) -> NDArray[Any]:
        """Return a part of the plane at `index`, without reading the rest if it can."""
        if self.chunk or isinstance(self.data, np.ndarray):
            return self.data[(*index, rows, columns)]
        return self.data[index][rows, columns]

    def bands(self, index: tuple[int, ...], rows: int) -> Iterator[NDArray[Any]]:
        """Yield the plane at `index`, so many rows at a time."""
        height, width = self.data.shape[-2:]
        plane = None if self.chunk else self.data[index]
        for start in range(0, height, rows):
            part = slice(start, min(start + rows, height)), slice(0, width)
            yield self.data[(*index, *part)] if plane is None else plane[part]

    @property
    def large(self) -> bool:
        """Return whether a plane has more than `LARGEST_WHOLE` pixels."""
        return self.data.shape[-2] * self.data.shape[-1] > LARGEST_WHOLE

    def indices(self) -> Iterator[tuple[int, ...]]:
        """Yield the index of every plane, in the order of the file."""
        return np.ndindex(*self.data.shape[:-2])

    @property
    def channel_count(self) -> int:
        """Return the length of the C axis, 1 where there is none."""
        return self.data.shape[self.axes.index("C")] if "C" in self.axes else 1

    def channel_of(self, index: tuple[int, ...]) -> int:
        """Return the channel that the plane at `index` belongs to."""
        return index[self.axes.index("C")] if "C" in self.axes else 0

    def channel_name(self, number: int) -> str:
        """Return what the file calls a channel, or its number, counted from 1.

        A name such as "0" is only a number, counted by whoever wrote the file.
        """
        named = self.channels[number].name if number < len(self.channels) else ""
        counted = named.isdecimal() and int(named) <= self.channel_count
        return str(number + 1) if counted or not named else named

    def plane_name(self, index: tuple[int, ...]) -> str:
        """Return which plane is at `index`, as Fiji counts: "slice 3, frame 1"."""
        at = dict(zip(self.axes, index, strict=False))
        words = {"Z": "slice", "T": "frame"}
        named = [f"{words[axis]} {at[axis] + 1}" for axis in "ZT" if axis in at]
        if "C" in at:
            named.insert(0, f"channel {self.channel_name(at['C'])}")
        return ", ".join(named)

    def only_channel(self, wanted: str) -> "Stack":
        """Return the stack of one channel, by name or by number from 1."""
        names = [self.channel_name(number) for number in range(self.channel_count)]
        number = int(wanted) - 1 if wanted.isdecimal() else -1
        number = names.index(wanted) if wanted in names else number
        listed = [
            name if name == str(place) else f"{place} ({name})"
            for place, name in enumerate(names, 1)
        ]
        if not 0 <= number < self.channel_count:
            raise UsageError(
                f"there is no channel {wanted!r} among {self.channel_count}",
                hint=f"channels are counted from 1, as in Fiji: {', '.join(listed)}",
            )
        if names.count(wanted) > 1:
            raise UsageError(
                f"{names.count(wanted)} channels are called {wanted!r}",
                hint=f"choose one by its number: {', '.join(listed)}",
            )
        if "C" not in self.axes:
            return self
        axis = self.axes.index("C")
        return replace(
            self,
            data=_OneChannel(self.data, axis, number),
            axes=self.axes.replace("C", ""),
            channels=self.channels[number : number + 1],
            extra={**self.extra, "channel": number},
        )


@dataclass(frozen=True, slots=True)
class _OneChannel:
    """A view of pixels with one axis fixed."""

    source: Pixels
    axis: int
    number: int

    @property
    def shape(self) -> tuple[int, ...]:
        shape = self.source.shape
        return shape[: self.axis] + shape[self.axis + 1 :]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.source.dtype

    def __getitem__(self, index: tuple[Any, ...], /) -> NDArray[Any]:
        return self.source[(*index[: self.axis], self.number, *index[self.axis :])]
