"""Patches of noisy images without any truth, of which a part is masked.

Noise is independent from pixel to pixel, structure is not. So a network that must give
pixels that it does not get can only fit the structure. Some squares of every image are
held out, one of every 4 x 4: nothing in them is asked for in training, so what the
network gives there tells whether it fits structure or noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft

from w2s_cli._typing import FloatArray
from w2s_cli.datasets import find
from w2s_cli.errors import InputError, UsageError
from w2s_cli.io import open_image
from w2s_cli.io.formats import image_files
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.plane_sampling import sample_planes, sample_squares
from w2s_cli.networks import NETWORKS
from w2s_cli.restorers import fitting
from w2s_cli.restorers.restorer import Series
from w2s_cli.restorers.units import Units
from w2s_cli.stack import Stack
from w2s_cli.training.initial_network import build_module
from w2s_cli.training.patches import Part, PatchSampler
from w2s_cli.training.patches.augmentation import augment_planes
from w2s_cli.training.patches.masking import Mask, mask_of
from w2s_cli.training.patches.real_pairs import numbers_of, select_pairs
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch

if TYPE_CHECKING:
    from w2s_cli.datasets.data_set import DataSet, Image

HELD_OUT_SIDE = 32  # pixels along a square that is held out
LEAST_SIDE = 2 * HELD_OUT_SIDE  # a square of it is held out
MOST_IMAGES = 1024  # of a data set: 1 GiB of 512 x 512 pixels
MOST_DRIFT = 0.5  # pixels between captures of the same
_COARSE = 2.0  # standard deviation of the blur before captures are compared, in pixels
_CLEAR = 12.0  # standard deviations of a peak; that of noise stays below 9


def fit_patch_side(recipe: Recipe, all_series: Sequence[Series]) -> Recipe:
    """Return the recipe with patches no larger than the smallest image.

    `all_series` has planes in the recipe's units; those of one series are captures of
    the same. Raises InputError when an image is too small or constant; when another
    capture is the target and there is none, or one has moved.
    """
    planes = [plane for series in all_series for plane in series]
    for plane in planes:
        if min(plane.shape) < LEAST_SIDE:
            raise _too_small(plane, LEAST_SIDE)
        if plane.min() == plane.max():
            raise InputError(
                "an image without any structure or noise has nothing to fit",
                hint="is it the right channel, and exposed?",
            )
    if recipe.masking.kind == "capture":
        _check_captures(all_series, stabilised=recipe.units == "root")
    scale = mask_of(recipe.masking).scale
    with torch.device("meta"):  # its size alone matters
        step = build_module(NETWORKS, recipe.network).multiple_of
    smallest = min(planes, key=lambda plane: min(plane.shape))
    most = min(smallest.shape) // scale
    side = min(recipe.patches.side, most // step * step)
    if not side:
        raise _too_small(smallest, scale * step)
    return replace(recipe, patches=replace(recipe.patches, side=side))


def _too_small(plane: FloatArray, least: int) -> InputError:
    height, width = plane.shape
    return InputError(
        f"an image of {height} x {width} pixels is too small to train on: it takes "
        f"{least} x {least}",
        hint="--train-on takes larger images of the same kind, or use --method denoise",
    )


def _check_captures(all_series: Sequence[Series], *, stabilised: bool) -> None:
    if all(len(series) == 1 for series in all_series):
        raise InputError(
            "n2n is fitted to captures of the same place, and there is one of each",
            hint="give a time series (--axes TYX where the file doesn't say), or use "
            "--method n2sr, which takes single images",
        )
    for series in all_series:
        for number, (one, other) in enumerate(pairwise(series)):
            spread = 1 if stabilised else _noise_of(one)
            far = drift(one / spread, other / spread)
            if far > MOST_DRIFT:
                raise InputError(
                    f"captures {number} and {number + 1} have moved by {far:.1f} "
                    "pixels against each other; n2n is fitted to what stays in place",
                    hint="register them, or use --method n2sr",
                )


def _noise_of(plane: FloatArray) -> np.float32:
    """Return the standard deviation of noise that neighbours do not share."""
    detail = plane[1:, 1:] - plane[1:, :-1] - plane[:-1, 1:] + plane[:-1, :-1]
    usual = np.median(abs(detail)) / 0.6745  # of Gaussian noise
    return np.float32((usual or detail.std()) / 2)


def drift(one: FloatArray, other: FloatArray) -> float:
    """Return how far two captures have moved against each other, in pixels.

    The phases of their coarse structure are correlated ([1]_). It is 0 where they have
    too little in common to tell.

    - `one`, `other`: (Y, X), of the same shape, in units in which the noise is 1, as it
      is in stabilised counts.

    References
    ----------
    .. [1] C. D. Kuglin and D. C. Hines, "The phase correlation image alignment method",
       Proc. IEEE Int. Conf. on Cybernetics and Society (1975).
    """
    height, width = one.shape
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    spectra = [fft.rfft2((plane - plane.mean()) * window) for plane in (one, other)]
    crossed = spectra[0] * spectra[1].conj()
    y, x = fft.fftfreq(height)[:, None], fft.rfftfreq(width)
    coarse = np.exp(-2 * (np.pi * _COARSE) ** 2 * (y**2 + x**2)).astype(np.float32)
    # phases alone, where there is more than noise: its power is that of the window
    phases = crossed / (abs(crossed) + (window**2).sum()) * coarse
    likeness = fft.irfft2(phases, s=one.shape)
    if likeness.max() < _CLEAR * likeness.std():
        return 0.0
    y, x = map(int, np.unravel_index(likeness.argmax(), likeness.shape))
    return float(np.hypot(_highest(likeness[:, x], y), _highest(likeness[y], x)))


def _highest(line: FloatArray, at: int) -> float:
    """Return where a parabola through a peak is highest, counted around 0."""
    length = len(line)
    before, here, after = (float(line[(at + step) % length]) for step in (-1, 0, 1))
    exact = at + 0.5 * (before - after) / (before - 2 * here + after)
    return (exact + length / 2) % length - length / 2


_EVERY = 4  # of such squares along each side, one is


@dataclass(frozen=True, eq=False)
class NoisyPatchSampler(PatchSampler):
    """Patches of noisy images, of which a part is masked.

    - `series`: planes in the units of the recipe, none smaller than a patch; those of
      one series are captures of the same, at least two of one where another is asked
      for.
    - `whole`: whether there are other images to validate on, so that nothing of these
      is held out.
    """

    series: Sequence[Series]
    whole: bool = False

    def patch(self, step: int, number: int) -> Batch:
        """Return one patch: what the network sees, and where it is asked for what."""
        rng = self.rng(step, number)
        noisy, other, held_out = self._cut(rng)
        masked = self._mask(noisy, rng)
        asked = masked.asked
        if not self.whole:
            asked = asked & (held_out == (self.part == "validation"))
        # masked before it is turned: noise along rows runs along columns after
        augment = self.recipe.patches.augment
        image, target, asked = augment_planes(
            [masked.image, other, asked], augment, rng
        )
        if self.recipe.units == "root":  # the target has its lift already
            target = np.asarray((target / 2) ** 2, np.float32)
        return Batch.of_patch(image, target, asked, self.recipe.units)

    def _cut(
        self, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """Return a square of a plane, of what is asked for, and of what is held out."""
        series = self._usable[int(rng.integers(len(self._usable)))]
        if self._paired:  # any capture, and one next to it
            first, forth = int(rng.integers(len(series) - 1)), bool(rng.integers(2))
            one, other = (first, first + 1) if forth else (first + 1, first)
        else:
            one = other = int(rng.integers(len(series)))
        side = self.recipe.patches.side * self._mask.scale
        y, x = (self._start(length, side, rng) for length in series[one].shape)
        inside = np.s_[y : y + side, x : x + side]
        rows, columns = (_held_out(np.arange(at, at + side)) for at in (y, x))
        return series[one][inside], series[other][inside], rows[:, None] & columns

    def _start(self, length: int, side: int, rng: np.random.Generator) -> int:
        """Return where a patch begins; one to validate is around what is held out."""
        if self.part == "training" or self.whole:
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


def open_noisy(recipe: Recipe, part: Part) -> NoisyPatchSampler:
    """Return the patches of noisy images in `recipe.data`.

    That is a folder or a file, of which squares are held out; or, where `pairs.kind`
    names a kind of data set, such a set, with images of its own to validate on. The
    noise of each channel of each is estimated for stabilised counts.

    Raises InputError when there is no image, one cannot be read or has no noise that
    can be measured, or they cannot be trained on; UsageError when the units cannot be
    made of what the images hold.
    """
    if recipe.pairs.kind:
        data = find(recipe.data, kind=recipe.pairs.kind)
        series = series_of_set(data, recipe, part)
        return NoisyPatchSampler(fit_patch_side(recipe, series), part, series, True)
    files = [*image_files(recipe.data)]
    found: list[Series] = []
    for path, most in fitting.shares(files, len(files)):
        with open_image(path) as stack:
            for channel in range(stack.channel_count):
                found += _series_of_file(recipe, path, stack, channel, most)
    return NoisyPatchSampler(fit_patch_side(recipe, found), part, found)


def _series_of_file(
    recipe: Recipe, path: Path, stack: Stack, channel: int, most: int
) -> list[Series]:
    if recipe.units == "root":
        noise = fit_noise(sample_squares(sample_planes(stack, channel))).model
        return fitting.series(stack, channel, noise, most)
    numbers = Units(recipe.units)
    if numbers.needs_range and stack.data.dtype != np.uint8:
        raise UsageError(
            f"the recipe's units are {recipe.units!r}, 8-bit gray values over 255, but "
            f"{path} holds {stack.data.dtype}",
            hint="set units=root and loss={counts=1.0}, for counts of any camera",
        )
    enter = numbers.linear().enter
    return fitting.series(stack, channel, enter, most)


def series_of_set(data: "DataSet", recipe: Recipe, part: Part) -> list[Series]:
    """Return the images of a part of a data set; captures of one truth are a series."""
    found: dict[tuple[int, Image], list[FloatArray]] = {}
    chosen = select_pairs(data, recipe, part, scale=1)
    if (count := sum(map(len, chosen.values()))) > MOST_IMAGES:
        raise UsageError(
            f"{data.place} has {count} images for {part}, more than the {MOST_IMAGES} "
            "that are held in memory",
            hint=f"pairs.few={MOST_IMAGES} draws so many, or name another pairs.split",
        )
    for level, names in chosen.items():
        for name in names:
            counts, _ = data.inputs[level][name].read()
            found.setdefault((level, data.truths[1][name]), []).append(counts)
    for captures in found.values():
        if recipe.units == "root":  # one camera took them: their light is comparable
            enter = fitting.stabilised(fit_noise(sample_squares(captures)).model)
        else:
            enter = numbers_of(data, recipe).enter
        captures[:] = map(enter, captures)
    if recipe.masking.kind == "capture":
        return [*found.values()]
    return [[plane] for planes in found.values() for plane in planes]
