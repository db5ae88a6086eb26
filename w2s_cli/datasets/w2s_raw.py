"""All captures of one field and channel, read one at a time: they are 200 MB.

An NPY file starts with a header and goes on with the captures, one after the other. A
file in a folder is read where a capture lies; one in a zip is unpacked from its start
to the last capture that is asked for, and never kept.

W2S as its authors recorded it: 400 captures a field and channel, and SIM.

::

    Image001/wf_channel0.npy     (400, 512, 512) uint16
    Image001/sim_channel0.npy    (1024, 1024)

That is the zip of 40 GB, which is read where it lies, or a folder; both may have one
more folder around. Averages are made when they are asked for, at the price of reading
up to 400 captures: `w2s data prepare` makes them once.
"""

import re
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.datasets import w2s
from w2s_cli.datasets.data_set import DataSet, Mask
from w2s_cli.datasets.w2s import CAPTURES, frames_of
from w2s_cli.errors import InputError

_BROKEN = (BadZipFile, EOFError, NotImplementedError, OSError, ValueError, zlib.error)
_HINT = "copy or download it again"


class Header(NamedTuple):
    """What an NPY file says of itself."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int  # bytes before the first value
    whole: int  # bytes that there are


@dataclass(frozen=True, slots=True)
class Array:
    """An NPY file, on its own or in a zip."""

    path: Path  # the file, or the zip
    member: str = ""  # its name in the zip; empty for a file

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    def header(self) -> Header:
        """Return its header, after a look at its length."""
        with self._open() as (stream, whole):
            header = _header(stream, whole)
        needed = header.start + header.dtype.itemsize * int(np.prod(header.shape))
        if whole < needed:
            raise InputError(
                f"{self.where} is truncated: {whole} bytes of {needed}", hint=_HINT
            )
        return header

    def planes(self, wanted: Collection[int]) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield number and pixels of planes along the first of three axes, in order."""
        with self._open() as (stream, whole):
            header = _header(stream, whole)
            size = header.dtype.itemsize * int(np.prod(header.shape[-2:]))
            for number in sorted(wanted):
                stream.seek(header.start + number * size)
                content = stream.read(size)
                if len(content) < size:
                    raise EOFError(f"it ends in plane {number + 1}")
                plane = np.frombuffer(content, header.dtype)
                yield number, plane.reshape(header.shape[-2:])

    @contextmanager
    def _open(self) -> Iterator[tuple[IO[bytes], int]]:
        """Yield its bytes and their number; what goes wrong with them is told."""
        try:
            if not self.member:
                with self.path.open("rb") as file:
                    yield file, self.path.stat().st_size
                return
            with ZipFile(self.path) as archive, archive.open(self.member) as file:
                yield file, archive.getinfo(self.member).file_size
        except _BROKEN as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"{self.where} is broken: {reason}", hint=_HINT) from error


def averages(array: Array, levels: Collection[int]) -> dict[int, FloatArray]:
    """Return averages in counts by level, from one walk through the captures."""
    height, width = captures_shape(array)
    frames = {level: frames_of(level) for level in levels}
    sums = {level: np.zeros((height, width), np.uint32) for level in levels}
    for number, capture in array.planes(set[int]().union(*frames.values())):
        for level in levels:
            if number in frames[level]:
                sums[level] += capture
    return {
        level: np.asarray(sums[level] / len(frames[level]), np.float32)
        for level in levels
    }


def captures_shape(array: Array) -> tuple[int, int]:
    """Return (Y, X) of the captures."""
    shape, dtype, *_ = array.header()
    if len(shape) != 3 or shape[0] != CAPTURES or dtype.name != "uint16":
        raise InputError(
            f"{array.where} has shape {shape} and type {dtype.name}, expected "
            f"({CAPTURES}, Y, X) and uint16",
            hint=_HINT,
        )
    return shape[1], shape[2]


