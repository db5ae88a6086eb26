"""W2S as averages that somebody has made: z-scores in NPY files, or 8-bit PNG.

::

    normalized/avg1/001_0.npy ... sim/120_2.npy     float64 or float32, z-scores
    train/avg1/001_0.png ... test/sim/120_2.png     8 bit; or all/avg1/001_0.png ...

The folders are avg1, avg2, avg4, avg8, avg16, avg400 and sim. How the authors made gray
values of counts is not published: those of the PNG form are left as they are.
"""

from collections.abc import Callable
from pathlib import Path

from w2s_cli.datasets import w2s
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.datasets.planes import FilePlane, kept, planes
from w2s_cli.restore.affine import EIGHT_BIT

SIM_FOLDER = "sim"
_PARTS = ("all", "train", "test")


def folder_of(level: int) -> str:
    """Return the folder of an average."""
    return f"avg{level}"


def normalized(place: Path) -> DataSet | None:
    """Return the data set of a folder with avg1/001_0.npy and so on, or None."""

    def part(folder: str) -> dict[str, FilePlane]:
        files, pattern = place / folder, f"{w2s.NAME}.npy"
        return planes(files, pattern, factor=w2s.Z_UNIT, offset=w2s.Z_OFFSET)

    return _averages(
        *("w2s-normalized", "W2S, averages as z-scores", place, part),
        *("z", w2s.Z_UNIT, w2s.Z_OFFSET),
    )


def png(place: Path) -> DataSet | None:
    """Return the data set of a folder with train/, test/ or all/ of PNGs, or None."""

    def part(folder: str) -> dict[str, FilePlane]:
        found: dict[str, FilePlane] = {}
        for name in _PARTS:
            found |= planes(place / name / folder, f"{w2s.NAME}.png")
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
    inputs = kept({level: part(folder_of(level)) for level in w2s.LEVELS})
    if not inputs:
        return None
    return DataSet(
        *(name, title, str(place), unit, per_unit, offset),
        inputs=inputs,
        truths=kept({1: inputs.get(w2s.CAPTURES, {}), 2: part(SIM_FOLDER)}),
        splits=w2s.splits(),
        expected=w2s.names_of(w2s.FIELDS),
        clean=w2s.CAPTURES if w2s.CAPTURES in inputs else None,
    )
