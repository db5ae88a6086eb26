"""A discriminator, its loss, and the adversarial loss of the network.

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

    - `kind`: "vanilla": fake images should score as real ones ([1]_, [2]_);
      "relativistic": more than the mean of the real ones.
    - `both`: whether real images should also score less than the mean of the fake ones;
      the loss is then the mean of both ([3]_). Without, it is that of EPSR ([4]_). It
      changes nothing of "vanilla".
    - `fake`, `real`: scores of fake and of real images before a sigmoid, of any shape
      and float type.

    Returns one number, float32.
    """
    fake, real = fake.float(), real.float()
    if kind == "vanilla":
        return _entropy(fake, 1)
    fooled = _entropy(fake - real.mean(), 1)
    if not both:
        return fooled
    return (fooled + _entropy(real - fake.mean(), 0)) / 2


def discriminator_loss(kind: Kind, fake: Tensor, real: Tensor) -> Tensor:
    """Return how badly a discriminator separates real images from fake ones.

    - `kind`: "vanilla": the sum over both sorts, as in [1]_ and [2]_; "relativistic":
      the mean over both, each against the mean of the other, as in [3]_.
    - `fake`, `real`: scores of fake and of real images before a sigmoid, of any shape
      and float type.

    Returns one number, float32.
    """
    fake, real = fake.float(), real.float()
    if kind == "vanilla":
        return _entropy(real, 1) + _entropy(fake, 0)
    reals = _entropy(real - fake.mean(), 1)
    fakes = _entropy(fake - real.mean(), 0)
    return (reals + fakes) / 2


def _entropy(scores: Tensor, label: float) -> Tensor:
    labels = torch.full_like(scores, label)
    return functional.binary_cross_entropy_with_logits(scores, labels)


class DiscriminatorTrainer:
    """A discriminator in training; it gets pictures, as `Batch.picture` makes them."""

    def __init__(self, recipe: Recipe, distributed: Distributed) -> None:
        self._options = recipe.discriminator
        self.network = initial_discriminator(recipe).to(distributed.device).train()
        self._parallel = distributed.parallel(self.network)
        self.optimiser = NetworkOptimiser(self.network, self._options.optimiser)

    def loss(self, output: Tensor, batch: Batch, real: Batch) -> Tensor:
        """Return the weighted adversarial loss of the network's output for a batch.

        Real images are the truths of `real`.
        """
        options = self._options
        self.network.requires_grad_(False)
        fake_scores = self.network(batch.picture(output))
        real_scores = self.network(real.picture(real.real))
        self.network.requires_grad_(True)
        loss = generator_loss(options.kind, options.both, fake_scores, real_scores)
        return options.weight * loss

    def train_step(
        self, output: Tensor, batch: Batch, real: Batch, share: float
    ) -> float:
        """Take one step at a share of the peak learning rate; return the loss."""
        real_scores = self._parallel(real.picture(real.real))
        fake_scores = self._parallel(batch.picture(output.detach()))
        loss = discriminator_loss(self._options.kind, fake_scores, real_scores)
        self.optimiser.take_step(loss, share)
        return loss.item()

    def state(self) -> dict[str, Any]:
        """Return all that a checkpoint must hold."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state(),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self.network.load_state_dict(state["network"])
        self.optimiser.resume(state["optimiser"])
