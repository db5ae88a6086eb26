"""What VGG sees in an output and in its target, for all the losses that ask."""

from collections.abc import Mapping, Set
from functools import lru_cache

import torch
from torch import Tensor

from w2s_cli.assets import checkpoint
from w2s_cli.errors import UnknownNameError
from w2s_cli.networks.vgg import VGG
from w2s_cli.training.batch import Batch
from w2s_cli.training.named import weights
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.tables.learning import Features

ASKERS = frozenset({"perceptual", "texture", "gram"})
Seen = Mapping[str, tuple[Tensor, Tensor]]


class Sight:
    """VGG, which looks once at an output however many losses ask.

    What it saw is kept until each of them had it, or one of them asks again.

    Parameters
    ----------
    network
        With the layers that any of them needs.
    askers
        The names of the losses.
    """

    def __init__(self, network: VGG, askers: Set[str]) -> None:
        self.network = network
        self._askers = askers
        self._waiting: Set[str] = frozenset()
        self._last: tuple[Tensor, Batch, Seen] | None = None

    def __call__(self, asker: str, output: Tensor, batch: Batch) -> Seen:
        """Return the features of the output, and of the target, of each layer.

        Parameters
        ----------
        asker
            The name of the loss.
        output
            (N, 1, Y, X) float32, in the units of the batch.
        batch
            What the network was shown.

        Returns
        -------
        mapping of str to tuple of Tensor
            (N, C, Y, X) float32 each. Those of the target have no gradient.
        """
        seen = self._remembered(asker, output, batch)
        if seen is None:
            seen = self._look(output, batch)
            self._waiting = self._askers
        self._waiting = self._waiting - {asker}
        self._last = (output, batch, seen) if self._waiting else None
        return seen

    def _remembered(self, asker: str, output: Tensor, batch: Batch) -> Seen | None:
        if self._last is None or asker not in self._waiting:
            return None
        last_output, last_batch, seen = self._last
        return seen if output is last_output and batch is last_batch else None

    def _look(self, output: Tensor, batch: Batch) -> Seen:
        # bfloat16 would round off the small differences that the losses are about
        with torch.autocast(output.device.type, enabled=False):
            found = self.network(batch.picture(output))
            wanted = self.network(batch.picture(batch.target))
        pairs = zip(found, wanted, strict=True)
        return dict(zip(self.network.layers, pairs, strict=True))


def sight_of(recipe: Recipe, asker: str, device: str) -> Sight:
    """Return what a loss of a recipe sees with: the same for all of its losses.

    Parameters
    ----------
    recipe
        Its `features` say which weights and layers, its `loss` who else asks.
    asker
        The name of the loss.
    device
        Where to look.

    Raises
    ------
    WeightsError
        When the weights cannot be had, or are not those of VGG-16 or VGG-19.
    UnknownNameError
        When the network has no such layer.
    """
    askers = ASKERS & {asker, *recipe.loss}
    layers = tuple(sorted(_layers(recipe.features, askers)))
    return _opened(recipe.features.weights, layers, askers, device)


def _layers(features: Features, askers: Set[str]) -> set[str]:
    layers = set(features.layers) if "perceptual" in askers else set()
    return layers | {features.texture} if askers - {"perceptual"} else layers


@lru_cache(maxsize=1)
def _opened(
    named: str, layers: tuple[str, ...], askers: frozenset[str], device: str
) -> Sight:
    state = checkpoint.load(weights("features.weights", named)).state
    try:
        network = VGG.from_state_dict(state, layers)
    except UnknownNameError as error:
        error.hint = f"set features.layers or features.texture: {error.hint}"
        raise
    return Sight(network.to(device), askers)
