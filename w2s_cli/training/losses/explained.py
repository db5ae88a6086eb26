"""How well an output explains another image of the same light.

For `w2s adapt`: the output of a network that enlarges is blurred and binned before it
is held against what a camera saw, and what blur hides is kept as it was.
"""

from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor
from torch.nn import functional

from w2s_cli.errors import UsageError
from w2s_cli.training.losses import Loss
from w2s_cli.training.losses.pixel import LEAST_NOISE
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch

STRAYING = 0.1
"""Weight of how far an enlarged output, stabilised, is from what it was before."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptationBatch(Batch):
    """Patches, and another shot of the same light.

    The truth has noise: photons a pixel of the image, whatever the scale.

    - `lowered`: (N, 1, 1, 1), what was taken from stabilised counts before they were
      shown.
    - `kernel`: (1, 1, K, L), both odd, the blur on the grid of the output; None at
      scale 1.
    - `before`: what the network answered before it was adapted; None at scale 1.
    """

    lowered: Tensor
    kernel: Tensor | None = None
    before: Tensor | None = None

    def to(self, device: str) -> Self:
        """Return the batch on a device."""
        moved = super().to(device)
        kernel, before = (
            None if one is None else one.to(device)
            for one in (self.kernel, self.before)
        )
        return replace(
            moved, lowered=self.lowered.to(device), kernel=kernel, before=before
        )

    def errors(self, output: Tensor) -> Tensor:
        """Return the squared error of each pixel in photons, over a patch's noise.

        - `output`: (N, 1, Y * scale, X * scale), as the network gives it.
        """
        photons = ((output + self.lowered) / 2) ** 2 - self.lift
        if self.kernel is not None:
            photons = blur_and_bin(photons, self.kernel)
        light = (self.truth + self.lift).mean((1, 2, 3), keepdim=True)
        return (photons - self.truth) ** 2 / light.clamp(min=LEAST_NOISE)


def blur_and_bin(photons: Tensor, kernel: Tensor) -> Tensor:
    """Return (N, 1, Y, X) as a camera sees (N, 1, 2 Y, 2 X): blurred, in 2 x 2 bins."""
    height, width = kernel.shape[2:]
    rim = (width // 2, width // 2, height // 2, height // 2)
    wide = functional.pad(photons, rim, mode="replicate")
    return functional.avg_pool2d(functional.conv2d(wide, kernel.flip(2, 3)), 2)


def explained(recipe: Recipe, device: str) -> Loss:
    """Return the error of what an output explains, and how far it has strayed."""
    return _explained


def _explained(output: Tensor, batch: Batch) -> Tensor:
    if not isinstance(batch, AdaptationBatch):
        raise UsageError(
            "the loss 'explained' is for `w2s adapt`, which knows the noise",
            hint="name another in the table loss, such as counts",
        )
    output = output[:, :1]  # all the light, where a network parts it
    error = batch.mean(batch.errors(output))
    if batch.before is None:
        return error
    return error + STRAYING * ((output - batch.before) ** 2).mean()
