"""Patches of noisy images to adapt a network with, and squares to judge it by.

Of every 4 x 4 squares of an image one is for the validation, and another one kept back
to judge the result by: the loss looks at neither in training.

The blur between what a network gives at twice the size and what a camera saw must be
known. The Gaussian with which the output of the network explains an image best was
tried in its place: where the true blur had longer tails, the adapted network explained
the image better and was worse at twice the size.
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
from w2s_cli.training.losses.photons import AdaptationBatch
from w2s_cli.training.patches import PatchSampler
from w2s_cli.training.patches.augmentation import augment_planes

SQUARE, EVERY = 16, 4  # pixels along one; it is one of so many along each side
VALIDATION_SQUARE, TEST_SQUARE = 1, 3  # which of those
LEAST_SIDE = 128  # pixels: a few squares, and what is around them


@dataclass(frozen=True, eq=False)
class Patch:
    """A patch of a field in photons: input, truth, and where the loss counts."""

    field: Field
    image: FloatArray
    truth: FloatArray
    valid: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class AdaptationSampler(PatchSampler):
    """The patches of one part, for the loss `explained`.

    - `fields`: none with a side below `LEAST_SIDE`.
    - `method`: the network before.
    - `blur`: on the grid of its output; None at scale 1.
    """

    fields: Sequence[Field]
    method: Shipped
    blur: PSF | None = None

    def patch(self, step: int, number: int) -> AdaptationBatch:
        """Return one patch of a step's batch, as a batch of one."""
        return self.batch(step, [number])

    def batch(self, step: int, numbers: Sequence[int]) -> AdaptationBatch:
        """Return some patches of a step's batch; the network before runs on all."""
        patches = [self._draw(self.rng(step, number)) for number in numbers]
        return adaptation_batch(patches, self.method, self.blur)

    def _draw(self, rng: np.random.Generator) -> Patch:
        field = self.fields[int(rng.integers(len(self.fields)))]
        side = self.recipe.patches.side
        y, x = (int(rng.integers(n - side + 1)) for n in field.noisy.shape)
        window = np.s_[y : y + side, x : x + side]
        validation, test = (
            squares(window, number) for number in (VALIDATION_SQUARE, TEST_SQUARE)
        )
        valid = validation if self.part == "validation" else ~(validation | test)
        image, truth = field.cut(window).redraw(rng)
        laid = augment_planes([image, truth, valid], self.recipe.patches.augment, rng)
        return Patch(field, *laid)


def adaptation_batch(
    patches: Sequence[Patch], method: Shipped, blur: PSF | None
) -> AdaptationBatch:
    """Return patches of one size as a network and its loss take them."""
    noises = [patch.field.dimmed for patch in patches]
    knowing = [method.with_noise(noise) for noise in noises]
    lowered = np.array([one.lowered for one in knowing], np.float32)
    image = np.concatenate(
        [
            one.input_planes(noise.stabilise(patch.image)[None] - one.lowered)
            for one, noise, patch in zip(knowing, noises, patches, strict=True)
        ]
    ).astype(np.float32)
    valid = np.stack([patch.valid for patch in patches])
    if blur:  # what lies beyond the edges blurs into them
        rim = max(blur.weights.shape) // 4 + 1
        valid[:, :rim] = valid[:, -rim:] = False
        valid[:, :, :rim] = valid[:, :, -rim:] = False
    return AdaptationBatch(
        image=torch.from_numpy(image),
        truth=_tensor(np.stack([patch.truth for patch in patches])),
        valid=_tensor(valid),
        lift=torch.tensor([noise.lift for noise in noises])[:, None, None, None],
        units="root",
        lowered=torch.from_numpy(lowered)[:, None, None, None],
        kernel=torch.from_numpy(blur.weights)[None, None] if blur else None,
        before=torch.from_numpy(method.outputs(image)[:, :1]) if blur else None,
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
    """Raise InputError when an image is too small, or shows nothing."""
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
                "an image without any structure or noise has nothing to fit",
                hint="is it the right channel, and exposed?",
            )


MOST_REACH = 24  # pixels of a kernel that are taken, from its middle


def read_blur(path: Path) -> PSF:
    """Return the blur in a file; the light of its far tails goes to the rest."""
    weights = read_psf(path).weights
    middle = [side // 2 for side in weights.shape]
    reach = min(MOST_REACH, *((side - 1) // 2 for side in weights.shape))
    y, x = (slice(at - reach, at + reach + 1) for at in middle)
    return PSF.normalised(weights[y, x])
