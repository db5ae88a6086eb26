"""What all copies of the W2S data set share: fields, channels, levels, splits, units.

References
----------
.. [1] R. Zhou, M. El Helou, D. Sage, T. Laroche, A. Seitz and S. Susstrunk, "W2S:
   microscopy data with joint denoising and super-resolution for widefield to SIM
   mapping", ECCV Workshops (2020).

W2S as averages that somebody has made: z-scores in NPY files, or 8-bit PNG.

::

    normalized/avg1/001_0.npy ... sim/120_2.npy     float64 or float32, z-scores; or
    train/avg1/001_0.npy ... test/sim/120_2.npy     the same
    train/avg1/001_0.png ... test/sim/120_2.png     8 bit; or all/avg1/001_0.png ...

The folders are avg1, avg2, avg4, avg8, avg16, avg400 and sim. How the authors made gray
values of counts is not published: those of the PNG form are left as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from w2s_cli.datasets.data_set import DataSet, FilePlane, non_empty, planes
from w2s_cli.errors import InputError
from w2s_cli.restorers.units import EIGHT_BIT, Units

CAPTURES = 400
LEVELS = (1, 2, 4, 8, 16, CAPTURES)
CHANNELS = 3
FIELDS = range(1, 121)
# The training set of the paper, of which the last ten fields are ours to choose by
PUBLISHED = "published"
SPLITS: Mapping[str, range] = {
    "train": range(1, 71),
    "validation": range(71, 81),
    "test": range(81, 121),
    PUBLISHED: range(1, 81),
}

_Z = Units.Z.linear(EIGHT_BIT)  # z-scores have no black and white
Z_OFFSET, Z_UNIT = _Z.zero, _Z.one
"""Mean and standard deviation of all captures, in counts."""

NAME = "[0-9][0-9][0-9]_[0-9]"  # of an image: field and channel


def name_of(field: int, channel: int) -> str:
    """Return the name that the publishers give an image: "081_0"."""
    return f"{field:03d}_{channel}"


def names_of(fields: range) -> list[str]:
    """Return the names of all the images of a range of fields."""
    return [name_of(field, channel) for field in fields for channel in range(CHANNELS)]


def splits() -> dict[str, frozenset[str]]:
    """Return the names of each split."""
    return {split: frozenset(names_of(fields)) for split, fields in SPLITS.items()}


def frames_of(level: int) -> range:
    """Return the captures that the average of a level is made of, as published.

    The single capture of level 1 is the 250th, which is in no average but the longest.
    """
    return range(249, 250) if level == 1 else range(level)


SIM_FOLDER = "sim"
_PARTS = ("all", "train", "test")
_MOST_Z = 20.0


def folder_of(level: int) -> str:
    """Return the folder of an average."""
    return f"avg{level}"


def normalized(place: Path) -> DataSet | None:
    """Return the data set of a folder with avg1/001_0.npy and so on, or None.

    The folders of averages may lie in train/ and test/, as the authors' README has it.
    """

    def part(folder: str) -> dict[str, FilePlane]:
        found: dict[str, FilePlane] = {}
        for name in ("", *_PARTS):
            files = planes(place / name / folder, f"{NAME}.npy")
            if files and not _in_counts(next(iter(files.values()))):
                files = {
                    stem: replace(plane, factor=Z_UNIT, offset=Z_OFFSET)
                    for stem, plane in files.items()
                }
            found |= files
        return found

    return _averages(
        *("w2s-normalized", "W2S, averages as z-scores", place, part),
        *("z", Z_UNIT, Z_OFFSET),
    )


def _in_counts(image: FilePlane) -> bool:
    """Say whether a file holds counts, and no z-scores.

    Counts are whole, or lie beyond what a z-score can be: half of W2S's are below 0.
    """
    try:
        whole = image.dtype().kind in "ui"
        return whole or bool(np.median(image.read()[0]) > _MOST_Z)
    except InputError:  # a file that is broken is told when it is read
        return False


def png(place: Path) -> DataSet | None:
    """Return the data set of a folder with train/, test/ or all/ of PNGs, or None."""

    def part(folder: str) -> dict[str, FilePlane]:
        found: dict[str, FilePlane] = {}
        for name in _PARTS:
            found |= planes(place / name / folder, f"{NAME}.png")
        return found

    return _averages(
        *("w2s-png", "W2S, averages in 8 bit", place, part),
        *("1/255", EIGHT_BIT.white, 0.0),
    )


def _averages(
    name: str,
    title: str,
    place: Path,
    part: Callable[[str], dict[str, FilePlane]],
    unit: str,
    per_unit: float,
    offset: float,
) -> DataSet | None:
    """Return the data set of the files in folders of averages, whichever there are."""
    inputs = non_empty({level: part(folder_of(level)) for level in LEVELS})
    if not inputs:
        return None
    return DataSet(
        *(name, title, str(place), unit, per_unit),
        offset=offset,
        inputs=inputs,
        truths=non_empty({1: inputs.get(CAPTURES, {}), 2: part(SIM_FOLDER)}),
        splits=splits(),
        expected=names_of(FIELDS),
        clean=CAPTURES if CAPTURES in inputs else None,
    )
