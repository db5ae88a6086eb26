"""Patches of noisy images, of which a part is masked.

Some squares of every image are held out, one of every 4 x 4: nothing in them is asked
for in training, so what the network gives there tells whether it fits structure or
noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.io import open_image
from w2s_cli.io.formats import image_files
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.plane_sampling import sample_planes, sample_squares
from w2s_cli.restorers.fitting import series, shares
from w2s_cli.restorers.restorer import Series
from w2s_cli.training.patches import Part, PatchSampler
from w2s_cli.training.patches.augmentation import augment_planes
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.self_supervised.masking import Mask, mask_of
from w2s_cli.training.self_supervised.series_checks import HELD_OUT_SIDE, fit_patch_side
from w2s_cli.training.training_batch import Batch

_EVERY = 4  # of such squares along each side, one is


@dataclass(frozen=True, eq=False)
class NoisyPatchSampler(PatchSampler):
    """Patches of noisy images, of which a part is masked.

    - `series`: planes in stabilised counts, none smaller than a patch; those of one
      series are captures of the same, at least two of one where another is asked for.
    """

    series: Sequence[Series]

    def patch(self, step: int, number: int) -> Batch:
        """Return one patch: what the network sees, and where it is asked for what."""
        rng = self.rng(step, number)
        noisy, other, held_out = self._cut(rng)
        masked = self._mask(noisy, rng)
        asked = masked.asked & (held_out == (self.part == "validation"))
        # masked before it is turned: noise along rows runs along columns after
        augment = self.recipe.patches.augment
        image, target, asked = augment_planes(
            [masked.image, other, asked], augment, rng
        )
        # the target has its lift already
        truth = np.asarray((target / 2) ** 2, np.float32)
        return Batch.of_patch(image, truth, asked, self.recipe.units)

    def _cut(
        self, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """Return a square of a plane, of what is asked for, and of what is held out."""
        series = self._usable[int(rng.integers(len(self._usable)))]
        draw = _two_captures if self._paired else _one_capture
        one, other = draw(len(series), rng)
        side = self.recipe.patches.side * self._mask.scale
        y, x = (self._start(length, side, rng) for length in series[one].shape)
        inside = np.s_[y : y + side, x : x + side]
        rows, columns = (_held_out(np.arange(at, at + side)) for at in (y, x))
        return series[one][inside], series[other][inside], rows[:, None] & columns

    def _start(self, length: int, side: int, rng: np.random.Generator) -> int:
        """Return where a patch begins; one to validate is around what is held out."""
        if self.part == "training":
            return int(rng.integers(length - side + 1))
        held_out = rng.choice(np.flatnonzero(_held_out(np.arange(length))))
        return int(np.clip(held_out - side // 2, 0, length - side))

    @property
    def _mask(self) -> Mask:
        return mask_of(self.recipe.masking)

    @property
    def _paired(self) -> bool:
        """Return whether another capture is asked for."""
        return self.recipe.masking.kind == "capture"

    @cached_property
    def _usable(self) -> Sequence[Series]:
        least = 2 if self._paired else 1
        return [series for series in self.series if len(series) >= least]


def _held_out(at: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which rows, or columns, go through squares that are held out."""
    return np.asarray(at // HELD_OUT_SIDE % _EVERY == 1)


def _one_capture(count: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return any capture, twice."""
    at = int(rng.integers(count))
    return at, at


def _two_captures(count: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return any capture and one next to it."""
    first, forth = int(rng.integers(count - 1)), bool(rng.integers(2))
    return (first, first + 1) if forth else (first + 1, first)


def open_noisy(recipe: Recipe, part: Part) -> NoisyPatchSampler:
    """Return the patches of the images in `recipe.data`, a folder or a file.

    The noise of each channel of each is estimated. Raises InputError when there is no
    image, one cannot be read or has no noise that can be measured, or they cannot be
    trained on.
    """
    found = []
    for path, most in shares([*image_files(recipe.data)]):
        with open_image(path) as stack:
            for channel in range(stack.channel_count):
                noise = fit_noise(sample_squares(sample_planes(stack, channel))).model
                found += series(stack, channel, noise, most)
    return NoisyPatchSampler(fit_patch_side(recipe, found), part, found)
