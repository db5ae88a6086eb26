"""Patches and their truths, as tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from w2s_cli._typing import FloatArray
from w2s_cli.restorers.units import EIGHT_BIT, Units
from w2s_cli.training.recipe import UnitName

_BRIGHT = 0.999  # quantile of a truth that is white in a picture of it


@dataclass(frozen=True, eq=False)
class Batch:
    """Patches and their truths.

    - `image`: (N, 1, Y, X), in `units`.
    - `truth`: (N, 1, Y * scale, X * scale): photons where `units` is "root", in `units`
      else.
    - `valid`: the shape of `truth`, False where losses must not look.
    - `lift`: (N, 1, 1, 1), what stabilisation adds to photons before the root: 3/8 and
      the read noise, squared. 0 elsewhere.
    - `units`: of the network.
    - `sharpened`: the truth for losses of pixels and features where it is another than
      that for the discriminator; None where it is not.
    """

    shared: ClassVar[frozenset[str]] = frozenset()  # tensors that all patches share
    image: Tensor
    truth: Tensor
    valid: Tensor
    lift: Tensor
    units: UnitName
    sharpened: Tensor | None = None

    @classmethod
    def of_patch(
        cls,
        image: FloatArray,
        truth: FloatArray,
        valid: NDArray[np.bool_],
        units: UnitName,
        lift: float = 0.0,
        sharpened: FloatArray | None = None,
    ) -> "Batch":
        """Return a batch of one patch, from (Y, X) planes."""
        return Batch(
            image=_tensor(image),
            truth=_tensor(truth),
            valid=_tensor(valid),
            lift=torch.full((1, 1, 1, 1), lift),
            units=units,
            sharpened=None if sharpened is None else _tensor(sharpened),
        )

    @classmethod
    def concatenate(cls, batches: Sequence["Batch"]) -> "Batch":
        """Return several batches as one."""
        first = batches[0]
        joined: dict[str, Any] = {
            name: torch.cat([getattr(batch, name) for batch in batches])
            for name, value in vars(first).items()
            if isinstance(value, Tensor) and name not in cls.shared
        }
        return replace(first, **joined)

    def to(self, device: str) -> Self:
        """Return the batch on a device, the image in the layout that networks like."""
        moved: dict[str, Any] = {
            name: value.to(device)
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
        }
        moved["image"] = self.image.to(device, memory_format=torch.channels_last)
        return replace(self, **moved)

    @property
    def target(self) -> Tensor:
        """Return the truth in `units`, which losses compare an output with."""
        return self._in_units(self.truth if self.sharpened is None else self.sharpened)

    @property
    def real(self) -> Tensor:
        """Return the truth in `units`, as a discriminator sees it."""
        return self._in_units(self.truth)

    def mean(self, error: Tensor) -> Tensor:
        """Return the mean of an error over the pixels that are valid."""
        return (error * self.valid).sum() / self.valid.sum().clamp(min=1)

    def picture(self, image: Tensor) -> Tensor:
        """Return an image or output, which is in `units`, about in [0, 1].

        Stabilised counts are shown with the bright parts of each truth at 1, others as
        8-bit counts over 255.
        """
        if self.units == "root":
            bright = torch.quantile(self.real.flatten(1), _BRIGHT, dim=1)
            return image / bright.clamp(min=1)[:, None, None, None]
        numbers = Units(self.units).linear(EIGHT_BIT)
        return (image * numbers.one + numbers.zero) / EIGHT_BIT.white

    def _in_units(self, truth: Tensor) -> Tensor:
        if self.units != "root":
            return truth
        return 2 * (truth + self.lift).clamp(min=0).sqrt()


def _tensor(plane: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(plane))[None, None]
