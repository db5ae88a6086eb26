"""Sharp images, degraded twice: the training examples of Real-ESRGAN.

A patch goes through blur, a change of size, noise and JPEG; then, more mildly, through
all of it again; then through a low-pass filter, which rings as sharpened images do.
What it is after that is the input, what it was before is the truth. The recipe's table
`real_esrgan` has every share and span; its defaults are the published ones for x2.

Eight-bit images are over 255. Others, of whatever type, have one black and one white
for the whole set, so that no image is brightened on its own: the least 0.1 % quantile
and the greatest 99.9 % quantile of its images (of the images to train on in a data
set; of at most `LOOKED_AT`, evenly picked). What lies beyond is clipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.datasets import DATASETS, MADE, find
from w2s_cli.datasets.data_set import DataSet, Image, Mask
from w2s_cli.errors import InputError, NothingMatchedError
from w2s_cli.io import open_image
from w2s_cli.io.formats import image_files
from w2s_cli.restorers.units import EIGHT_BIT, DisplayRange
from w2s_cli.training.initial_network import scale_of
from w2s_cli.training.patches import Part, PatchSampler
from w2s_cli.training.patches.augmentation import augment_planes
from w2s_cli.training.patches.image_cache import ImageCache
from w2s_cli.training.patches.real_esrgan_stages import (
    WHITE,
    Shape,
    add_noise,
    compress,
    draw_factor,
    draw_kernel,
    draw_low_pass,
    draw_mode,
    gray_levels,
    resized,
    scaled,
    sharpened,
)
from w2s_cli.training.patches.real_pairs import select_pairs
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import RealEsrgan, Stage
from w2s_cli.training.training_batch import Batch

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
    return sharp_images_of(find(recipe.data, kind=recipe.pairs.kind), recipe, part)


def _is_plain(place: Path) -> bool:
    """Say whether images lie in a folder, which is not that of a data set."""
    if not place.is_dir():
        return False
    try:
        next(image_files(place))
    except NothingMatchedError:
        return False
    rows = (row for row in DATASETS if row.name not in MADE)
    return not any(row.load()(place) for row in rows)


def sharp_images_of(data: DataSet, recipe: Recipe, part: Part) -> list[SharpImage]:
    """Return the finest truths of a part of a data set; errors are `select_pairs`'."""
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


class Degraded(NamedTuple):
    """An image and what it was.

    - `low`: (Y / scale, X / scale), values k / 255.
    - `high`: (Y, X), the truth.
    - `sharpened`: (Y, X), the truth after an unsharp mask, which was degraded.
    """

    low: FloatArray
    high: FloatArray
    sharpened: FloatArray


def degrade(
    sharp: FloatArray, scale: int, options: RealEsrgan, rng: np.random.Generator
) -> Degraded:
    """Return a sharp image degraded twice.

    - `sharp`: (Y, X) in [0, 1], sides multiples of `scale`.
    - `scale`: pixels of the truth along a pixel of the input.
    """
    height, width = sharp.shape
    small = height // scale, width // scale
    source = sharpened(sharp)
    image = _stage(source, sharp.shape, options.first, rng)
    image = compress(image, options.first, rng)
    image = _stage(image, small, options.second, rng)
    # JPEG and the last change of size and filter, in either order
    jpeg_last = rng.random() < 0.5
    if not jpeg_last:
        image = compress(image, options.second, rng)
    image = resized(image, small, draw_mode(rng))
    if rng.random() < options.final_sinc:
        image = draw_low_pass(rng).blur(image)
    if jpeg_last:
        image = compress(image, options.second, rng)
    low = gray_levels(image).astype(np.float32) / np.float32(WHITE)
    return Degraded(low, sharp, source)


def _stage(
    image: FloatArray, whole: Shape, stage: Stage, rng: np.random.Generator
) -> FloatArray:
    """Return an image after blur, a change of size from `whole`, and noise."""
    if rng.random() < stage.blur:
        image = draw_kernel(stage, rng).blur(image)
    shape = scaled(whole, draw_factor(stage, rng))
    return add_noise(resized(image, shape, draw_mode(rng)), stage, rng)


def open_degraded(recipe: Recipe, part: Part) -> "DegradedPatchSampler":
    """Return the degraded patches of a recipe.

    Sharp images are the finest truths of a data set, where `recipe.data` is one, of
    the splits that `recipe.pairs` names; else every plane of every image in that
    folder, where every tenth file is there to validate on. Raises InputError when there
    are no images, they cannot be read, or they show nothing.
    """
    return DegradedPatchSampler(
        recipe, part, scale_of(recipe), open_sharp_images(recipe, part)
    )


@dataclass(frozen=True, eq=False)
class DegradedPatchSampler(PatchSampler):
    """Patches of sharp images; `scale` is that of a truth over its input."""

    scale: int
    images: Sequence[SharpImage]
    _cache: ImageCache = field(default_factory=ImageCache, init=False)

    def patch(self, step: int, number: int) -> Batch:
        """Return one patch: more than it is degraded, and it is cut out of that.

        Near the edge of what was degraded, mirrored light would be blurred into it.
        """
        rng, side = self.rng(step, number), self.recipe.patches.side
        image, _ = self._cache.read(self.images[int(rng.integers(len(self.images)))])
        options = self.recipe.real_esrgan
        wide = square(image, ceil(side * options.context) * self.scale, rng)
        (wide,) = augment_planes([wide], self.recipe.patches.augment, rng)
        whole = degrade(wide, self.scale, options, rng)
        low, high, sharper = inner(whole, side, self.scale, rng)
        return Batch.of_patch(
            low, high, np.ones(high.shape, bool), "unit", sharpened=sharper
        )


def square(image: FloatArray, side: int, rng: np.random.Generator) -> FloatArray:
    """Return a random square of an image, which is mirrored where it is smaller."""
    missing = [(0, max(side - length, 0)) for length in image.shape]
    large = np.pad(image, missing, mode="reflect")
    y, x = (int(rng.integers(length - side + 1)) for length in large.shape)
    return large[y : y + side, x : x + side]


def inner(whole: Degraded, side: int, scale: int, rng: np.random.Generator) -> Degraded:
    """Return a random square of the input, `side` pixels wide, and its truths."""
    y, x = (int(rng.integers(length - side + 1)) for length in whole.low.shape)

    def cut(plane: FloatArray, finer: int) -> FloatArray:
        rows, columns = (slice(at * finer, (at + side) * finer) for at in (y, x))
        return plane[rows, columns]

    low, high, sharper = whole
    return Degraded(cut(low, 1), cut(high, scale), cut(sharper, scale))
