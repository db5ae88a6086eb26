"""Contact sheets: rows of small images, each row one subject."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_GAP = 6  # pixels between images
_LABEL = 24  # height of the line above the columns


def save_sheet(
    path: Path,
    rows: Sequence[Sequence[NDArray[Any]]],
    labels: Sequence[str],
    *,
    side: int = 256,
) -> None:
    """Write rows of images as a PNG; the file appears when it is whole.

    Parameters
    ----------
    path
        The PNG.
    rows
        (Y, X) images, black at 0 and white at 1. Coarser ones are shown with larger
        pixels.
    labels
        What stands above each column.
    side
        Of each image in the picture, in pixels.
    """
    width = len(labels) * (side + _GAP) + _GAP
    height = len(rows) * (side + _GAP) + _GAP + _LABEL
    sheet = Image.new("L", (width, height))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    for column, label in enumerate(labels):
        draw.text((_GAP + column * (side + _GAP), 4), label, fill="white", font=font)
    for number, row in enumerate(rows):
        for column, pixels in enumerate(row):
            corner = (column * (side + _GAP) + _GAP, number * (side + _GAP) + _LABEL)
            sheet.paste(_shown(pixels, side), corner)
    partial = path.with_suffix(".part")
    sheet.save(partial, "PNG")
    partial.replace(path)


def _shown(pixels: NDArray[Any], side: int) -> Image.Image:
    shades = np.asarray(pixels, np.float64).clip(0, 1) * 255
    image = Image.fromarray(shades.round().astype(np.uint8))
    return image.resize((side, side), Image.Resampling.NEAREST)
