"""Errors of single pixels, in the units of the network.

Losses of stabilised counts.

A network gives stabilised values `u`; its photons are `(u / 2)^2 - lift`. Both losses
teach the mean of what could be there; an absolute error would teach its median, which
is all light or none, and draws dashes.
"""

from torch import Tensor

from w2s_cli.training.losses import Loss
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch


def l1(recipe: Recipe, device: str) -> Loss:
    """Return the absolute error: it teaches the median of what could be there.

    Zhou et al., "W2S", ECCV Workshops 2020, Eq. 5.
    """
    return _l1


def mse(recipe: Recipe, device: str) -> Loss:
    """Return the squared error: it teaches the mean of what could be there.

    The public code of W2S has it where the paper has the absolute error.
    """
    return _mse


def _l1(output: Tensor, batch: Batch) -> Tensor:
    return batch.mean((output - batch.target).abs())


def _mse(output: Tensor, batch: Batch) -> Tensor:
    return batch.mean((output - batch.target) ** 2)


LEAST_NOISE = 0.375  # photons: what the transform adds where there are none


def counts(recipe: Recipe, device: str) -> Loss:
    """Return the squared error in photons, over the mean variance of a patch's noise.

    Every exposure weighs the same, and within an image the error in counts decides.
    """
    return _counts


def root(recipe: Recipe, device: str) -> Loss:
    """Return the squared error of stabilised values over the mean: dim parts count."""
    return _root


def _counts(output: Tensor, batch: Batch) -> Tensor:
    photons = (output / 2) ** 2 - batch.lift
    light = (batch.truth + batch.lift).mean((1, 2, 3), keepdim=True)
    noise = light.clamp(min=LEAST_NOISE)
    return batch.mean((photons - batch.truth) ** 2 / noise)


def _root(output: Tensor, batch: Batch) -> Tensor:
    target = batch.target
    level = target.mean((1, 2, 3), keepdim=True).clamp(min=1)
    return batch.mean((output - target) ** 2 / level)
