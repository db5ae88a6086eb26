"""The files of a match, open together, and whether they can be compared at all."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.evaluation.scores.convention import Convention
from w2s_cli.evaluation.scores.matching import Match
from w2s_cli.files import opened
from w2s_cli.stack import Stack

Plane = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """The files of a match as stacks.

    Attributes
    ----------
    prediction
        The image that is scored.
    reference
        What it should be; the prediction itself where there is nothing.
    low
        The widefield image that the prediction was made of, if it is known.
    """

    prediction: Stack
    reference: Stack
    low: Stack | None

    def planes(self) -> Iterator[tuple[Plane, Plane, Plane | None]]:
        """Yield reference, prediction and widefield image, plane by plane."""
        low = self.low
        lows = map(low.data.__getitem__, low.indices()) if low else repeat(None)
        places = zip(self.reference.indices(), self.prediction.indices(), strict=True)
        for (other, at), under in zip(places, lows, strict=False):
            yield self.reference.data[other], self.prediction.data[at], under


@contextmanager
def opened_match(
    match: Match, axes: str | None = None, channel: str | None = None
) -> Iterator[Opened]:
    """Open the files of a match.

    Parameters
    ----------
    axes
        The axes of the files, where they have none or wrong ones.
    channel
        The one channel to take of each, by name or number; None for all.

    Raises
    ------
    W2SError
        When a file cannot be read, or has no such axes or channel.
    """
    with ExitStack() as files:

        def stack(path: Path) -> Stack:
            whole = files.enter_context(opened(path, axes=axes, double=True))
            return whole if channel is None else whole.only_channel(channel)

        prediction = stack(match.prediction)
        reference = stack(match.reference) if match.reference else prediction
        yield Opened(prediction, reference, stack(match.low) if match.low else None)


def check_alike(match: Match, stacks: Opened, convention: Convention) -> None:
    """Find out before the work whether the files of a match compare.

    Raises
    ------
    InputError
        When the sizes, the numbers of planes or the integer types differ.
    """
    prediction, reference = stacks.prediction, stacks.reference
    found, expected = prediction.data.shape, reference.data.shape
    if found[-2:] != expected[-2:]:
        raise InputError(
            f"{match.prediction} has {_size(found[-2:])} pixels and {match.reference} "
            f"{_size(expected[-2:])}",
            hint=_advice(found[-2:], expected[-2:]),
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


def _advice(found: tuple[int, ...], expected: tuple[int, ...]) -> str:
    if expected == tuple(2 * length for length in found):
        return "the prediction is not enlarged: restore it with a method that is x2"
    if found == tuple(2 * length for length in expected):
        return "the prediction is enlarged x2: name references of that size"
    return "both must show the same field on the same pixel grid"
