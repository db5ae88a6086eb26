"""What a file says of the noise of its camera."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from w2s_cli.batch.noise_verdict import ChannelNoise, verdict
from w2s_cli.errors import AxesError, UsageError
from w2s_cli.estimate.dark import Dark, dark_of
from w2s_cli.estimate.noise import fit_noise
from w2s_cli.estimate.transfer import fit_repeats
from w2s_cli.files import opened
from w2s_cli.files.streams import received
from w2s_cli.restore.sampling import MOST_PLANES, middle, sampled
from w2s_cli.stack import Stack


@dataclass(frozen=True, slots=True)
class Question:
    """How the noise is to be found out.

    Attributes
    ----------
    axes
        The axes of the files, where they have none or wrong ones.
    channel
        The one channel to look at, by name or number; all of them where None.
    repeats
        The axis along which the same view was taken again; None for single exposures.
    dark
        The camera without light: for each channel, one for all, or unknown.
    """

    axes: str | None = None
    channel: str | None = None
    repeats: str | None = None
    dark: tuple[Dark, ...] = ()


@dataclass(frozen=True, eq=False)
class NoiseReport:
    """The noise of each channel of a file."""

    source: Path
    channels: tuple[ChannelNoise, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the file as a JSON object."""
        rows = [channel.as_json() for channel in self.channels]
        return {"source": str(self.source), "channels": rows}


def report_noise(question: Question, source: Path) -> NoiseReport:
    """Return what a file, or "-" for standard input, says of its camera's noise.

    Raises
    ------
    W2SError
        When the file cannot be read, has no such axis or channel, or shows no noise.
    """
    with received(source) as file, opened(file, axes=question.axes) as whole:
        stack = whole.only_channel(question.channel) if question.channel else whole
        darks = _darks(question, stack)
        channels = [_channel(stack, n, question, dark) for n, dark in enumerate(darks)]
    return NoiseReport(source, tuple(channels))


def read_dark(path: Path) -> tuple[Dark, ...]:
    """Return the camera without light, for each channel of a file of dark frames.

    Raises
    ------
    W2SError
        When the file cannot be read.
    """
    with opened(path) as stack:
        places = [*stack.indices()]
        return tuple(
            dark_of(stack.data[at] for at in places if stack.channel_of(at) == channel)
            for channel in range(stack.channel_count)
        )


def _darks(question: Question, stack: Stack) -> list[Dark | None]:
    """Return what is known of each channel without light."""
    count = stack.channel_count
    if len(question.dark) == count:
        return [*question.dark]
    if len(question.dark) > 1:
        raise UsageError(
            f"{len(question.dark)} channels of dark frames for an image of {count}",
            hint="give dark frames of one channel, or of those of the image",
        )
    return [*(question.dark or (None,))] * count


def _channel(
    stack: Stack, number: int, question: Question, dark: Dark | None
) -> ChannelNoise:
    planes = sampled(stack, number)
    if question.repeats:
        fit = fit_repeats(_views(stack, number, question.repeats), dark)
    else:
        fit = fit_noise(planes, dark)
    named = stack.channels[number].name if number < len(stack.channels) else ""
    return verdict(named or str(number), fit, planes, dark)


def _views(stack: Stack, channel: int, axis: str) -> list["_Repeats"]:
    """Return a few evenly spaced views, each the planes along the axis of repeats."""
    if len(axis) != 1 or axis not in stack.axes or axis in "CYX":
        raise AxesError(
            f"there are no repeats along {axis!r}: the axes are {stack.axes}",
            hint="repeats are along T or Z; name the axes of the file with --axes",
        )
    along = stack.axes.index(axis)
    places = [at for at in stack.indices() if stack.channel_of(at) == channel]
    firsts = [at for at in places if at[along] == 0]
    step = -(-len(firsts) // MOST_PLANES)
    return [_Repeats(stack, at, along) for at in firsts[::step]]


@dataclass(frozen=True, slots=True)
class _Repeats:
    """The planes of a stack along one axis, read each time that they are asked for."""

    stack: Stack
    first: tuple[int, ...]
    along: int

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for number in range(self.stack.data.shape[self.along]):
            at = (*self.first[: self.along], number, *self.first[self.along + 1 :])
            yield middle(self.stack, at)
