"""FMD: real noise of confocal, two-photon and wide-field microscopes, 8 bit.

::

    TYPE/raw/FOV/*.png, TYPE/avg2/FOV/*.png ...     50 captures, or averages of some
    TYPE/gt/FOV/avg50.png                           the average of all
    test_mix/raw/*.png, test_mix/gt/*.png           4 captures of each TYPE, mixed

`open_data_set` takes the folder of several types, or of one. Field of view 19 is for
testing.
The published figures are means over the four corners of images, which the protocol
`fmd` of `w2s evaluate` and `w2s bench` scores one by one.

References
----------
.. [1] Y. Zhang et al., "A Poisson-Gaussian denoising dataset with real fluorescence
   microscopy images", CVPR (2019).
"""

from collections.abc import Iterator
from pathlib import Path

from w2s_cli.datasets.data_set import DataSet
from w2s_cli.datasets.planes import FilePlane, non_empty
from w2s_cli.restorers.units import EIGHT_BIT

LEVELS = {1: "raw", 2: "avg2", 4: "avg4", 8: "avg8", 16: "avg16"}
TEST_FIELD = "19"
MIXED = "test_mix"


def open_data_set(place: Path) -> DataSet | None:
    """Return the data set of one type, of several, or of the mixed set, or None."""
    folders = [place, *sorted(path for path in place.glob("*") if path.is_dir())]
    kinds = [path for path in folders if _is_kind(path)]
    inputs = non_empty({level: _level(kinds, name) for level, name in LEVELS.items()})
    if not inputs:
        return None
    names = sorted(set().union(*inputs.values()))
    truths = {name: image for kind in kinds for name, image in _truths(kind, names)}
    return DataSet(
        name="fmd",
        title="FMD",
        place=str(place),
        unit="1/255",
        per_unit=EIGHT_BIT.white,
        offset=0.0,
        inputs=inputs,
        truths=non_empty({1: truths}),
        splits=_splits(names),
        expected=names,
        group_of=field_of,
    )


def field_of(name: str) -> str:
    """Return the type and field of view of an image.

    The mixed set has one field a type, which stands in the names of its files.
    """
    group, _, stem = name.rpartition("/")
    if group != MIXED:
        return group
    return f"{MIXED}/{stem.rstrip('0123456789').rstrip('_-') or stem}"


def _is_kind(folder: Path) -> bool:
    return (folder / "gt").is_dir() and any(_files(folder, n) for n in LEVELS.values())


def _files(kind: Path, part: str) -> dict[str, FilePlane]:
    """Return the images of a part by "FOV/stem", of the mixed set by "stem"."""
    pattern = "*.png" if _called(kind) == MIXED else "*/*.png"
    return {
        file.relative_to(kind / part).with_suffix("").as_posix(): FilePlane(file)
        for file in sorted((kind / part).glob(pattern))
    }


def _level(kinds: list[Path], level: str) -> dict[str, FilePlane]:
    return {
        f"{_called(kind)}/{name}": image
        for kind in kinds
        for name, image in _files(kind, level).items()
    }


def _truths(kind: Path, names: list[str]) -> Iterator[tuple[str, FilePlane]]:
    """Yield the truth of each image of a type that there is one of."""
    there, start = _files(kind, "gt"), f"{_called(kind)}/"
    for name in names:
        own = name.removeprefix(start)
        field, inside, _ = own.partition("/")
        truth = there.get(f"{field}/avg50" if inside else own)
        if name.startswith(start) and truth:
            yield name, truth


def _called(kind: Path) -> str:
    return kind.resolve().name


def _splits(names: list[str]) -> dict[str, frozenset[str]]:
    """Return the names of the splits: the mixed set is one of its own."""
    mixed = frozenset(name for name in names if name.startswith(f"{MIXED}/"))
    rest = frozenset(names) - mixed
    test = frozenset(n for n in rest if field_of(n).endswith(f"/{TEST_FIELD}"))
    split = {"train": rest - test, "test": test, "mix": mixed}
    return {name: members for name, members in split.items() if members}
