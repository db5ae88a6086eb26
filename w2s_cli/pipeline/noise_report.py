"""What a file says of the noise of its camera: `w2s estimate-noise`.

What cannot be seen in an image is not said either: an average of K frames looks like
one frame of a camera with a K-th of the gain, and a sum of 2x2 pixels like one frame of
a camera with larger pixels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import AxesError, InputError, UsageError
from w2s_cli.io import open_image
from w2s_cli.io.noise_file import noise_in_words
from w2s_cli.io.targets import spooled_input
from w2s_cli.microscope.noise_estimation import Dark, measure_dark
from w2s_cli.microscope.photon_transfer import fit_repeats
from w2s_cli.microscope.plane_sampling import (
    MOST_PLANES,
    middle_of_plane,
)
from w2s_cli.pipeline.diagnose import diagnose_channel, judged_planes
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis
from w2s_cli.stack import Stack

_WHITE = 255  # of 8 bits


@dataclass(frozen=True, slots=True)
class NoiseRequest:
    """How the noise is to be measured."""

    axes: str | None = None  # the axes of the files, where they have none or wrong ones
    # The one of several images in a file, by name or number; the largest where None
    series: str | None = None
    # The one channel to look at, by name or number; all of them where None
    channel: str | None = None
    # The axis along which the same view was taken again; None for single exposures
    repeats: str | None = None
    # The camera without light: for each channel, one for all, or unknown
    dark: tuple[Dark, ...] = ()


@dataclass(frozen=True, eq=False)
class NoiseReport:
    """The noise of each channel of a file."""

    source: Path
    channels: tuple[ChannelDiagnosis, ...]
    file_warnings: tuple[str, ...] = ()  # what of the file was not understood
    eight_bit: bool = False

    @property
    def warnings(self) -> list[str]:
        """Return what a user should know, as `restore` says it of the same file."""
        return [*self.file_warnings, *Diagnosis(self.channels).warnings]

    def as_json(self) -> dict[str, Any]:
        """Return the file as a JSON object."""
        rows = [channel.as_json() for channel in self.channels]
        return {"status": "done", "source": str(self.source), "channels": rows}


def mean_noise(reports: Sequence[NoiseReport]) -> dict[str, Any]:
    """Return the line of the noise, averaged over all channels of all files, as JSON.

    It is what Fig. 2a of W2S shows of a data set: the mean of `a`. Numbers that are not
    to be trusted are left out. `unit` is the same for images in [0, 1], as the code of
    W2S has them: of 8 bits over 255; None where there are others.

    Raises InputError when nothing can be trusted.
    """
    every = [(one, report.eight_bit) for report in reports for one in report.channels]
    rows = [(one.as_json(), gray) for one, gray in every if one.trusted]
    if not rows:
        raise InputError(
            f"the noise of none of {len(every)} images can be trusted",
            hint="leave out --mean to see what speaks against each",
        )
    found: dict[str, Any] = {"images": len(rows), "left_out": len(every) - len(rows)}
    for key in "ab":
        values = np.array([row[key] for row, _ in rows])
        found[key] = float(values.mean())
        spread = float(values.std(ddof=1)) if len(rows) > 1 else None
        found[f"{key}_error"] = spread and spread / len(rows) ** 0.5
    gray = all(gray for _, gray in rows)
    found["unit"] = (
        {"a": found["a"] / _WHITE, "b": found["b"] / _WHITE**2} if gray else None
    )
    return found


class RestoredImage(InputError):
    """An image that w2s has restored: its noise is not that of a camera."""


def check_raw(stack: Stack) -> None:
    """Refuse an image that w2s has restored, and say what is known of its input."""
    for step in reversed(stack.history):
        if step.get("command") == "simulate":
            return
        names = _methods(step)
        if step.get("command") == "restore" and not {*names} <= {"identity"}:
            raise RestoredImage(
                f"restored by w2s with {'+'.join(names)}: the noise of its input was "
                + (noise_in_words(step.get("noise")) or "not measured"),
                hint="measure the image that it was made from",
            )


def _methods(step: Mapping[str, Any]) -> list[str]:
    try:
        return [str(link["method"]) for link in step["links"]]
    except (KeyError, TypeError):
        return [str(step.get("method", "a method that is not known"))]


def report_noise(request: NoiseRequest, source: Path) -> NoiseReport:
    """Return what a file, or "-" for standard input, says of its camera's noise."""
    with (
        spooled_input(source) as file,
        open_image(
            file,
            axes=request.axes,
            series=request.series,
            colours=request.channel is not None,
        ) as whole,
    ):
        check_raw(whole)
        stack = whole.only_channel(request.channel) if request.channel else whole
        darks = _darks(request, stack)
        channels = [_channel(stack, n, request, dark) for n, dark in enumerate(darks)]
        eight_bit = stack.data.dtype == np.uint8
    return NoiseReport(source, tuple(channels), tuple(stack.warnings), eight_bit)


def read_dark(path: Path) -> tuple[Dark, ...]:
    """Return the camera without light, for each channel of a file of dark frames."""
    with open_image(path) as stack:
        places = [*stack.indices()]
        return tuple(
            measure_dark(
                stack.data[at] for at in places if stack.channel_of(at) == channel
            )
            for channel in range(stack.channel_count)
        )


def _darks(request: NoiseRequest, stack: Stack) -> list[Dark | None]:
    """Return what is known of each channel without light."""
    count = stack.channel_count
    if len(request.dark) == count:
        return [*request.dark]
    if len(request.dark) > 1:
        raise UsageError(
            f"{len(request.dark)} channels of dark frames for an image of {count}",
            hint="give dark frames of one channel, or of those of the image",
        )
    return [*(request.dark or (None,))] * count


def _channel(
    stack: Stack, number: int, request: NoiseRequest, dark: Dark | None
) -> ChannelDiagnosis:
    planes, fit = judged_planes(stack, number), None
    if request.repeats:
        fit = fit_repeats(_views(stack, number, request.repeats), dark)
    found = diagnose_channel(
        stack.channel_name(number),
        [*planes.values()],
        names=[*planes],
        dark=dark,
        fit=fit,
    )
    _ = found.noise  # why there is none is said now
    return found


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
            yield middle_of_plane(self.stack, at).counts
