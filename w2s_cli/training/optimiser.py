"""Steps down the gradient."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from w2s_cli.training.tables.learning import Optimiser


class Steps:
    """The optimiser of a network.

    Parameters
    ----------
    network
        Whose weights follow.
    wanted
        How, by the recipe.
    """

    def __init__(self, network: nn.Module, wanted: Optimiser) -> None:
        self._wanted, self._taken = wanted, 0
        self._weights = [p for p in network.parameters() if p.requires_grad]
        kind = torch.optim.AdamW if wanted.name == "adamw" else torch.optim.Adam
        self._optimiser = kind(
            self._weights,
            lr=wanted.rate,
            betas=wanted.betas,
            weight_decay=wanted.weight_decay,
            amsgrad=wanted.name == "amsgrad",
        )

    def take(self, loss: Tensor, share: float) -> None:
        """Take one step, at a share of the peak learning rate."""
        wanted, optimiser = self._wanted, self._optimiser
        if wanted.renew and self._taken % wanted.renew == 0:
            optimiser.state.clear()
        for group in optimiser.param_groups:
            group["lr"] = wanted.rate * share
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if wanted.clip:
            nn.utils.clip_grad_norm_(self._weights, wanted.clip)
        optimiser.step()
        self._taken += 1

    def state(self) -> dict[str, Any]:
        """Return what it remembers."""
        return {"taken": self._taken, "optimiser": self._optimiser.state_dict()}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` remembered."""
        self._taken = state["taken"]
        self._optimiser.load_state_dict(state["optimiser"])
