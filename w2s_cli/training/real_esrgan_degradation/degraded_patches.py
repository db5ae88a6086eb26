"""One image through both degradations, in the published order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil, isfinite
from typing import NamedTuple

import numpy as np
import torch

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UnknownNameError, UsageError
from w2s_cli.training.initial_network import scale_of
from w2s_cli.training.patches import STREAMS, Part
from w2s_cli.training.patches.augmentation import augment_planes
from w2s_cli.training.patches.image_cache import ImageCache
from w2s_cli.training.real_esrgan_degradation import blur_kernels, stages
from w2s_cli.training.real_esrgan_degradation.blur_kernels import KINDS
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

    Attributes
    ----------
    low
        (Y / scale, X / scale), values k / 255.
    high
        (Y, X), the truth.
    sharpened
        (Y, X), the truth after an unsharp mask, which was degraded.
    """

    low: FloatArray
    high: FloatArray
    sharpened: FloatArray


def degrade(
    sharp: FloatArray, scale: int, options: RealEsrgan, rng: np.random.Generator
) -> Degraded:
    """Return a sharp image degraded twice.

    Parameters
    ----------
    sharp
        (Y, X) in [0, 1], sides multiples of `scale`.
    scale
        Pixels of the truth along a pixel of the input.
    options
        Shares and spans.
    rng
        All that is random comes from it.
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


_Wrong = tuple[str, str, object]  # key, what it takes, and what it has
_SPANS = {  # the least and the greatest value that a span may hold
    "sigma": (0.01, 100),
    "generalized": (0.01, 10),
    "plateau": (0.01, 10),
    "factor": (0.01, 10),
    "noise": (0, 255),
    "poisson": (0, 100),
    "jpeg": (1, 100),
}
_AROUND_ONE = ("generalized", "plateau", "factor")


def check_degradation(recipe: Recipe) -> None:
    """Look at a recipe for sharp images that are degraded.

    Raises
    ------
    UnknownNameError
        When there is no such kind of kernel.
    UsageError
        When a setting is out of range, or units are not "unit".
    """
    if recipe.units != "unit":
        raise UsageError(
            f"second-order degradation makes images from 0 to 1, but the recipe has "
            f"units {recipe.units!r}",
            hint='set units = "unit"',
        )
    for key, wanted, value in _wrong(recipe):
        raise UsageError(
            f"recipe key 'second_order.{key}' takes {wanted}, not {value!r}",
            hint="without it, the recipe has the published value",
        )


def _wrong(recipe: Recipe) -> Iterator[_Wrong]:
    options = recipe.second_order
    if not _is_share(options.final_sinc):
        yield "final_sinc", "a share from 0 to 1", options.final_sinc
    if not 1 <= options.context <= 10:
        yield "context", "a number from 1 to 10", options.context
    for name, stage in (("first", options.first), ("second", options.second)):
        for key, wanted, value in _wrong_of_stage(stage):
            yield f"{name}.{key}", wanted, value


def _wrong_of_stage(stage: Stage) -> Iterator[_Wrong]:
    for name in stage.kernels:
        if name not in KINDS:
            raise UnknownNameError("kind of kernel", name, KINDS)
    for key in ("blur", "sinc", "gaussian"):
        if not _is_share(getattr(stage, key)):
            yield key, "a share from 0 to 1", getattr(stage, key)
    for key, weights in (("kernels", stage.kernels.values()), ("resize", stage.resize)):
        if not all(map(_is_weight, weights)) or not sum(weights):
            yield key, "weights of at least 0, not all 0", [*weights]
    yield from _wrong_spans(stage)


def _wrong_spans(stage: Stage) -> Iterator[_Wrong]:
    for key, (least, most) in _SPANS.items():
        low, high = getattr(stage, key)
        if not least <= low <= high <= most:
            yield key, f"two rising numbers from {least} to {most}", (low, high)
        elif key in _AROUND_ONE and not low <= 1 <= high:
            yield key, "a span around 1", (low, high)


def _is_share(value: float) -> bool:
    return 0 <= value <= 1


def _is_weight(value: float) -> bool:
    return value >= 0 and isfinite(value)


def open_degraded(recipe: Recipe, part: Part) -> "DegradedPatchSampler":
    """Return what `second_order.opened` says."""
    check_degradation(recipe)
    return DegradedPatchSampler(
        recipe, scale_of(recipe), STREAMS[part], open_sharp_images(recipe, part)
    )


@dataclass(frozen=True, eq=False)
class DegradedPatchSampler:
    """What patches are drawn from.

    Attributes
    ----------
    recipe
        With `patches`, `second_order` and `seed`.
    scale
        Pixels of a truth along a pixel of an input.
    stream
        Of the random numbers.
    found
        The sharp images.
    """

    recipe: Recipe
    scale: int
    stream: int
    found: Sequence[SharpImage]
    _memory: ImageCache = field(default_factory=ImageCache, init=False)

    def batch(self, step: int, numbers: Sequence[int]) -> Batch:
        """Return some patches of a step's batch, by their numbers in it."""
        made = [self.patch(step, number) for number in numbers]
        low, high, sharper = (
            torch.from_numpy(np.stack(planes)[:, None])
            for planes in zip(*made, strict=True)
        )
        return Batch(
            image=low,
            truth=high,
            valid=torch.ones_like(high, dtype=torch.bool),
            lift=torch.zeros(len(made), 1, 1, 1),
            units="unit",
            sharpened=sharper,
        )

    def patch(self, step: int, number: int) -> Degraded:
        """Return one patch: more than it is degraded, and it is cut out of that.

        Near the edge of what was degraded, mirrored light would be blurred into it.
        """
        rng = np.random.default_rng([self.recipe.seed, self.stream, step, number])
        side = self.recipe.patches.side
        source = self.found[int(rng.integers(len(self.found)))]
        image, _ = self._memory.read(source)
        options = self.recipe.second_order
        wide = square(image, ceil(side * options.context) * self.scale, rng)
        (wide,) = augment_planes([wide], self.recipe.patches.augment, rng)
        return inner(degrade(wide, self.scale, options, rng), side, self.scale, rng)


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
