"""Distances between what VGG sees in an output and what it sees in the target.

They look at whole patches, whatever is valid in them: a feature has no single pixel.

References
----------
.. [1] Zhou et al., "W2S: microscopy data with joint denoising and super-resolution for
   widefield to SIM mapping", ECCV Workshops 2020.
.. [2] Li et al., "Is second-order information helpful for large-scale visual
   recognition?", ICCV 2017 (MPN-COV).
.. [3] Gatys et al., "Image style transfer using convolutional neural networks", CVPR
   2016.
.. [4] Johnson et al., "Perceptual losses for real-time style transfer and
   super-resolution", ECCV 2016.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from w2s_cli.errors import UsageError
from w2s_cli.training.batch import Batch
from w2s_cli.training.losses import Loss
from w2s_cli.training.losses.sight import sight_of
from w2s_cli.training.recipe import Recipe

_DISTANCES = {"l1": functional.l1_loss, "mse": functional.mse_loss}


def perceptual(recipe: Recipe, device: str) -> Loss:
    """Return the distance of features, the mean of each layer, in a weighted sum.

    W2S squares the differences ([1]_, Eq. 4); ESRGAN and Real-ESRGAN take their
    absolute values.

    Raises
    ------
    UsageError
        When there are no layers.
    WeightsError, UnknownNameError
        As `sight.sight_of`.
    """
    weights = recipe.features.layers
    if not weights:
        raise UsageError(
            'the loss "perceptual" has no layers',
            hint="name some, as in features.layers = {conv5_4 = 1.0}",
        )
    distance = _DISTANCES[recipe.features.distance]
    sight = sight_of(recipe, "perceptual", device)

    def loss(output: Tensor, batch: Batch) -> Tensor:
        seen = sight("perceptual", output, batch)
        terms = [weight * distance(*seen[layer]) for layer, weight in weights.items()]
        return torch.stack(terms).sum()

    return loss


def texture(recipe: Recipe, device: str) -> Loss:
    """Return the squared difference of the features' covariances ([1]_, Eq. 3).

    It is the mean over the entries of the matrix, as in the public code of W2S, where
    the paper writes a norm.

    Raises
    ------
    WeightsError, UnknownNameError
        As `sight.sight_of`.
    """
    return _second_order(recipe, device, "texture", covariance)


def gram(recipe: Recipe, device: str) -> Loss:
    """Return the squared difference of the features' Gram matrices.

    It is the mean over the entries, of matrices over the number of features, as in
    [4]_; [3]_ has another constant factor.

    Raises
    ------
    WeightsError, UnknownNameError
        As `sight.sight_of`.
    """
    return _second_order(recipe, device, "gram", gram_matrix)


def covariance(features: Tensor) -> Tensor:
    """Return the covariance of each two channels over the positions.

    (1/M) X (I - 11'/M) X' of [2]_, where X has a row a channel and M columns. W2S takes
    no square root of it.

    Parameters
    ----------
    features
        (N, C, Y, X) float32.

    Returns
    -------
    Tensor
        (N, C, C) float32.
    """
    rows = features.flatten(2)
    rows = rows - rows.mean(2, keepdim=True)
    return rows @ rows.mT / rows.shape[2]


def gram_matrix(features: Tensor) -> Tensor:
    """Return the product of each two channels, over the number of features ([4]_).

    Parameters
    ----------
    features
        (N, C, Y, X) float32.

    Returns
    -------
    Tensor
        (N, C, C) float32.
    """
    # The TensorFlow port of W2S has products of positions, which say where things are
    # and not what they look like.
    rows = features.flatten(2)
    return rows @ rows.mT / rows[0].numel()


def _second_order(
    recipe: Recipe, device: str, name: str, matrix: Callable[[Tensor], Tensor]
) -> Loss:
    layer = recipe.features.texture
    sight = sight_of(recipe, name, device)

    def loss(output: Tensor, batch: Batch) -> Tensor:
        found, wanted = sight(name, output, batch)[layer]
        with torch.autocast(output.device.type, enabled=False):
            return functional.mse_loss(matrix(found), matrix(wanted))

    return loss
