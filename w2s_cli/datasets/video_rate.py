"""Video-rate confocal and multiphoton pairs, x2: MITO, MPM, MEM and NUC.

::

    MITO/LR/*.png, MITO/HR/*.png     equal stems; or train/LR, val/HR and so on

How the authors laid their files out is not public: this layout is ours, with suffixes
and dtypes as `folders` takes them. Where there are no folders of splits, the sorted
names are split by the counts of the paper: 3600 to train, 1100 to validate, the rest to
test.

References
----------
.. [1] Video-rate Real-ESRGAN, Table I: the sizes of the splits.
"""

from pathlib import Path

from w2s_cli.datasets.data_set import DataSet
from w2s_cli.datasets.folders import files_of, scale_of
from w2s_cli.datasets.planes import FilePlane
from w2s_cli.errors import NothingMatchedError
from w2s_cli.restorers.units import EIGHT_BIT

KINDS = ("MITO", "MPM", "MEM", "NUC")
TRAINING, VALIDATION = 3600, 1100
_FOLDERS = {
    "train": "train",
    "val": "validation",
    "validation": "validation",
    "test": "test",
}
Part = tuple[dict[str, FilePlane], dict[str, FilePlane]]  # images and truths


def open_data_set(place: Path) -> DataSet | None:
    """Return the data set of one kind or several, or None."""
    one = place.resolve().name.upper() in KINDS
    kinds = [place] if one else [place / kind for kind in KINDS]
    parts = {path.resolve().name: _parts(path) for path in kinds if path.is_dir()}
    inputs, truths, splits = _merged(
        {kind: part for kind, part in parts.items() if part}
    )
    if not inputs:
        return None
    both = sorted(inputs.keys() & truths.keys())
    if not both:
        raise NothingMatchedError(
            f"no image in LR has the name of one in HR under {place}",
            hint="an image and its truth have the same stem",
        )
    return DataSet(
        name="video-rate",
        title="video-rate pairs: " + ", ".join(parts),
        place=str(place),
        unit="1/255",
        per_unit=EIGHT_BIT.white,
        offset=0.0,
        inputs={1: inputs},
        truths={scale_of(inputs[both[0]], truths[both[0]]): truths},
        splits=splits,
        expected=sorted(inputs.keys() | truths.keys()),
    )


def _parts(kind: Path) -> dict[str, Part]:
    """Return images and truths of each folder of a split; "" is no split."""
    found = {}
    for name, split in {"": "", **_FOLDERS}.items():
        low, high = kind / name / "LR", kind / name / "HR"
        if low.is_dir() and high.is_dir():
            found[split] = (files_of(low), files_of(high))
    return found


def _merged(
    kinds: dict[str, dict[str, Part]],
) -> tuple[dict[str, FilePlane], dict[str, FilePlane], dict[str, frozenset[str]]]:
    """Return all images and truths under names such as MITO/0001, and their splits."""
    inputs: dict[str, FilePlane] = {}
    truths: dict[str, FilePlane] = {}
    splits: dict[str, frozenset[str]] = {}
    for kind, parts in kinds.items():
        for split, (low, high) in parts.items():
            start = "/".join(filter(None, (kind, split)))
            named = [f"{start}/{stem}" for stem in sorted(low)]
            inputs |= {f"{start}/{stem}": image for stem, image in low.items()}
            truths |= {f"{start}/{stem}": image for stem, image in high.items()}
            for name, members in _split(split, named).items():
                splits[name] = splits.get(name, frozenset()) | members
    return inputs, truths, splits


def _split(folder: str, names: list[str]) -> dict[str, frozenset[str]]:
    if folder:
        return {folder: frozenset(names)}
    first, second = TRAINING, TRAINING + VALIDATION
    parts = {
        "train": names[:first],
        "validation": names[first:second],
        "test": names[second:],
    }
    return {split: frozenset(part) for split, part in parts.items() if part}
