"""Noisy images of a folder to learn from, for `w2s train`.

Patches of noisy images, of which a part is hidden.

Some squares of every image are held out, one of every 4 x 4: nothing in them is asked
for in training, so what the network answers there tells whether it has learned
structure or noise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.io import open_image as read
from w2s_cli.io.formats import image_files
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.plane_sampling import sampled, spread
from w2s_cli.restorers.fitting import series, shares
from w2s_cli.restorers.restorer import Series
from w2s_cli.training.patches import STREAMS, Part
from w2s_cli.training.patches.augmentation import augment_planes
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.self_supervised.masking import Mask, mask_of
from w2s_cli.training.self_supervised.series_checks import HELD_OUT_SIDE, fit_patch_side
from w2s_cli.training.training_batch import Batch

_EVERY = 4  # of such squares along each side, one is


@dataclass(frozen=True, eq=False)
class NoisyPatchSampler:
    """The patches of one part.

    Attributes
    ----------
    recipe
        With `patches`, `hidden` and `seed`.
    part
        "training" or "validation".
    places
        Planes in stabilised counts, none smaller than a patch; those of one place are
        captures of the same, at least two of one where another is asked for.
    """

    recipe: Recipe
    part: Part
    places: Sequence[Series]

    def batch(self, step: int, numbers: Sequence[int]) -> Batch:
        """Return some patches of a step's batch, by their numbers in it."""
        drawn = [self._patch(step, number) for number in numbers]
        parts = zip(*drawn, strict=True)
        image, target, asked = (torch.from_numpy(np.stack(p)[:, None]) for p in parts)
        lift = torch.zeros(len(drawn), 1, 1, 1)  # the truth has it already
        return Batch(image, (target / 2) ** 2, asked, lift, self.recipe.units)

    def _patch(self, step: int, number: int) -> list[NDArray[Any]]:
        """Return what is seen, what is true, and where the network is asked for it."""
        rng = np.random.default_rng(
            [self.recipe.seed, STREAMS[self.part], step, number]
        )
        noisy, other, held = self._cut(rng)
        shown = self._hiding(noisy, rng)
        asked = shown.asked & (held == (self.part == "validation"))
        # hidden before it is turned: noise along rows runs along columns after
        return augment_planes(
            [shown.image, other, asked], self.recipe.patches.augment, rng
        )

    def _cut(
        self, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """Return a square of a plane, of what is asked for, and of what is held out."""
        place = self._usable[int(rng.integers(len(self._usable)))]
        one, other = _two(len(place), rng) if self._paired else _one(len(place), rng)
        side = self.recipe.patches.side * self._hiding.scale
        y, x = (self._start(length, side, rng) for length in place[one].shape)
        inside = np.s_[y : y + side, x : x + side]
        rows, columns = (_held_out(np.arange(at, at + side)) for at in (y, x))
        return place[one][inside], place[other][inside], rows[:, None] & columns

    def _start(self, length: int, side: int, rng: np.random.Generator) -> int:
        """Return where a patch begins; one to validate is around what is held out."""
        if self.part == "training":
            return int(rng.integers(length - side + 1))
        held = rng.choice(np.flatnonzero(_held_out(np.arange(length))))
        return int(np.clip(held - side // 2, 0, length - side))

    @property
    def _hiding(self) -> Mask:
        return mask_of(self.recipe.masking)

    @property
    def _paired(self) -> bool:
        """Return whether another capture is asked for."""
        return self.recipe.masking.kind == "capture"

    @cached_property
    def _usable(self) -> Sequence[Series]:
        least = 2 if self._paired else 1
        return [place for place in self.places if len(place) >= least]


def _held_out(at: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which rows, or columns, go through squares that are held out."""
    return np.asarray(at // HELD_OUT_SIDE % _EVERY == 1)


def _one(count: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return any capture, twice."""
    at = int(rng.integers(count))
    return at, at


def _two(count: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return any capture and one next to it."""
    first, forth = int(rng.integers(count - 1)), bool(rng.integers(2))
    return (first, first + 1) if forth else (first + 1, first)


def open_noisy(recipe: Recipe, part: Part) -> NoisyPatchSampler:
    """Return the patches of the images in `recipe.data`, a folder or a file.

    The noise of each channel of each is estimated.

    Raises
    ------
    InputError
        When there is no image, one cannot be read or has no noise that can be measured,
        or nothing can be learned from them.
    """
    files = [*image_files(recipe.data)]
    places = [
        place for path, most in shares(files) for place in _series_of_file(path, most)
    ]
    return NoisyPatchSampler(fit_patch_side(recipe, places), part, places)


def _series_of_file(path: Path, most: int) -> Iterator[Series]:
    with read(path) as stack:
        for channel in range(stack.channel_count):
            noise = fit_noise(spread(sampled(stack, channel))).model
            yield from series(stack, channel, noise, most)
