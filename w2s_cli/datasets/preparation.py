"""Make the averages, z-scores, PNGs and SIM targets of W2S from a copy of it.

The forms are those that the authors published, under the same names::

    OUT/normalized/avg1/001_0.npy ...     z-scores, float32
    OUT/train/avg1/001_0.png ...          gray values, 8 bit; from field 81 on in test/
    OUT/w2s-data.csv                      what was made, how, and its checksum

float32 keeps a z-score to 1e-7 of its size; the published files have float64.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.datasets import find, w2s
from w2s_cli.datasets.data_set import DataSet, field_of
from w2s_cli.datasets.dataset_check import Made, Manifest, digest_of
from w2s_cli.datasets.w2s import SIM_FOLDER, folder_of
from w2s_cli.datasets.w2s_raw import Average, averages
from w2s_cli.errors import (
    InputError,
    NothingMatchedError,
    OutputError,
    UnknownNameError,
    UsageError,
)
from w2s_cli.io import png
from w2s_cli.io.atomic_files import replacing
from w2s_cli.stack import Stack

Form = Literal["normalized", "png"]

SIM = 0  # stands for the SIM image among levels
GRAYS_PER_COUNT = 0.62
_PUBLISHED_TRAINING = 80  # fields


@dataclass(frozen=True, slots=True)
class PrepareConfig:
    """Which files to make."""

    forms: Sequence[str] = ("normalized",)  # of each image: "normalized", "png"
    levels: Collection[int] = (*w2s.LEVELS, SIM)  # some of `w2s.LEVELS`, and `SIM`
    fields: Collection[int] = w2s.FIELDS  # of view, 1 to 120
    # The scale of PNGs. That of the authors is not published; 0.62 fits the errors that
    # they print in both units.
    grays_per_count: float = GRAYS_PER_COUNT

    def __post_init__(self) -> None:
        for form in self.forms:
            if form not in get_args(Form):
                raise UnknownNameError("form of W2S", form, get_args(Form))
        if unknown := set(self.levels) - {*w2s.LEVELS, SIM}:
            raise UsageError(
                f"W2S has no level {min(unknown)}",
                hint=f"its levels are {', '.join(map(str, w2s.LEVELS))}",
            )
        if unknown := set(self.fields) - {*w2s.FIELDS}:
            raise UsageError(
                f"W2S has no field {min(unknown)}", hint="its fields are 1 to 120"
            )
        if not (isfinite(self.grays_per_count) and self.grays_per_count > 0):
            raise UsageError(
                f"{self.grays_per_count:g} gray values a count make no picture",
                hint=f"give a number above 0; {GRAYS_PER_COUNT} is usual",
            )


@dataclass(frozen=True, slots=True)
class Task:
    """One file to make."""

    level: int  # of `w2s.LEVELS`, or `SIM`
    form: str  # one of `Form`
    file: str  # its path in the folder of results
    how: str  # how it is made, for the manifest


def tasks_of(config: PrepareConfig, data: DataSet) -> dict[str, list[Task]]:
    """Return the files that can be made of a copy, by the names of their images."""
    tasks = {
        name: [
            _task(config, name, level, form)
            for level in sorted(config.levels)
            if has_image(data, level, name)
            for form in config.forms
        ]
        for name in _names(config)
    }
    return {name: wanted for name, wanted in tasks.items() if wanted}


def missing_of(config: PrepareConfig, data: DataSet) -> dict[int, list[str]]:
    """Return what is asked for that a copy does not have: names, by level."""
    missing = {
        level: [name for name in _names(config) if not has_image(data, level, name)]
        for level in sorted(config.levels)
    }
    return {level: names for level, names in missing.items() if names}


def has_image(data: DataSet, level: int, name: str) -> bool:
    """Say whether a copy has the image of a level, or the SIM image."""
    sim = level == SIM
    return name in (data.truths.get(2, {}) if sim else data.inputs.get(level, {}))


def _names(config: PrepareConfig) -> Iterator[str]:
    for number in sorted(config.fields):
        yield from w2s.names_of(range(number, number + 1))


def _task(config: PrepareConfig, name: str, level: int, form: str) -> Task:
    folder, what = SIM_FOLDER, "SIM"
    if level != SIM:
        folder, frames = folder_of(level), w2s.frames_of(level)
        what = f"capture {frames[0]}"
        if len(frames) > 1:
            what = f"mean of captures {frames[0]}-{frames[-1]}"
    if form == "normalized":
        how = f"({what} - {w2s.Z_OFFSET}) / {w2s.Z_UNIT}, float32"
        return Task(level, form, f"normalized/{folder}/{name}.npy", how)
    part = "train" if int(field_of(name)) <= _PUBLISHED_TRAINING else "test"
    how = f"{config.grays_per_count:g} * {what}, rounded, from 0 to 255"
    return Task(level, form, f"{part}/{folder}/{name}.png", how)


Progress = Callable[[int, int], None]

_SOURCES = ("w2s-raw", "w2s-normalized")


@dataclass(frozen=True, slots=True)
class PrepareResult:
    """What was made, and what could not be."""

    # made, kept: the number of files that were made, and that had been made before
    made: int
    kept: int
    # what was asked for and is not in the copy: level -> names
    missing: Mapping[int, Sequence[str]]
    failed: Mapping[str, InputError]  # why images could not be read, by name


def prepare(
    source: Path, target: Path, config: PrepareConfig, progress: Progress
) -> PrepareResult:
    """Make what is not there yet; an image that is broken does not stop the others."""
    data = find(source)
    if data.name not in _SOURCES:
        raise InputError(
            f"{source} is of the kind {data.name}: no averages can be made of it",
            hint=f"give a copy of the kind {' or '.join(_SOURCES)}",
        )
    tasks = tasks_of(config, data)
    if not tasks:
        raise NothingMatchedError(
            f"{source} has none of the images asked for",
            hint="`w2s data check` says what is there",
        )
    manifest = begun(
        target, [task.file for wanted in tasks.values() for task in wanted]
    )
    total, done, made, kept = sum(map(len, tasks.values())), 0, 0, 0
    failed = {}
    for name, wanted in tasks.items():
        left = [task for task in wanted if not manifest.has(task.file, task.how)]
        kept += len(wanted) - len(left)
        try:
            planes = _counts(data, name, {task.level for task in left})
            for task in left:
                plane, where = planes[task.level]
                with replacing(target / task.file) as temporary:
                    _write(temporary, task.form, plane, config.grays_per_count)
                    row = Made(task.file, digest_of(temporary), where, task.how)
                    manifest.add(row)
                made += 1
        except InputError as error:
            failed[name] = error
        done += len(wanted)
        progress(done, total)
    return PrepareResult(made, kept, missing_of(config, data), failed)


def begun(target: Path, files: Iterable[str]) -> Manifest:
    """Return the manifest of a folder in which all the files can be written."""
    manifest, files = Manifest.of(target), [*files]
    for file in files:
        path = target / file
        if file not in manifest.made and path.exists():
            raise OutputError(
                f"{path} exists, and was not made by this command",
                hint="choose another folder with -o",
            )
    try:
        for folder in {(target / file).parent for file in files}:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make folders in {target}: {error.strerror}",
            hint="choose another folder with -o",
        ) from error
    manifest.begin()
    return manifest


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
        images = {}
    if SIM in levels:
        images[SIM] = data.truths[2][name]
    return found | {at: (image.read()[0], image.where) for at, image in images.items()}


def _write(path: Path, form: str, counts: FloatArray, grays: float) -> None:
    if form == "png":
        gray = np.rint(counts * np.float64(grays)).clip(0, 255).astype(np.uint8)
        png.write(Stack(gray, "YX"), path, tuple)
        return
    scores = (counts.astype(np.float64) - w2s.Z_OFFSET) / w2s.Z_UNIT
    with path.open("wb") as file:
        np.save(file, scores.astype(np.float32))
