"""A discriminator, and what it teaches a network."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from w2s_cli.training.distributed import Distributed
from w2s_cli.training.initial_network import discriminator_of
from w2s_cli.training.losses.adversarial import discriminator_loss, generator_loss
from w2s_cli.training.optimisation import Steps
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch


class AdversarialTraining:
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
        self.network = discriminator_of(recipe).to(world.device).train()
        self._shared = world.shared(self.network)
        self.steps = Steps(self.network, recipe.adversary.optimiser)

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
        wanted = self._recipe.adversary
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
        loss = discriminator_loss(self._recipe.adversary.kind, made, true)
        self.steps.take(loss, share)
        return loss.item()

    def state(self) -> dict[str, Any]:
        """Return all that it has learned."""
        return {"network": self.network.state_dict(), "steps": self.steps.state()}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` had learned."""
        self.network.load_state_dict(state["network"])
        self.steps.resume(state["steps"])
