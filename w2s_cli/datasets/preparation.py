"""Make the averages, z-scores, PNGs and SIM targets of W2S from a copy of it.

The forms are those that the authors published, under the same names::

    OUT/normalized/avg1/001_0.npy ...     z-scores, float32
    OUT/train/avg1/001_0.png ...          gray values, 8 bit; from field 81 on in test/
    OUT/w2s-data.csv                      what was made, how, and its checksum

float32 keeps a z-score to 1e-7 of its size; the published files have float64.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.datasets import find, w2s
from w2s_cli.datasets.captures import averages
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.datasets.manifest import Made, Manifest, digest_of
from w2s_cli.datasets.preparation_order import SIM, Order, Task, missing_of, tasks_of
from w2s_cli.datasets.w2s_raw import Average
from w2s_cli.errors import InputError, NothingMatchedError, OutputError
from w2s_cli.io import png
from w2s_cli.io.targets import replacing
from w2s_cli.stack import Stack

Told = Callable[[int, int], None]

_SOURCES = ("w2s-raw", "w2s-normalized")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became of an order.

    Attributes
    ----------
    made, kept
        The number of files that were made, and that had been made before.
    missing
        What was asked for and is not in the copy: level -> names.
    failed
        Why images could not be read, by name.
    """

    made: int
    kept: int
    missing: Mapping[int, Sequence[str]]
    failed: Mapping[str, InputError]


def prepare(source: Path, target: Path, order: Order, told: Told) -> Prepared:
    """Make what is not there yet; an image that is broken does not stop the others.

    Parameters
    ----------
    source
        A raw copy, as zip or folder, or one with z-scores.
    target
        The folder to write into; it is made.
    order
        What to make.
    told
        Is told how many files are done, and of how many.

    Raises
    ------
    InputError
        When the source is no such copy.
    NothingMatchedError
        When it has none of the images.
    OutputError
        When a file cannot be written, or would replace one that was not made here.
    """
    data = _source(source)
    tasks = tasks_of(order, data)
    if not tasks:
        raise NothingMatchedError(
            f"{source} has none of the images asked for",
            hint="`w2s data check` says what is there",
        )
    manifest = _begun(target, [task for wanted in tasks.values() for task in wanted])
    total, done, made, kept = sum(map(len, tasks.values())), 0, 0, 0
    failed = {}
    for name, wanted in tasks.items():
        left = [task for task in wanted if not manifest.has(task.file, task.how)]
        kept += len(wanted) - len(left)
        try:
            made += _make(data, name, left, order.grays_per_count, manifest)
        except InputError as error:
            failed[name] = error
        done += len(wanted)
        told(done, total)
    return Prepared(made, kept, missing_of(order, data), failed)


def _source(source: Path) -> DataSet:
    data = find(source)
    if data.name not in _SOURCES:
        raise InputError(
            f"{source} is of the kind {data.name}: no averages can be made of it",
            hint=f"give a copy of the kind {' or '.join(_SOURCES)}",
        )
    return data


def _begun(target: Path, tasks: Iterable[Task]) -> Manifest:
    """Return the manifest of a folder in which all the tasks can write."""
    manifest = Manifest.of(target)
    for task in tasks:
        path = target / task.file
        if task.file not in manifest.made and path.exists():
            raise OutputError(
                f"{path} exists, and was not made by this command",
                hint="choose another folder with -o",
            )
    try:
        for folder in {(target / task.file).parent for task in tasks}:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make folders in {target}: {error.strerror}",
            hint="choose another folder with -o",
        ) from error
    manifest.begin()
    return manifest


def _make(
    data: DataSet, name: str, tasks: Sequence[Task], grays: float, manifest: Manifest
) -> int:
    """Make the files of an image and return how many they are."""
    if not tasks:
        return 0
    planes = _counts(data, name, {task.level for task in tasks})
    for task in tasks:
        plane, where = planes[task.level]
        path = manifest.folder / task.file
        with replacing(path) as temporary:
            _write(temporary, task.form, plane, grays)
            made = Made(task.file, digest_of(temporary), where, task.how)
            manifest.add(made)
    return len(tasks)


def _counts(
    data: DataSet, name: str, levels: Collection[int]
) -> dict[int, tuple[FloatArray, str]]:
    """Return the images of several levels in counts, and where each is from."""
    images = {level: data.inputs[level][name] for level in levels if level != SIM}
    found = {}
    captures = next(iter(images.values()), None)
    if isinstance(captures, Average):  # one walk through the captures for all
        planes = averages(captures.array, images)
        found = {level: (plane, captures.where) for level, plane in planes.items()}
    else:
        found = {
            level: (image.read()[0], image.where) for level, image in images.items()
        }
    if SIM in levels:
        sim = data.truths[2][name]
        found[SIM] = (sim.read()[0], sim.where)
    return found


def _write(path: Path, form: str, counts: FloatArray, grays: float) -> None:
    if form == "png":
        gray = np.rint(counts * np.float64(grays)).clip(0, 255).astype(np.uint8)
        png.write(Stack(gray, "YX"), path, tuple)
        return
    scores = (counts.astype(np.float64) - w2s.Z_OFFSET) / w2s.Z_UNIT
    with path.open("wb") as file:
        np.save(file, scores.astype(np.float32))
