"""Whether a file agrees with the one that it was made from: `w2s check`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError, UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.fingerprints import input_hash
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.output_check import OutputCheck
from w2s_cli.pipeline.request import INPUT, NAME
from w2s_cli.stack import Computed, Stack

_HINT = "name the input: --against IN"


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """How an output is to be compared with its input.

    Attributes
    ----------
    against
        The input; the one that the output's record names where None.
    noise
        Noise models that are known; those of the record, or of the input, without.
    axes, series, channel
        Of the input, as for `RestoreSpec`; those of the record without.
    rescaled
        Whether the output is in other units than the input.
    mask
        Where to write which pixels of the output are not supported.
    overwrite
        Whether a mask that exists is replaced.
    """

    against: Path | None = None
    noise: GivenNoise = field(default_factory=GivenNoise)
    axes: str | None = None
    series: str | None = None
    channel: str | None = None
    rescaled: bool = False
    mask: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class CheckReport:
    """A file that was compared with its input."""

    output: Path
    source: Path  # the input
    method: str  # that made it; "" where it does not say
    check: OutputCheck
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        noise = [model.as_json() for model in self.check.noise.values()]
        return {
            "status": "done",
            "source": str(self.output),
            "against": str(self.source),
            "method": self.method,
            **self.check.as_json(),
            "every_plane": [one.as_json() for one in self.check.planes.values()],
            "noise": noise,
            "warnings": [*self.warnings],
        }


def check_file(request: CheckRequest, output: Path) -> CheckReport:
    """Compare a file with its input, plane by plane.

    Raises
    ------
    UsageError
        When nothing says what the input is, or it is not there.
    InputError
        When one of the two cannot be read, they do not fit each other, or the noise of
        the input is neither known nor can be measured.
    """
    with open_image(output) as alone:
        record = _record(alone)
    source = request.against or _named_input(output, record)
    with (
        open_image(
            source,
            axes=request.axes or record.get("axes"),
            series=request.series or record.get("series"),
            colours=_channel(request, record) is not None,
        ) as whole,
        open_image(output) as made,
    ):
        channel = _channel(request, record)
        stack = whole if channel is None else whole.only_channel(channel)
        restored = fitting(made, stack, str(output), str(source))
        given = _given(request, record, source, stack.channel_count)
        found = diagnose(
            stack,
            given,
            defects=record.get("defects", "auto") != "keep",
            even_lines=record.get("defects") == "all",
        )
        check = OutputCheck(stack, found, rescaled=request.rescaled)
        _ = check.noise  # where it cannot be measured, that is told before the work
        if request.mask:
            mask = _unsupported(check, restored)
            write_image(mask, request.mask, overwrite=request.overwrite)
        else:
            for index in stack.indices():
                check.add(index, restored.data[index])
        if not check.planes:
            raise InputError(
                f"nothing of {source} can be compared: its planes are blank, saturated "
                "or too small",
                hint="a plane needs 1024 pixels that say something of the light",
            )
        notes = [*_notes(check, record, given), *check.diagnosis.warnings]
        files = whole.extra.get("files", [source])
        if INPUT in record and input_hash(files) != record[INPUT]:
            notes.insert(
                0,
                f"{source} is not the file that it was made from, or was changed since",
            )
    return CheckReport(
        output, source, str(record.get("method", "")), check, tuple(notes)
    )


def _record(stack: Stack) -> Mapping[str, Any]:
    """Return what an output says of its restoration; nothing of another program."""
    steps = [one for one in stack.history if one.get("command") == "restore"]
    return steps[-1] if steps else {}


def _channel(request: CheckRequest, record: Mapping[str, Any]) -> str | None:
    named = record.get("channel")
    return request.channel or (str(named) if named else None)


def _named_input(output: Path, record: Mapping[str, Any]) -> Path:
    """Return the input that a record names: beside the output, or a folder nearby."""
    name = record.get(NAME)
    if not name:
        raise UsageError(
            f"{output} does not say what it was made from",
            hint=_HINT,
        )
    folders = (output.parent, output.parent.parent, Path())
    for folder in folders:
        path = folder / Path(str(name)).name
        if path.exists() and not path.samefile(output):
            return path
    raise UsageError(
        f"{output} was made from {name}, which is neither beside it, nor a folder "
        "above, nor here",
        hint=_HINT,
    )


def fitting(made: Stack, stack: Stack, output: str, source: str) -> Stack:
    """Return an output with the planes of its input; axes of length 1 may be lost."""
    *lead, height, width = stack.data.shape
    *other, tall, wide = made.data.shape
    scale = tall // height
    whole = scale >= 1 and (tall, wide) == (scale * height, scale * width)
    if not whole or prod(lead) != prod(other):
        here, there = (" x ".join(map(str, one.data.shape)) for one in (made, stack))
        swapped = tall * wide < height * width
        raise InputError(
            f"{output} is {made.axes} {here} and {source} {stack.axes} {there}: an "
            "output has the same planes, as large or a whole number of times as large",
            hint="are they swapped? the output comes first"
            if swapped
            else "is it of one channel or image of it? --channel, --series, --axes",
        )
    if made.channel_count != stack.channel_count and 1 not in (prod(lead), prod(other)):
        raise InputError(
            f"{output} has {made.channel_count} channels and {source} "
            f"{stack.channel_count}",
            hint="say the axes of the input: --axes",
        )

    def plane(index: tuple[int, ...]) -> NDArray[Any]:
        number = int(np.ravel_multi_index(index, tuple(lead))) if index else 0
        there = np.unravel_index(number, tuple(other)) if other else ()
        return made.data[tuple(map(int, there))]

    shape = (*lead, tall, wide)
    return replace(made, data=Computed(shape, made.data.dtype, plane), axes=stack.axes)


def _given(
    request: CheckRequest, record: Mapping[str, Any], source: Path, channels: int
) -> tuple[NoiseModel, ...]:
    """Return the noise that was said: now, or to the restoration."""
    if models := tuple(request.noise.of(source)):
        return models
    rows = record.get("noise") or []
    if len(rows) != channels or any(row.get("origin") != "given" for row in rows):
        return ()
    return tuple(
        NoiseModel(float(row["gain"]), float(row["offset"]), float(row["read_noise"]))
        for row in rows
    )


def _notes(
    check: OutputCheck, record: Mapping[str, Any], given: tuple[NoiseModel, ...]
) -> Iterator[str]:
    if not record:
        yield (
            "made by another program, or its record is lost: nothing is known of the "
            "method" + (", the noise is estimated from the input" * (not given))
        )
    for one in check.diagnosis.channels:
        if given and one.fit and not one.noise_fits:
            shown = one.fit.model
            yield (
                "the noise that was given is not what the input shows; the residual "
                f"is compared with what it shows, gain {shown.gain:.3g}, offset "
                f"{shown.offset:.4g}, read noise {shown.read_noise:.3g}"
            )


def _unsupported(check: OutputCheck, restored: Stack) -> Stack:
    """Return a mask that is compared as it is read: 255 is not supported, else 0."""

    def plane(index: tuple[int, ...]) -> NDArray[np.uint8]:
        found = check.add(index, restored.data[index])
        shape = restored.data.shape[-2:]
        if found is None:
            return np.zeros(shape, np.uint8)
        scale = found.blur.scale
        marked = found.unsupported.astype(np.uint8) * np.uint8(255)
        return marked.repeat(scale, 0).repeat(scale, 1)

    shape = restored.data.shape
    data = Computed(shape, np.dtype(np.uint8), plane)
    return replace(restored, data=data, history=(), extra={})
