"""W2S training fields in 8 bit, each image stretched on its own, and their way back.

::

    avg1/001_0.png, avg400/001_0.png     a single capture, and its 400-frame average
    index.csv                            how gray values relate to counts, by image

The columns of the index that are read:

==================  ==============================================================
image               its name, "001_0"
grey_per_count      gray values of the single capture in a count
slope, intercept    the average in gray values of the capture: slope * gray + intercept
gain_counts         the camera's gain, counts a photon
offset_counts       its offset, counted from gray 0
==================  ==============================================================

It stands beside `truth`, which trains the shipped networks on it, and is no layout that
`w2s data` knows: the folder was made for this project and is not published.

Counts come back but for an offset that nobody wrote down, so that differences are right
and z-scores shifted. Pixels that were clipped in either image are not valid.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from w2s_cli.datasets import w2s
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.datasets.planes import FilePlane
from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_model import NoiseModel

INDEX = "index.csv"
_CLIPPED = (0.0, 255.0)


@dataclass(frozen=True, slots=True)
class Gray:
    """What the gray values of an image and of its average mean."""

    per_count: float
    slope: float
    intercept: float
    noise: NoiseModel


def open_data_set(place: Path) -> DataSet | None:
    """Return the data set of a folder with index.csv, avg1/ and avg400/, or None.

    Raises
    ------
    InputError
        When a row of the index cannot be read.
    """
    if not (place / INDEX).is_file() or not (place / "avg1").is_dir():
        return None
    grays = index(place / INDEX)
    return DataSet(
        name="w2s-samples",
        title="W2S training fields in 8 bit",
        place=str(place),
        unit="z",
        per_unit=w2s.Z_UNIT,
        offset=0.0,
        inputs={1: {name: _noisy(place, name, gray) for name, gray in grays.items()}},
        truths={1: {name: _clean(place, name, gray) for name, gray in grays.items()}},
        splits={
            split: names
            for split, names in w2s.splits().items()
            if names & grays.keys()
        },
        expected=list(grays),
        noises={1: {name: gray.noise for name, gray in grays.items()}},
    )


def index(path: Path) -> dict[str, Gray]:
    """Return what the index says, by image.

    Raises
    ------
    InputError
        When a column is missing, or a value is no number.
    """
    with path.open(newline="") as lines:
        return {
            row["image"]: _gray(row, f"{path}, line {number}")
            for number, row in enumerate(csv.DictReader(lines), start=2)
        }


def _gray(row: Mapping[str, str], where: str) -> Gray:
    try:
        per_count, slope, intercept, gain, offset = (
            float(row[column])
            for column in (
                *("grey_per_count", "slope", "intercept"),
                *("gain_counts", "offset_counts"),
            )
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{where} is no row of the index of gray values: {error}",
            hint="copy the index again",
        ) from error
    return Gray(per_count, slope, intercept, NoiseModel(gain, offset))


def _noisy(place: Path, name: str, gray: Gray) -> FilePlane:
    path = place / "avg1" / f"{name}.png"
    return FilePlane(path, factor=1 / gray.per_count, limits=_CLIPPED)


def _clean(place: Path, name: str, gray: Gray) -> FilePlane:
    return FilePlane(
        place / "avg400" / f"{name}.png",
        factor=gray.slope / gray.per_count,
        offset=gray.intercept / gray.per_count,
        limits=_CLIPPED,
    )