def _header(stream: IO[bytes], whole: int) -> Header:
    version = np.lib.format.read_magic(stream)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = read(stream)
    if fortran or dtype.kind not in "uif" or len(shape) < 2 or 0 in shape:
        raise ValueError(f"it holds no images: type {dtype}, shape {shape}")
    return Header(shape, dtype, stream.tell(), whole)


_MEMBER = re.compile(r"(?:.*/)?Image(\d{3})/(wf|sim)_channel([0-2])\.npy")
_ZIP = b"PK\3\4"
_PATTERN = "Image[0-9][0-9][0-9]/*_channel[0-2].npy"


@dataclass(frozen=True, slots=True)
class Average:
    """The average of a level, in counts."""

    array: Array
    level: int

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        return self.array.where

    def shape(self) -> tuple[int, int]:
        """Return the size of a capture."""
        return captures_shape(self.array)

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return the average of the captures; all their pixels are valid."""
        return averages(self.array, [self.level])[self.level], None


@dataclass(frozen=True, slots=True)
class Sim:
    """A SIM image, in counts."""

    array: Array

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        return self.array.where

    def shape(self) -> tuple[int, int]:
        """Return its size."""
        shape = self.array.header().shape
        if len(shape) != 2:
            raise InputError(
                f"{self.where} has shape {shape}, expected one plane (Y, X)",
                hint="copy or download it again",
            )
        return shape[0], shape[1]

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return the image; all its pixels are valid."""
        self.shape()
        ((_, plane),) = self.array.planes([0])
        return np.asarray(plane, np.float32), None


@dataclass(frozen=True, slots=True)
class Recordings:
    """What a copy holds, by the names of images."""

    captures: dict[str, Array]
    sim: dict[str, Array]


def recordings(place: Path) -> Recordings:
    """Return the captures and SIM images of a zip or a folder."""
    found = Recordings({}, {})
    for name, array in _in_zip(place) if place.is_file() else _in_folder(place):
        if match := _MEMBER.fullmatch(name):
            field, kind, channel = match.groups()
            part = found.captures if kind == "wf" else found.sim
            part[w2s.name_of(int(field), int(channel))] = array
    return found


def open_data_set(place: Path) -> DataSet | None:
    """Return the data set of a zip or folder with Image001/wf_channel0.npy, or None."""
    found = recordings(place)
    if not found.captures:
        return None
    inputs = {
        level: {name: Average(array, level) for name, array in found.captures.items()}
        for level in w2s.LEVELS
    }
    truths = {1: inputs[w2s.CAPTURES]}
    sim = {name: Sim(array) for name, array in found.sim.items()}
    return DataSet(
        name="w2s-raw",
        title="W2S, every capture",
        place=str(place),
        unit="z",
        per_unit=w2s.Z_UNIT,
        offset=w2s.Z_OFFSET,
        inputs=inputs,
        truths={**truths, 2: sim} if sim else truths,
        splits=w2s.splits(),
        expected=w2s.names_of(w2s.FIELDS),
        clean=w2s.CAPTURES,
    )


def _in_zip(path: Path) -> Iterator[tuple[str, Array]]:
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, OSError) as error:
        with path.open("rb") as file:
            start = file.read(len(_ZIP))
        if start == _ZIP:
            raise InputError(
                f"{path} is truncated: a zip ends with its contents, this one does not",
                hint="download it again; `w2s fetch w2s-raw` goes on where it stopped",
            ) from error
        raise InputError(
            f"{path} is no zip: it starts with {start!r}",
            hint="name the zip of W2S, or a folder; unpack other archives first",
        ) from error
    return ((name, Array(path, name)) for name in names)


def _in_folder(path: Path) -> Iterator[tuple[str, Array]]:
    for pattern in (_PATTERN, f"*/{_PATTERN}"):
        for file in sorted(path.glob(pattern)):
            yield file.relative_to(path).as_posix(), Array(file)
