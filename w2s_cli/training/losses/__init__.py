"""Losses: each one function.

The target of a row is a callable `(recipe, device)` that returns a `Loss`. A recipe's
table `loss` gives the weight of each; what a discriminator says is weighed in its table
`discriminator`.
"""

from functools import wraps
from typing import TYPE_CHECKING, Protocol

from w2s_cli.registry import Entry, Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from w2s_cli.training.recipe import Recipe
    from w2s_cli.training.training_batch import Batch


class Loss(Protocol):
    """A function of what a network gave."""

    def __call__(self, output: "Tensor", batch: "Batch") -> "Tensor":
        """Return one number, the mean over the batch's valid pixels.

        - `output`: (N, 1, Y * scale, X * scale) float32, in the units of the batch.
        """
        ...


def without_settings(loss: Loss) -> "Callable[[Recipe, str], Loss]":
    """Return the target of a row from a loss that nothing in a recipe changes."""

    @wraps(loss)
    def of_recipe(recipe: "Recipe", device: str) -> Loss:
        return loss

    return of_recipe


LOSSES = Registry(
    "loss",
    Entry(
        "counts",
        "w2s_cli.training.losses.pixel:counts",
        "squared error in photons, relative to the noise",
        "made by this project",
    ),
    Entry(
        "root",
        "w2s_cli.training.losses.pixel:root",
        "squared error of stabilised counts, relative to their mean",
        "made by this project",
    ),
    Entry(
        "imaging",
        "w2s_cli.training.losses.photons:imaging",
        "errors in photons and of roots, every exposure alike; of focus and haze",
        "made by this project",
    ),
    Entry(
        "explained",
        "w2s_cli.training.losses.photons:explained",
        "squared error in photons of what an output explains, for w2s adapt",
        "made by this project",
    ),
    Entry(
        "l1",
        "w2s_cli.training.losses.pixel:l1",
        "absolute error",
        "Zhou et al. 2020, W2S",
    ),
    Entry(
        "mse",
        "w2s_cli.training.losses.pixel:mse",
        "squared error",
        "public code of W2S",
    ),
    Entry(
        "ssim",
        "w2s_cli.training.losses.pixel:ssim",
        "1 less the structural similarity",
        "Wang et al. 2004",
    ),
    Entry(
        "perceptual",
        "w2s_cli.training.losses.vgg_losses:perceptual",
        "distance of what VGG sees",
        "Johnson et al. 2016; Zhou et al. 2020, W2S",
    ),
    Entry(
        "texture",
        "w2s_cli.training.losses.vgg_losses:texture",
        "difference of the covariances of what VGG sees",
        "Zhou et al. 2020, W2S",
    ),
    Entry(
        "gram",
        "w2s_cli.training.losses.vgg_losses:gram",
        "difference of the Gram matrices of what VGG sees",
        "Gatys et al. 2016",
    ),
)
