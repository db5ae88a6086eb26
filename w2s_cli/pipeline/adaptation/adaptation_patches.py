"""Patches of noisy images to adapt a network with, and squares to judge it by.

Of every 4 x 4 squares of an image one is held out, to stop by, and another one kept
back, to judge the result by: nothing in either is asked for in training.

The blur between what a network gives at twice the size and what a camera saw.

It must be known. The Gaussian with which the answer of the network explains an image
best was tried in its place: where the true blur had longer tails, the adapted network
explained the image better and was worse at twice the size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.io.psf_file import read_psf
from w2s_cli.methods.shipped import Shipped
from w2s_cli.microscope.psf import PSF
from w2s_cli.pipeline.adaptation.redrawn_noise import Field, Plane
from w2s_cli.training.losses.explained import AdaptationBatch
from w2s_cli.training.patches import STREAMS, Part
from w2s_cli.training.patches.augmentation import augment_planes
from w2s_cli.training.recipe import Recipe

SQUARE, EVERY = 16, 4  # pixels along one; it is one of so many along each side
VALIDATION_SQUARE, TEST_SQUARE = 1, 3  # which of those
LEAST_SIDE = 128  # pixels: a few squares, and what is around them


@dataclass(frozen=True, eq=False)
class AdaptationSampler:
    """The patches of one part, for the loss `explained`.

    Attributes
    ----------
    recipe
        With `patches` and `seed`.
    part
        "training" or "validation".
    fields
        None with a side below `LEAST_SIDE`.
    method
        The network before.
    blur
        On the grid of its output; None at scale 1.
    """

    recipe: Recipe
    part: Part
    fields: Sequence[Field]
    method: Shipped
    blur: PSF | None = None

    def batch(self, step: int, numbers: Sequence[int]) -> AdaptationBatch:
        """Return some patches of a step's batch, by their numbers in it."""
        return adaptation_batch(
            [self._patch(step, n) for n in numbers], self.method, self.blur
        )

    def _patch(self, step: int, number: int) -> "Patch":
        stream = STREAMS[self.part]
        rng = np.random.default_rng([self.recipe.seed, stream, step, number])
        field = self.fields[int(rng.integers(len(self.fields)))]
        side = self.recipe.patches.side
        y, x = (int(rng.integers(n - side + 1)) for n in field.noisy.shape)
        window = np.s_[y : y + side, x : x + side]
        held, judged = (
            squares(window, number) for number in (VALIDATION_SQUARE, TEST_SQUARE)
        )
        wanted = held if self.part == "validation" else ~(held | judged)
        image, truth = field.cut(window).parted(rng)
        laid = augment_planes([image, truth, wanted], self.recipe.patches.augment, rng)
        return Patch(field, *laid)


@dataclass(frozen=True, eq=False)
class Patch:
    """What is shown of a field and asked for, in photons, and where."""

    field: Field
    image: FloatArray
    truth: FloatArray
    wanted: NDArray[np.bool_]


def adaptation_batch(
    patches: Sequence[Patch], method: Shipped, blur: PSF | None
) -> AdaptationBatch:
    """Return patches of one size as a network and its loss see them."""
    noises = [patch.field.dimmed for patch in patches]
    lowered = np.array(
        [method.with_noise(noise).lowered for noise in noises], np.float32
    )
    images = [
        n.stabilise(patch.image) for n, patch in zip(noises, patches, strict=True)
    ]
    image = np.stack(images) - lowered[:, None, None]
    valid = np.stack([patch.wanted for patch in patches])
    if blur:  # what lies beyond the edges blurs into them
        rim = max(blur.weights.shape) // 4 + 1
        valid[:, :rim] = valid[:, -rim:] = False
        valid[:, :, :rim] = valid[:, :, -rim:] = False
    return AdaptationBatch(
        image=_tensor(image),
        truth=_tensor(np.stack([patch.truth for patch in patches])),
        valid=_tensor(valid),
        lift=torch.tensor([noise.lift for noise in noises])[:, None, None, None],
        units="root",
        lowered=torch.from_numpy(lowered)[:, None, None, None],
        kernel=torch.from_numpy(blur.weights)[None, None] if blur else None,
        before=_tensor(method.running(image)) if blur else None,
    )


def _tensor(pile: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(pile)[:, None]


def squares(window: tuple[slice, slice], number: int) -> NDArray[np.bool_]:
    """Return which pixels of a window are in the squares of a number below `EVERY`."""
    rows, columns = (
        np.arange(span.start, span.stop) // SQUARE % EVERY == number for span in window
    )
    marked: NDArray[np.bool_] = rows[:, None] & columns
    return marked


def check_planes(planes: Sequence[Plane]) -> None:
    """Look whether images are large enough, and show anything.

    Raises
    ------
    InputError
        When one isn't or doesn't.
    """
    for counts, _ in planes:
        height, width = counts.shape
        if min(height, width) < LEAST_SIDE:
            raise InputError(
                f"an image of {height} x {width} pixels is too small to adapt to: it "
                f"takes {LEAST_SIDE} x {LEAST_SIDE}",
                hint="leave it out, and adapt to larger images of the same kind",
            )
        if counts.min() == counts.max():
            raise InputError(
                "an image without any structure or noise teaches nothing",
                hint="is it the right channel, and exposed?",
            )


MOST_REACH = 24  # pixels of a kernel that are taken, from its middle


def read_blur(path: Path) -> PSF:
    """Return the blur in a file, without its far tails; their light goes to the rest.

    Raises
    ------
    InputError
        When the file cannot be read or holds no kernel.
    """
    weights = read_psf(path).weights
    middle = [side // 2 for side in weights.shape]
    reach = min(MOST_REACH, *((side - 1) // 2 for side in weights.shape))
    y, x = (slice(at - reach, at + reach + 1) for at in middle)
    return PSF.normalised(weights[y, x])
