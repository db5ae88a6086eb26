"""What `w2s data prepare` is asked to make, file by file."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal, get_args

from w2s_cli.datasets import w2s
from w2s_cli.datasets.data_set import DataSet, field_of
from w2s_cli.datasets.w2s import SIM_FOLDER, folder_of
from w2s_cli.errors import UnknownNameError, UsageError

Form = Literal["normalized", "png"]

SIM = 0  # stands for the SIM image among levels
GRAYS_PER_COUNT = 0.62
_PUBLISHED_TRAINING = 80  # fields


@dataclass(frozen=True, slots=True)
class Order:
    """Which files to make.

    Attributes
    ----------
    forms
        Of each image: "normalized", "png".
    levels
        Some of `w2s.LEVELS`, and `SIM`.
    fields
        Of view, 1 to 120.
    grays_per_count
        The scale of PNGs. That of the authors is not published; 0.62 fits the errors
        that they print in both units.
    """

    forms: Sequence[str] = ("normalized",)
    levels: Collection[int] = (*w2s.LEVELS, SIM)
    fields: Collection[int] = w2s.FIELDS
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
    """One file to make.

    Attributes
    ----------
    level
        Of `w2s.LEVELS`, or `SIM`.
    form
        Of the file.
    file
        Its path in the folder of results.
    how
        It is made, as the manifest says it.
    """

    level: int
    form: str
    file: str
    how: str


def tasks_of(order: Order, data: DataSet) -> dict[str, list[Task]]:
    """Return the files that can be made of a copy, by the names of their images."""
    tasks = {
        name: [
            _task(order, name, level, form)
            for level in sorted(order.levels)
            if has(data, level, name)
            for form in order.forms
        ]
        for name in _names(order)
    }
    return {name: wanted for name, wanted in tasks.items() if wanted}


def missing_of(order: Order, data: DataSet) -> dict[int, list[str]]:
    """Return what is asked for that a copy does not have: names, by level."""
    missing = {
        level: [name for name in _names(order) if not has(data, level, name)]
        for level in sorted(order.levels)
    }
    return {level: names for level, names in missing.items() if names}


def has(data: DataSet, level: int, name: str) -> bool:
    """Say whether a copy has the image of a level, or the SIM image."""
    return name in (
        data.truths.get(2, {}) if level == SIM else data.inputs.get(level, {})
    )


def _names(order: Order) -> Iterator[str]:
    for number in sorted(order.fields):
        yield from w2s.names_of(range(number, number + 1))


def _task(order: Order, name: str, level: int, form: str) -> Task:
    folder = SIM_FOLDER if level == SIM else folder_of(level)
    if form == "normalized":
        how = f"({_what(level)} - {w2s.Z_OFFSET}) / {w2s.Z_UNIT}, float32"
        return Task(level, form, f"normalized/{folder}/{name}.npy", how)
    part = "train" if int(field_of(name)) <= _PUBLISHED_TRAINING else "test"
    how = f"{order.grays_per_count:g} * {_what(level)}, rounded, from 0 to 255"
    return Task(level, form, f"{part}/{folder}/{name}.png", how)


def _what(level: int) -> str:
    if level == SIM:
        return "SIM"
    frames = w2s.frames_of(level)
    if len(frames) == 1:
        return f"capture {frames[0]}"
    return f"mean of captures {frames[0]}-{frames[-1]}"
