"""One image through both degradations, in the published order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.training.initial_network import scale_of
from w2s_cli.training.patches import Part, PatchSampler
from w2s_cli.training.patches.augmentation import augment_planes
from w2s_cli.training.patches.image_cache import ImageCache
from w2s_cli.training.real_esrgan_degradation import blur_kernels, stages
from w2s_cli.training.real_esrgan_degradation.sharp_sources import (
    SharpImage,
    open_sharp_images,
)
from w2s_cli.training.real_esrgan_degradation.stages import (
    Shape,
    draw_factor,
    draw_mode,
    resized,
    scaled,
    sharpened,
)
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import RealEsrgan, Stage
from w2s_cli.training.training_batch import Batch


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
    image = stages.compress(image, options.first, rng)
    image = _stage(image, small, options.second, rng)
    image = _finished(image, small, options, rng)
    low = stages.gray_levels(image).astype(np.float32) / np.float32(stages.WHITE)
    return Degraded(low, sharp, source)


def _stage(
    image: FloatArray, whole: Shape, stage: Stage, rng: np.random.Generator
) -> FloatArray:
    """Return an image after blur, a change of size from `whole`, and noise."""
    if rng.random() < stage.blur:
        image = blur_kernels.draw_kernel(stage, rng).blur(image)
    shape = scaled(whole, draw_factor(stage, rng))
    return stages.add_noise(resized(image, shape, draw_mode(rng)), stage, rng)


def _finished(
    image: FloatArray, small: Shape, options: RealEsrgan, rng: np.random.Generator
) -> FloatArray:
    """Return an image of the last size, after JPEG and the filter in either order."""
    if rng.random() < 0.5:
        image = _filtered(image, small, options, rng)
        return stages.compress(image, options.second, rng)
    image = stages.compress(image, options.second, rng)
    return _filtered(image, small, options, rng)


def _filtered(
    image: FloatArray, small: Shape, options: RealEsrgan, rng: np.random.Generator
) -> FloatArray:
    image = resized(image, small, draw_mode(rng))
    if rng.random() < options.final_sinc:
        image = blur_kernels.draw_low_pass(rng).blur(image)
    return image


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
