"""Degraded patches beside their truths."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np
import torch

from w2s_cli._typing import FloatArray
from w2s_cli.training.initial_network import scale_of
from w2s_cli.training.patches import STREAMS, Part
from w2s_cli.training.patches.augmentation import turned
from w2s_cli.training.patches.image_memory import Memory
from w2s_cli.training.real_esrgan_degradation.degradation import (
    Degraded,
    check,
    degraded,
)
from w2s_cli.training.real_esrgan_degradation.sharp_sources import Source, sources
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch


def opened(recipe: Recipe, part: Part) -> "Patches":
    """Return what `second_order.opened` says."""
    check(recipe)
    return Patches(recipe, scale_of(recipe), STREAMS[part], sources(recipe, part))


@dataclass(frozen=True, eq=False)
class Patches:
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
    found: Sequence[Source]
    _memory: Memory = field(default_factory=Memory, init=False)

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
        (wide,) = turned([wide], self.recipe.patches.augment, rng)
        return inner(degraded(wide, self.scale, options, rng), side, self.scale, rng)


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
