"""Where sharp images come from, and what is black and white in them.

Eight-bit images are over 255. Others, of whatever type, have one black and one white
for the whole set, so that no image is brightened on its own: the least 0.1 % quantile
and the greatest 99.9 % quantile of its images (of the images to train on in a data
set; of at most `LOOKED_AT`, evenly picked). What lies beyond is clipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.datasets import DATASETS, SIMULATED, find
from w2s_cli.datasets.data_set import DataSet, Image, Mask
from w2s_cli.errors import InputError, NothingMatchedError
from w2s_cli.io import open_image
from w2s_cli.io.formats import image_files
from w2s_cli.restorers.units import EIGHT_BIT, DisplayRange
from w2s_cli.training.patches import Part
from w2s_cli.training.patches.pair_selection import select_pairs
from w2s_cli.training.recipe import Recipe

LOOKED_AT = 64  # images
_EVERY = 10  # of a folder's files, one validates
_OUTER = 0.001  # share of pixels that may be darker than black; brighter than white
_GRAY = "1/255"  # unit of data sets of eight bits


@dataclass(frozen=True, slots=True)
class FilePart:
    """One plane of a file, of any axes."""

    path: Path
    index: tuple[int, ...]

    @property
    def where(self) -> str:
        """Return the path, and which plane it is."""
        counted = " ".join(str(number + 1) for number in self.index)
        return str(self.path) + (f", plane {counted}" if counted else "")

    def shape(self) -> tuple[int, int]:
        """Return its size; InputError where it is broken."""
        with open_image(self.path) as stack:
            height, width = stack.data.shape[-2:]
        return height, width

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return its values; InputError where it is broken."""
        with open_image(self.path) as stack:
            values = np.asarray(stack.data[self.index], np.float32)
        if not np.isfinite(values).all():
            raise InputError(
                f"{self.where} has pixels that are no numbers",
                hint="copy or export it again",
            )
        return values, None


@dataclass(frozen=True, slots=True)
class SharpImage:
    """A sharp image, and what is black and white in its set."""

    image: Image
    levels: DisplayRange

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        return self.image.where

    def shape(self) -> tuple[int, int]:
        """Return its size; InputError where it is broken."""
        return self.image.shape()

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return its values, from 0 to 1; InputError where it is broken."""
        values, valid = self.image.read()
        black, white = self.levels.black, self.levels.white
        return np.clip((values - np.float32(black)) / (white - black), 0, 1), valid


def open_sharp_images(recipe: Recipe, part: Part) -> list[SharpImage]:
    """Return the sharp images of a part of a recipe's data.

    Raises InputError when there are none, they cannot be read, or show nothing; when a
    folder has one file only; UsageError when a data set has no such split, level or
    field.
    """
    if not recipe.pairs.kind and _is_plain(recipe.data):
        return _of_folder(recipe.data, part)
    return _of_set(find(recipe.data, kind=recipe.pairs.kind), recipe, part)


def _is_plain(place: Path) -> bool:
    """Say whether images lie in a folder, which is not that of a data set."""
    if not place.is_dir():
        return False
    try:
        next(image_files(place))
    except NothingMatchedError:
        return False
    rows = (row for row in DATASETS if row.name != SIMULATED)
    return not any(row.load()(place) for row in rows)


def _of_set(data: DataSet, recipe: Recipe, part: Part) -> list[SharpImage]:
    finest = data.scales[-1]

    def truths(part: Part) -> list[Image]:
        levels = select_pairs(data, recipe, part, finest).values()
        names = sorted({name for names in levels for name in names})
        return [data.truths[finest][name] for name in names]

    gray = data.unit == _GRAY
    levels = EIGHT_BIT if gray else _levels(truths("training"), data.place)
    return [SharpImage(image, levels) for image in truths(part)]


def _of_folder(folder: Path, part: Part) -> list[SharpImage]:
    files = [*image_files(folder)]
    if len(files) == 1:
        raise InputError(
            f"{folder} holds one image, {files[0].name}, but training needs two: one "
            "to train on, and another to validate on",
            hint="add an image, or cut it into two",
        )
    gray, planes = set(), []
    for path in files:
        with open_image(path) as stack:
            planes += [FilePart(path, index) for index in stack.indices()]
            gray |= {path} if stack.data.dtype == np.uint8 else set()
    deep = [plane for plane in planes if plane.path not in gray]
    levels = _levels(deep, str(folder)) if deep else EIGHT_BIT
    validating = {*files[::_EVERY]}
    return [
        SharpImage(plane, EIGHT_BIT if plane.path in gray else levels)
        for plane in planes
        if (plane.path in validating) == (part == "validation")
    ]


def _levels(found: Sequence[Image], place: str) -> DisplayRange:
    """Return black and white of a set that is not of eight bits."""
    picked = found[:: -(-len(found) // LOOKED_AT)]
    quantiles = [
        np.quantile(image.read()[0], [_OUTER, 1 - _OUTER]).tolist() for image in picked
    ]
    black = min(low for low, _ in quantiles)
    white = max(high for _, high in quantiles)
    if black == white:
        raise InputError(
            f"the images of {place} show nothing: all their pixels are {black:g}",
            hint="are they the right files?",
        )
    return DisplayRange(black, white)
