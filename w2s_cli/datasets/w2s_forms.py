"""W2S as averages that somebody has made: z-scores in NPY files, or 8-bit PNG.

::

    normalized/avg1/001_0.npy ... sim/120_2.npy     float64 or float32, z-scores
    train/avg1/001_0.png ... test/sim/120_2.png     8 bit; or all/avg1/001_0.png ...

The folders are avg1, avg2, avg4, avg8, avg16, avg400 and sim. How the authors made gray
values of counts is not published: those of the PNG form are left as they are.
"""

from pathlib import Path

from w2s_cli.datasets import w2s
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.datasets.planes import FilePlane, kept, planes
from w2s_cli.restore.affine import EIGHT_BIT

_PARTS = ("all", "train", "test")


def folder_of(level: int) -> str:
    """Return the folder of an average."""
    return f"avg{level}"


def normalized(place: Path) -> DataSet | None:
    """Return the data set of a folder with avg1/001_0.npy and so on, or None."""
    pattern = f"{w2s.NAME}.npy"
    inputs = kept(
        {
            level: planes(
                place / folder_of(level),
                pattern,
                factor=w2s.Z_UNIT,
                offset=w2s.Z_OFFSET,
            )
            for level in w2s.LEVELS
        }
    )
    if not inputs:
        return None
    sim = planes(place / "sim", pattern, factor=w2s.Z_UNIT, offset=w2s.Z_OFFSET)
    return DataSet(
        name="w2s-normalized",
        title="W2S, averages as z-scores",
        place=str(place),
        unit="z",
        per_unit=w2s.Z_UNIT,
        offset=w2s.Z_OFFSET,
        inputs=inputs,
        truths=kept({1: inputs.get(w2s.CAPTURES, {}), 2: sim}),
        splits=w2s.splits(),
        expected=w2s.names_of(w2s.FIELDS),
        clean=w2s.CAPTURES if w2s.CAPTURES in inputs else None,
        group_of=w2s.field_of,
    )


def png(place: Path) -> DataSet | None:
    """Return the data set of a folder with train/, test/ or all/ of PNGs, or None."""
    inputs = kept({level: _grays(place, folder_of(level)) for level in w2s.LEVELS})
    if not inputs:
        return None
    return DataSet(
        name="w2s-png",
        title="W2S, averages in 8 bit",
        place=str(place),
        unit="1/255",
        per_unit=EIGHT_BIT.white,
        offset=0.0,
        inputs=inputs,
        truths=kept({1: inputs.get(w2s.CAPTURES, {}), 2: _grays(place, "sim")}),
        splits=w2s.splits(),
        expected=w2s.names_of(w2s.FIELDS),
        clean=w2s.CAPTURES if w2s.CAPTURES in inputs else None,
        group_of=w2s.field_of,
    )


def _grays(place: Path, folder: str) -> dict[str, FilePlane]:
    """Return the PNGs of a level, whichever parts of the set they lie in."""
    found: dict[str, FilePlane] = {}
    for part in _PARTS:
        found |= planes(place / part / folder, f"{w2s.NAME}.png")
    return found
