"""W2S as its authors recorded it: 400 captures a field and channel, and SIM.

::

    Image001/wf_channel0.npy     (400, 512, 512) uint16
    Image001/sim_channel0.npy    (1024, 1024)

That is the zip of 40 GB, which is read where it lies, or a folder; both may have one
more folder around. Averages are made when they are asked for, at the price of reading
up to 400 captures: `w2s data prepare` makes them once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.datasets import w2s
from w2s_cli.datasets.captures import Array, averages, captures_shape
from w2s_cli.datasets.data_set import DataSet, Mask
from w2s_cli.errors import InputError

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
    """Return the captures and SIM images of a zip or a folder.

    Raises
    ------
    InputError
        When a file is no zip, or is truncated.
    """
    found = Recordings({}, {})
    for name, array in _in_zip(place) if place.is_file() else _in_folder(place):
        if match := _MEMBER.fullmatch(name):
            field, kind, channel = match.groups()
            part = found.captures if kind == "wf" else found.sim
            part[w2s.name_of(int(field), int(channel))] = array
    return found


def opened(place: Path) -> DataSet | None:
    """Return the data set of a zip or folder with Image001/wf_channel0.npy, or None.

    Raises
    ------
    InputError
        When a file is no zip, or is truncated.
    """
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
        raise _refusal(path) from error
    return ((name, Array(path, name)) for name in names)


def _refusal(path: Path) -> InputError:
    with path.open("rb") as file:
        start = file.read(len(_ZIP))
    if start == _ZIP:
        return InputError(
            f"{path} is truncated: a zip ends with its contents, this one does not",
            hint="download it again; `w2s fetch w2s-raw` goes on where it stopped",
        )
    return InputError(
        f"{path} is no zip: it starts with {start!r}",
        hint="name the zip of W2S, or a folder; unpack other archives first",
    )


def _in_folder(path: Path) -> Iterator[tuple[str, Array]]:
    for pattern in (_PATTERN, f"*/{_PATTERN}"):
        for file in sorted(path.glob(pattern)):
            yield file.relative_to(path).as_posix(), Array(file)
