"""A picture of what a restoration did: input, output, and what it took away.

Where standard errors were written, these beside.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import floor, log10
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from w2s_cli._typing import FloatArray
from w2s_cli.bench.pictures import busiest
from w2s_cli.io import open_image
from w2s_cli.io.atomic_files import replacing
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.plane_sampling import MOST_SIDE, middle_of_plane, spread
from w2s_cli.pipeline.diagnose import diagnose_channel
from w2s_cli.pipeline.file_restoration import FileReport
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.stack import Stack

MOST = 4.0  # standard deviations of the noise, from black to grey to white
_CROP = 512  # input pixels: of a larger plane its busiest square is shown
_LEAST = 440  # pixels of a panel, so that what is written above it fits
_GAP, _LINE = 10, 20
_BLACK, _WHITE = 0.1, 99.9  # percentiles of the output
_UNSURE = 0.5  # of the range of grey: standard errors that are white


@dataclass(frozen=True, eq=False)
class PreviewRow:
    """A channel: the same part of a plane before and after, in counts."""

    name: str
    before: FloatArray  # (Y, X)
    after: FloatArray  # (Y * scale, X * scale)
    noise: NoiseModel | None  # None where it is not known
    pixel_size: float | None  # micrometres of a pixel of `before`
    errors: FloatArray | None = None  # standard errors of `after`

    @property
    def scale(self) -> int:
        """Return how many pixels of the output are along one of the input."""
        return len(self.after) // len(self.before)

    @property
    def difference(self) -> tuple[FloatArray, str]:
        """Return input less output on the grid of the input, and its unit."""
        height, width = self.before.shape
        blocks = self.after.reshape(height, self.scale, width, self.scale)
        coarse = np.asarray(blocks.mean(axis=(1, 3)), np.float32)
        difference = np.nan_to_num(self.before - coarse)
        if self.noise:
            spread = np.sqrt(np.maximum(self.noise.variance(coarse), 1e-6))
            return np.nan_to_num(difference / spread), "sd of the noise"
        return difference / max(float(difference.std()), 1e-6), "of its own sd"


def preview(
    spec: RestoreSpec, source: Path, outcome: FileReport, picture: Path
) -> None:
    """Draw the middle plane of a file that was restored, a row a channel, as a PNG."""
    with spec.opened(source) as whole:
        stack = spec.part(whole)
        with ExitStack() as opened:
            made = []
            for file in filter(None, [outcome.target, outcome.error_map]):
                # An array's file doesn't name its axes.
                axes = stack.axes if file.suffix.lower() == ".npy" else None
                made.append(opened.enter_context(open_image(file, axes=axes)))
            rows = [_row(stack, made, outcome, at) for at in _middle(stack)]
    with replacing(picture) as temporary:
        drawn(rows, f"{source.name}, {outcome.method}").save(temporary, "PNG")


def _middle(stack: Stack) -> list[tuple[int, ...]]:
    """Return the index of the middle plane, one for each channel."""
    lengths = dict(zip(stack.axes, stack.data.shape[:-2], strict=False))
    return [
        tuple(n if axis == "C" else length // 2 for axis, length in lengths.items())
        for n in range(stack.channel_count)
    ]


def _row(
    stack: Stack, made: Sequence[Stack], outcome: FileReport, at: tuple[int, ...]
) -> PreviewRow:
    """Return a plane before and after; a file may have lost axes of length 1.

    `made` has the output, and its standard errors if there are any.
    """
    number = int(np.ravel_multi_index(at, stack.data.shape[:-2])) if at else 0
    there = tuple(map(int, np.unravel_index(number, made[0].data.shape[:-2])))
    scale, wide = outcome.scale, stack.data.shape[-2:]
    part = [spread(n, MOST_SIDE if stack.large else n)[0] for n in wide]
    parts = [slice(one.start * scale, one.stop * scale) for one in part]
    channel = stack.channel_of(at)
    known = outcome.channels[channel : channel + 1]
    model = (
        known[0].model
        if known
        else diagnose_channel("", [middle_of_plane(stack, at)]).model
    )
    before = stack.region(at, *part)
    planes = [one.region(there, *parts) for one in made]
    after = planes[0]
    name, size = stack.plane_name(at), stack.pixel_size.get("X")
    height, width = before.shape
    if max(before.shape) <= _CROP or min(before.shape) < 2:
        shown = [*map(_single, planes)]
        return PreviewRow(name, _single(before), shown[0], model, size, *shown[1:])
    square = busiest(after[::scale, ::scale], min(height, width, _CROP))
    y, x, side = square.y, square.x, square.side
    first = x + part[1].start, y + part[0].start
    along_x, along_y = (f"{start} to {start + side - 1}" for start in first)
    where = f"x {along_x}, y {along_y} of {wide[1]} x {wide[0]}"
    fine = np.s_[y * scale : (y + side) * scale, x * scale : (x + side) * scale]
    shown = [_single(plane[fine]) for plane in planes]
    seen = _single(before[y : y + side, x : x + side])
    label = f"{name}{name and ', '}{where}"
    return PreviewRow(label, seen, shown[0], model, size, *shown[1:])


def _single(pixels: NDArray[Any]) -> FloatArray:
    """Return a copy, so that the plane that it is a part of can go."""
    return np.array(pixels, np.float32)


def drawn(rows: Sequence[PreviewRow], title: str) -> Image.Image:
    """Return the picture: a row of panels for each of `rows`."""
    parts = [_drawn_row(row) for row in rows]
    width = max(part.width for part in parts)
    height = sum(part.height for part in parts)
    picture = Image.new("RGB", (width, height + _LINE + _GAP), "black")
    _write(picture, (_GAP, _GAP // 2), title)
    top = _LINE + _GAP
    for part in parts:
        picture.paste(part, (0, top))
        top += part.height
    return picture


def _drawn_row(row: PreviewRow) -> Image.Image:
    finite = row.after[np.isfinite(row.after)]
    low, high = np.percentile(finite, [_BLACK, _WHITE]) if finite.size else (0.0, 1.0)
    high = max(high, low + 1e-6)
    difference, unit = row.difference
    enlarged = max(-(-_LEAST // max(row.after.shape)), 1)
    larger = f" enlarged x{row.scale}" if row.scale > 1 else ""
    panels = [
        (f"input{larger}", (row.before - low) / (high - low), row.scale),
        ("output", (row.after - low) / (high - low), 1),
        (
            f"input - output: black -{MOST:g}, grey 0, white {MOST:g} {unit}",
            difference / (2 * MOST) + 0.5,
            row.scale,
        ),
    ]
    if row.errors is not None:
        most = _UNSURE * (high - low)
        label = f"standard error: black 0, white {most:.3g} counts or more"
        panels.append((label, row.errors / most, 1))
    side = (max(row.after.shape[1] * enlarged, _LEAST), row.after.shape[0] * enlarged)
    count = len(panels)
    size = (count * (side[0] + _GAP) + _GAP, side[1] + 2 * _LINE + _GAP)
    picture = Image.new("RGB", size, "black")
    caption = f"{row.name}{row.name and ': '}input and output in the same grey, "
    _write(picture, (_GAP, 0), f"{caption}{low:.4g} (black) to {high:.4g} counts")
    for place, (label, grey, scale) in enumerate(panels):
        left = _GAP + place * (side[0] + _GAP)
        _write(picture, (left, _LINE), label)
        shades = (np.nan_to_num(grey).clip(0, 1) * 255).round().astype(np.uint8)
        times = enlarged * scale
        picture.paste(
            Image.fromarray(shades.repeat(times, 0).repeat(times, 1)), (left, 2 * _LINE)
        )
        if place < 2:
            _draw_scale_bar(picture, (left, 2 * _LINE, *side), row, enlarged)
    return picture


def _draw_scale_bar(
    picture: Image.Image,
    panel: tuple[int, int, int, int],
    row: PreviewRow,
    enlarged: int,
) -> None:
    """Draw a bar of about a quarter of the width into a corner, and its length."""
    left, top, width, height = panel
    size, unit = (
        (row.pixel_size, "um") if row.pixel_size else (1.0, "pixels of the input")
    )
    most = row.before.shape[1] * size / 4
    power = 10.0 ** floor(log10(most))
    length = max(step * power for step in (1, 2, 5) if step * power <= most)
    long = round(length / size * row.scale * enlarged)
    right, bottom = left + width - _GAP, top + height - _GAP
    box = (right - long, bottom - 5, right, bottom)
    ImageDraw.Draw(picture).rectangle(box, fill="white", outline="black")
    _write(picture, (right, bottom - 5 - _LINE), f"{length:g} {unit}", anchor="ra")


def _write(
    picture: Image.Image, at: tuple[int, int], text: str, anchor: str = "la"
) -> None:
    ImageDraw.Draw(picture).text(
        at,
        text,
        fill="white",
        anchor=anchor,
        font=ImageFont.load_default(size=13),
        stroke_width=1,
        stroke_fill="black",
    )
