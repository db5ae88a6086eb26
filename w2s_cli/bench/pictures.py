"""Pictures to compare images by eye: panels side by side on one gray scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from w2s_cli.io.atomic_files import replacing

_GAP = 8  # pixels between panels
_LABEL = 26  # height of the line above a panel
_FRAME = (255, 196, 0)


@dataclass(frozen=True, eq=False)
class Panel:
    """One image of a comparison."""

    label: str  # what stands above it
    pixels: NDArray[Any]  # (Y, X), in the units that all panels share
    scale: int = 1  # its pixels along a pixel of the coarsest panel


@dataclass(frozen=True, slots=True)
class Inset:
    """A square to magnify, in pixels of the coarsest panel."""

    y: int
    x: int
    side: int


def save_comparison(
    path: Path,
    panels: Sequence[Panel],
    inset: Inset,
    *,
    limits: tuple[float, float],
    side: int = 440,
) -> None:
    """Write panels of `side` pixels, each above its magnified inset, as a PNG.

    The inset is the same in all; `limits` are the intensities of black and white.
    """
    columns = [_column(panel, inset, limits, side) for panel in panels]
    width = (side + _GAP) * len(columns) + _GAP
    picture = Image.new("RGB", (width, columns[0].height + 2 * _GAP), "black")
    for number, column in enumerate(columns):
        picture.paste(column, (_GAP + number * (side + _GAP), _GAP))
    picture.save(path)


def _column(
    panel: Panel, inset: Inset, limits: tuple[float, float], side: int
) -> Image.Image:
    y, x, length = (panel.scale * place for place in (inset.y, inset.x, inset.side))
    whole = _gray(panel.pixels, limits, side)
    close = _gray(panel.pixels[y : y + length, x : x + length], limits, side)
    column = Image.new("RGB", (side, _LABEL + whole.height + _GAP + side), "black")
    draw = ImageDraw.Draw(column)
    draw.text((2, 3), panel.label, fill="white", font=ImageFont.load_default(size=16))
    column.paste(whole, (0, _LABEL))
    column.paste(close, (0, _LABEL + whole.height + _GAP))
    shrink = side / panel.pixels.shape[1]
    corners = [x * shrink, _LABEL + y * shrink]
    corners += [corner + length * shrink for corner in corners]
    draw.rectangle(corners, outline=_FRAME)
    return column


def _gray(pixels: NDArray[Any], limits: tuple[float, float], width: int) -> Image.Image:
    low, high = limits
    shades = (np.asarray(pixels, np.float64) - low) / (high - low) * 255
    image = Image.fromarray(shades.clip(0, 255).astype(np.uint8))
    height = round(width * pixels.shape[0] / pixels.shape[1])
    larger = width > pixels.shape[1]
    how = Image.Resampling.NEAREST if larger else Image.Resampling.BOX
    return image.resize((width, height), how)


def busiest(image: NDArray[Any], side: int) -> Inset:
    """Return the square of a (Y, X) image that is steepest on average."""
    found: dict[Inset, float] = {}
    for y in range(0, image.shape[0] - side + 1, side // 2):
        top = max(y - 1, 0)  # a row more, for its slope
        slopes = np.gradient(np.asarray(image[top : y + side + 1], np.float32))
        steep = np.hypot(*slopes)[y - top :][:side]
        for x in range(0, image.shape[1] - side + 1, side // 2):
            found[Inset(y, x, side)] = float(steep[:, x : x + side].mean())
    return max(found, key=lambda one: found[one])


_SIDE = 256  # pixels along an image of a sheet
_SHEET_GAP = 6  # pixels between images
_SHEET_LABEL = 24  # height of the line above the columns


def save_sheet(
    path: Path, rows: Sequence[Sequence[NDArray[Any]]], labels: Sequence[str]
) -> None:
    """Write rows of (Y, X) images as a PNG; the file appears when it is whole.

    0 is black and 1 is white; coarser images are shown with larger pixels.
    """
    step = _SIDE + _SHEET_GAP
    width = len(labels) * step + _SHEET_GAP
    height = len(rows) * step + _SHEET_GAP + _SHEET_LABEL
    sheet = Image.new("L", (width, height))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    for column, label in enumerate(labels):
        draw.text((_SHEET_GAP + column * step, 4), label, fill="white", font=font)
    for number, row in enumerate(rows):
        for column, pixels in enumerate(row):
            shades = np.asarray(pixels, np.float64).clip(0, 1) * 255
            image = Image.fromarray(shades.round().astype(np.uint8))
            sheet.paste(
                image.resize((_SIDE, _SIDE), Image.Resampling.NEAREST),
                (column * step + _SHEET_GAP, number * step + _SHEET_LABEL),
            )
    with replacing(path) as temporary:
        sheet.save(temporary, "PNG")
