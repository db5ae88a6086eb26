"""Distances between the VGG features of an output and those of the target.

They are of whole patches, whatever is valid in them: a feature has no single pixel.

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

from collections.abc import Callable, Mapping, Set
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from w2s_cli.errors import UnknownNameError, UsageError
from w2s_cli.networks.vgg import VGG
from w2s_cli.training.initial_network import resolve_weights
from w2s_cli.training.losses import Loss
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch
from w2s_cli.weights import checkpoint

FEATURE_LOSSES = frozenset({"perceptual", "texture", "gram"})
FeaturePairs = Mapping[str, tuple[Tensor, Tensor]]


class SharedFeatures:
    """VGG, which runs once for an output however many losses take its features.

    The features are kept until each loss had them, or one of them asks again.
    """

    def __init__(self, network: VGG, losses: Set[str]) -> None:
        self.network = network
        self._losses = losses
        self._waiting: Set[str] = frozenset()
        self._last: tuple[Tensor, Batch, FeaturePairs] | None = None

    def __call__(self, loss_name: str, output: Tensor, batch: Batch) -> FeaturePairs:
        """Return the features of the output, and of the target, of each layer.

        - `output`: (N, 1, Y, X) float32, in the units of the batch.

        Returns (N, C, Y, X) float32 each. Those of the target have no gradient.
        """
        last_output, last_batch, features = self._last or (None, None, {})
        same = output is last_output and batch is last_batch
        if not same or loss_name not in self._waiting:
            # bfloat16 would round off the small differences that the losses are about
            with torch.autocast(output.device.type, enabled=False):
                found = self.network(batch.picture(output))
                wanted = self.network(batch.picture(batch.target))
            pairs = zip(found, wanted, strict=True)
            features = dict(zip(self.network.layers, pairs, strict=True))
            self._waiting = self._losses
        self._waiting = self._waiting - {loss_name}
        self._last = (output, batch, features) if self._waiting else None
        return features


def shared_features(recipe: Recipe, loss_name: str, device: str) -> SharedFeatures:
    """Return the VGG features of a recipe, the same for all of its losses.

    - `recipe`: its `features` have the weights and layers, its `loss` the losses.

    Raises WeightsError when the weights cannot be had, or are not those of VGG-16 or
    VGG-19; UnknownNameError when the network has no such layer.
    """
    losses = FEATURE_LOSSES & {loss_name, *recipe.loss}
    layers = set(recipe.features.layers) if "perceptual" in losses else set()
    if losses - {"perceptual"}:
        layers.add(recipe.features.texture)
    named = recipe.features.weights
    return _load_features(named, tuple(sorted(layers)), losses, device)


@lru_cache(maxsize=1)
def _load_features(
    named: str, layers: tuple[str, ...], losses: frozenset[str], device: str
) -> SharedFeatures:
    state = checkpoint.load(resolve_weights("features.weights", named)).state
    try:
        network = VGG.from_state_dict(state, layers)
    except UnknownNameError as error:
        error.hint = f"set features.layers or features.texture: {error.hint}"
        raise
    return SharedFeatures(network.to(device), losses)


_DISTANCES = {"l1": functional.l1_loss, "mse": functional.mse_loss}


def perceptual(recipe: Recipe, device: str) -> Loss:
    """Return the distance of features, the mean of each layer, in a weighted sum.

    W2S squares the differences ([1]_, Eq. 4); ESRGAN and Real-ESRGAN take their
    absolute values. Raises UsageError when there are no layers, and what
    `shared_features` does.
    """
    weights = recipe.features.layers
    if not weights:
        raise UsageError(
            'the loss "perceptual" has no layers',
            hint="name some, as in features.layers = {conv5_4 = 1.0}",
        )
    distance = _DISTANCES[recipe.features.distance]
    shared = shared_features(recipe, "perceptual", device)

    def loss(output: Tensor, batch: Batch) -> Tensor:
        features = shared("perceptual", output, batch)
        terms = [
            weight * distance(*features[layer]) for layer, weight in weights.items()
        ]
        return torch.stack(terms).sum()

    return loss


def texture(recipe: Recipe, device: str) -> Loss:
    """Return the squared difference of the features' covariances ([1]_, Eq. 3).

    It is the mean over the entries of the matrix, as in the public code of W2S, where
    the paper writes a norm. Raises what `shared_features` does.
    """
    return _second_order(recipe, device, "texture", covariance)


def gram(recipe: Recipe, device: str) -> Loss:
    """Return the squared difference of the features' Gram matrices.

    It is the mean over the entries, of matrices over the number of features, as in
    [4]_; [3]_ has another constant factor. Raises what `shared_features` does.
    """
    return _second_order(recipe, device, "gram", gram_matrix)


def covariance(features: Tensor) -> Tensor:
    """Return the covariance of each two channels over the positions.

    (1/M) X (I - 11'/M) X' of [2]_, where X has a row a channel and M columns. W2S takes
    no square root of it.

    - `features`: (N, C, Y, X) float32.

    Returns (N, C, C) float32.
    """
    rows = features.flatten(2)
    rows = rows - rows.mean(2, keepdim=True)
    return rows @ rows.mT / rows.shape[2]


def gram_matrix(features: Tensor) -> Tensor:
    """Return the product of each two channels, over the number of features ([4]_).

    - `features`: (N, C, Y, X) float32.

    Returns (N, C, C) float32.
    """
    # The TensorFlow port of W2S has products of positions, which say where things are
    # and not what they look like.
    rows = features.flatten(2)
    return rows @ rows.mT / rows[0].numel()


def _second_order(
    recipe: Recipe, device: str, name: str, matrix: Callable[[Tensor], Tensor]
) -> Loss:
    layer = recipe.features.texture
    shared = shared_features(recipe, name, device)

    def loss(output: Tensor, batch: Batch) -> Tensor:
        found, wanted = shared(name, output, batch)[layer]
        with torch.autocast(output.device.type, enabled=False):
            return functional.mse_loss(matrix(found), matrix(wanted))

    return loss
