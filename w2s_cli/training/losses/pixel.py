"""Errors of single pixels, in the units of the network."""

from torch import Tensor

from w2s_cli.training.batch import Batch
from w2s_cli.training.losses import Loss
from w2s_cli.training.recipe import Recipe


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
