"""Which prediction belongs to which reference, and to which field of view."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from w2s_cli.bench.scores.convention import Convention
from w2s_cli.datasets.data_set import field_of as by_number
from w2s_cli.errors import InputError, NothingMatchedError, UsageError, few
from w2s_cli.io import open_image
from w2s_cli.io.formats import image_files, stem
from w2s_cli.stack import Stack


@dataclass(frozen=True, slots=True)
class Match:
    """The files of one scene."""

    name: str  # what they are called, without suffixes
    prediction: Path  # the image that is scored
    # what it should be; None for scores that need no reference
    reference: Path | None = None
    # the widefield image that the prediction was made of, if it is known
    low: Path | None = None

    def __str__(self) -> str:
        files = (self.prediction, self.reference, self.low)
        return ", ".join(str(path) for path in files if path)


def matched(
    predictions: Path,
    references: Path | None = None,
    *,
    strip: str = "",
    common: bool = False,
) -> list[Match]:
    """Return each prediction with the reference of the same name.

    Both are folders, or both are files, whatever their names. `strip` is what only the
    names of predictions end in, such as "_jdsr"; `common` leaves out images without a
    partner, which are an error otherwise.
    """
    if references is None:
        named = _named([*image_files(predictions)], strip)
        return [Match(name, path) for name, path in named.items()]
    for path in (predictions, references):
        if not path.exists():
            raise InputError(
                f"there is no file or folder {path}",
                hint="check the spelling and the folder",
            )
    if predictions.is_dir() != references.is_dir():
        kinds = [
            "a folder" if p.is_dir() else "a file" for p in (predictions, references)
        ]
        raise UsageError(
            f"{predictions} is {kinds[0]} and {references} is {kinds[1]}",
            hint="give two folders, or two files",
        )
    if not predictions.is_dir():
        [prediction], [reference] = image_files(predictions), image_files(references)
        return [Match(stem(prediction), prediction, reference)]
    ours = _named([*image_files(predictions)], strip)
    theirs = _named([*image_files(references)])
    if ours.keys().isdisjoint(theirs):
        raise NothingMatchedError(
            f"no image of {predictions} has a partner in {references}: found "
            f"{few([*ours])} and {few([*theirs])}",
            hint="--strip SUFFIX takes an ending off the names of predictions",
        )
    alone = [str(ours[name]) for name in ours if name not in theirs]
    alone += [str(theirs[name]) for name in theirs if name not in ours]
    if alone and not common:
        raise InputError(
            f"{len(ours)} predictions and {len(theirs)} references: "
            f"no partner for {few(alone)}",
            hint="--common scores the images that are in both folders",
        )
    return [Match(name, ours[name], theirs[name]) for name in ours if name in theirs]


def with_inputs(matches: Sequence[Match], inputs: Path) -> list[Match]:
    """Return matches with the widefield images that predictions were made of.

    `inputs` is a folder of images of the same names, or a file for a single match.
    """
    if not inputs.is_dir():
        if len(matches) > 1:
            raise UsageError(
                f"{inputs} is one image for {len(matches)} predictions",
                hint="name a folder with an image for each of them",
            )
        return [replace(match, low=inputs) for match in matches]
    named = _named([*image_files(inputs)])
    lacking = [match.name for match in matches if match.name not in named]
    if lacking:
        raise InputError(
            f"{inputs} has no image called {few(lacking)}",
            hint="its images must have the names of the references",
        )
    return [replace(match, low=named[match.name]) for match in matches]


def field_of(name: str, pattern: re.Pattern[str] | None = None) -> str:
    """Return the field of view that an image belongs to, by its name without suffix.

    A pattern is matched from the start of the name: its first group, or all that it
    matches, is the field.
    """
    if pattern is None:
        return by_number(name)
    found = pattern.match(name)
    if not found:
        raise InputError(
            f"--group-by {pattern.pattern} does not match {name}",
            hint="it is matched from the start of the name, without the suffix",
        )
    return (pattern.groups and found[1]) or found[0]


def _named(paths: Sequence[Path], strip: str = "") -> dict[str, Path]:
    """Return files by the name that they share with their partners."""
    unlike = [path for path in paths if not stem(path).endswith(strip)]
    if unlike:
        raise UsageError(
            f"{few(unlike)} lacks the ending that --strip {strip} names",
            hint="keep only images of that ending in the folder of predictions",
        )
    named: dict[str, Path] = {}
    for path in paths:
        name = stem(path).removesuffix(strip)
        if name in named:
            raise InputError(
                f"{named[name]} and {path} have the same name", hint="keep one of them"
            )
        named[name] = path
    return named


@dataclass(frozen=True, slots=True)
class OpenedMatch:
    """The files of a match as stacks."""

    prediction: Stack  # the image that is scored
    reference: Stack  # what it should be; the prediction itself where there is nothing
    # the widefield image that the prediction was made of, if it is known
    low: Stack | None

    def planes(self) -> Iterator[tuple[NDArray[Any], NDArray[Any], Any]]:
        """Yield reference, prediction and widefield image, plane by plane."""
        low = self.low
        lows = map(low.data.__getitem__, low.indices()) if low else repeat(None)
        places = zip(self.reference.indices(), self.prediction.indices(), strict=True)
        for (other, at), under in zip(places, lows, strict=False):
            yield self.reference.data[other], self.prediction.data[at], under


@contextmanager
def open_match(
    match: Match, axes: str | None = None, channel: str | None = None
) -> Iterator[OpenedMatch]:
    """Open the files of a match."""
    with ExitStack() as files:

        def stack(path: Path) -> Stack:
            whole = files.enter_context(open_image(path, axes=axes, double=True))
            return whole if channel is None else whole.only_channel(channel)

        prediction = stack(match.prediction)
        reference = stack(match.reference) if match.reference else prediction
        yield OpenedMatch(
            prediction, reference, stack(match.low) if match.low else None
        )


def check_alike(match: Match, stacks: OpenedMatch, convention: Convention) -> None:
    """Refuse, before the work, files of a match that cannot be compared."""
    prediction, reference = stacks.prediction, stacks.reference
    found, expected = prediction.data.shape, reference.data.shape
    ours, theirs = found[-2:], expected[-2:]
    if ours != theirs:
        hint = "both must show the same field on the same pixel grid"
        if theirs == tuple(2 * length for length in ours):
            hint = "the prediction is not enlarged: restore it with a method that is x2"
        if ours == tuple(2 * length for length in theirs):
            hint = "the prediction is enlarged x2: name references of that size"
        raise InputError(
            f"{match.prediction} has {_size(ours)} pixels and {match.reference} "
            f"{_size(theirs)}",
            hint=hint,
        )
    for path, stack in ((match.reference, reference), (match.low, stacks.low)):
        if stack and _planes(stack) != _planes(prediction):
            raise InputError(
                f"{match.prediction} is {prediction.axes} {_size(found)} and {path} "
                f"{stack.axes} {_size(stack.data.shape)}: their planes make no pairs",
                hint="save the planes that belong together, or choose one --channel",
            )
    types = prediction.data.dtype, reference.data.dtype
    whole = all(dtype.kind in "iu" for dtype in types)
    if whole and types[0] != types[1] and convention.fit == "none":
        raise InputError(
            f"{match.prediction} is {types[0]} and {match.reference} {types[1]}: "
            "their numbers may not mean the same",
            hint="--fit affine brings them together; or save both as one type",
        )


def _planes(stack: Stack) -> list[int]:
    return [length for length in stack.data.shape[:-2] if length > 1]


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
