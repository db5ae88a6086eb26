"""Optimiser and learning rate of a network; its discriminator and adversarial loss.

References
----------
.. [1] Goodfellow et al., "Generative adversarial nets", NeurIPS 2014.
.. [2] Wang et al., "Real-ESRGAN", ICCV Workshops 2021, and its code.
.. [3] Wang et al., "ESRGAN", ECCV Workshops 2018, Eqs. 1 and 2; the code halves them.
.. [4] EPSR: Vasu et al., "Analyzing perception-distortion tradeoff using enhanced
   perceptual super-resolution network", ECCV Workshops 2018.
"""

from collections.abc import Mapping
from math import cos, pi
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.training.distributed import Distributed
from w2s_cli.training.initial_network import initial_discriminator
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import Optimiser, Schedule
from w2s_cli.training.training_batch import Batch


class NetworkOptimiser:
    """The optimiser of a network."""

    def __init__(self, network: nn.Module, options: Optimiser) -> None:
        self._options, self._taken = options, 0
        self._weights = [p for p in network.parameters() if p.requires_grad]
        kind = torch.optim.AdamW if options.name == "adamw" else torch.optim.Adam
        self._optimiser = kind(
            self._weights,
            lr=options.rate,
            betas=options.betas,
            weight_decay=options.weight_decay,
            amsgrad=options.name == "amsgrad",
        )

    def take_step(self, loss: Tensor, rate_share: float) -> None:
        """Take one step, at a share of the peak learning rate."""
        options, optimiser = self._options, self._optimiser
        if options.renew and self._taken % options.renew == 0:
            optimiser.state.clear()
        for group in optimiser.param_groups:
            group["lr"] = options.rate * rate_share
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if options.clip:
            nn.utils.clip_grad_norm_(self._weights, options.clip)
        optimiser.step()
        self._taken += 1

    def state(self) -> dict[str, Any]:
        """Return all that it keeps from step to step."""
        return {"taken": self._taken, "optimiser": self._optimiser.state_dict()}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self._taken = state["taken"]
        self._optimiser.load_state_dict(state["optimiser"])


def rate_share(schedule: Schedule, step: int, steps: int) -> float:
    """Return the learning rate of a step, as a share of its peak."""
    warm = min((step + 1) / schedule.warm_up, 1) if schedule.warm_up else 1
    done = step / steps
    match schedule.name:
        case "constant":
            share = 1.0
        case "step":
            share = schedule.factor ** sum(step >= at for at in schedule.milestones)
        case "halving":
            share = 0.5 ** (step // schedule.every)
        case "cosine":
            share = _falling(done)
        case "one-cycle" if done < 0.3:
            share = 1 - (1 - 1 / 10) * _falling(done / 0.3)
        case "one-cycle":
            share = 1e-5 + (1 - 1e-5) * _falling((done - 0.3) / (1 - 0.3))
    return warm * float(share)


def _falling(done: float) -> float:
    """Return half a cosine from 1 down to 0."""
    return (1 + cos(pi * done)) / 2


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
