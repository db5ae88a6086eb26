"""What a network and its discriminator want of each other's scores.

References
----------
.. [1] Goodfellow et al., "Generative adversarial nets", NeurIPS 2014.
.. [2] Wang et al., "Real-ESRGAN", ICCV Workshops 2021, and its code.
.. [3] Wang et al., "ESRGAN", ECCV Workshops 2018, Eqs. 1 and 2; the code halves them.
.. [4] EPSR: Vasu et al., "Analyzing perception-distortion tradeoff using enhanced
   perceptual super-resolution network", ECCV Workshops 2018.
"""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from w2s_cli.training.distributed import Distributed
from w2s_cli.training.initial_network import initial_discriminator
from w2s_cli.training.optimisation import NetworkOptimiser
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch

Kind = Literal["vanilla", "relativistic"]


def generator_loss(kind: Kind, both: bool, fake: Tensor, real: Tensor) -> Tensor:
    """Return how little a discriminator was fooled.

    Parameters
    ----------
    kind
        "vanilla": made images should score as real ones ([1]_, [2]_); "relativistic":
        more than the mean of the real ones.
    both
        Whether real images should also score less than the mean of the made ones; the
        loss is then the mean of both ([3]_). Without, it is that of EPSR ([4]_). It
        changes nothing of "vanilla".
    fake, real
        Scores of made and of real images before a sigmoid, of any shape and float type.

    Returns
    -------
    Tensor
        One number, float32.
    """
    fake, real = fake.float(), real.float()
    if kind == "vanilla":
        return _entropy(fake, 1)
    fooled = _entropy(fake - real.mean(), 1)
    if not both:
        return fooled
    return (fooled + _entropy(real - fake.mean(), 0)) / 2


def discriminator_loss(kind: Kind, fake: Tensor, real: Tensor) -> Tensor:
    """Return how badly a discriminator tells real images from made ones.

    Parameters
    ----------
    kind
        "vanilla": the sum over both sorts, as in [1]_ and [2]_; "relativistic": the
        mean over both, each against the mean of the other, as in [3]_.
    fake, real
        Scores of made and of real images before a sigmoid, of any shape and float type.

    Returns
    -------
    Tensor
        One number, float32.
    """
    fake, real = fake.float(), real.float()
    if kind == "vanilla":
        return _entropy(real, 1) + _entropy(fake, 0)
    reals = _entropy(real - fake.mean(), 1)
    fakes = _entropy(fake - real.mean(), 0)
    return (reals + fakes) / 2


def _entropy(scores: Tensor, wanted: float) -> Tensor:
    labels = torch.full_like(scores, wanted)
    return functional.binary_cross_entropy_with_logits(scores, labels)


class DiscriminatorTrainer:
    """A discriminator in training.

    It sees pictures, as `Batch.picture` makes them.

    Parameters
    ----------
    recipe
        With an `adversary`.
    world
        The processes that share the training.
    """

    def __init__(self, recipe: Recipe, world: Distributed) -> None:
        self._recipe = recipe
        self.network = initial_discriminator(recipe).to(world.device).train()
        self._shared = world.shared(self.network)
        self.steps = NetworkOptimiser(self.network, recipe.discriminator.optimiser)

    def loss(self, output: Tensor, batch: Batch, other: Batch) -> Tensor:
        """Return what the network is punished for being told from what is real.

        Parameters
        ----------
        output
            Of the network.
        batch
            What it was shown.
        other
            Where real images are taken from.
        """
        wanted = self._recipe.discriminator
        self.network.requires_grad_(False)
        made = self.network(batch.picture(output))
        true = self.network(other.picture(other.real))
        self.network.requires_grad_(True)
        return wanted.weight * generator_loss(wanted.kind, wanted.both, made, true)

    def learn(self, output: Tensor, batch: Batch, other: Batch, share: float) -> float:
        """Take one step at telling outputs from real images; return the loss.

        Parameters are those of `loss`, and the share of the peak learning rate.
        """
        true = self._shared(other.picture(other.real))
        made = self._shared(batch.picture(output.detach()))
        loss = discriminator_loss(self._recipe.discriminator.kind, made, true)
        self.steps.take(loss, share)
        return loss.item()

    def state(self) -> dict[str, Any]:
        """Return all that it has learned."""
        return {"network": self.network.state_dict(), "steps": self.steps.state()}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` had learned."""
        self.network.load_state_dict(state["network"])
        self.steps.resume(state["steps"])
