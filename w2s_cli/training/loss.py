"""What a network is punished for.

A network gives stabilised values `u`; its photons are `(u / 2)^2 - lift`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from w2s_cli.training.samples import Sample


@dataclass(frozen=True)
class Batch:
    """Samples as tensors: (N, 1, Y, X), `lift` (N, 1, 1, 1)."""

    stabilised: Tensor
    photons: Tensor
    lift: Tensor
    valid: Tensor

    @classmethod
    def of(cls, samples: list[Sample], device: str) -> "Batch":
        """Return the samples piled up on a device."""

        def piled(name: str) -> Tensor:
            planes = np.stack([getattr(sample, name) for sample in samples])
            return torch.from_numpy(planes)[:, None].to(device)

        lift = torch.tensor([sample.lift for sample in samples], device=device)
        return cls(
            piled("stabilised").contiguous(memory_format=torch.channels_last),
            piled("photons"),
            lift[:, None, None, None],
            piled("valid"),
        )


def loss_of(kind: Literal["counts", "root"], output: Tensor, batch: Batch) -> Tensor:
    """Return the mean loss of a batch.

    "counts" is the squared error in photons, patch by patch relative to the mean
    variance of the input's noise: every exposure weighs the same, and within an image
    the error in counts decides. "root" is the squared error of stabilised values,
    relative to their mean, so that dim parts count as well. Both teach the mean of what
    could be there; an absolute error would teach its median, which is all light or
    none, and draws dashes.
    """
    if kind == "root":
        target = 2 * (batch.photons + batch.lift).clamp(min=0).sqrt()
        level = target.mean((1, 2, 3), keepdim=True).clamp(min=1)
        return ((output - target) ** 2 / level * batch.valid).mean()
    photons = (output / 2) ** 2 - batch.lift
    noise = (batch.photons + batch.lift).mean((1, 2, 3), keepdim=True).clamp(min=0.375)
    return (((photons - batch.photons) ** 2) / noise * batch.valid).mean()
