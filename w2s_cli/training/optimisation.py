"""The optimiser and the learning rate."""

from collections.abc import Mapping
from math import cos, pi
from typing import Any

import torch
from torch import Tensor, nn

from w2s_cli.training.recipe_tables import Optimiser, Schedule


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


_RISE, _LOWEST_START, _LOWEST_END = 0.3, 1 / 10, 1e-5  # of "one-cycle"


def rate_share(schedule: Schedule, step: int, steps: int) -> float:
    """Return the learning rate of a step, as a share of its peak."""
    warm = min((step + 1) / schedule.warm_up, 1) if schedule.warm_up else 1
    return warm * _SHARES[schedule.name](schedule, step, steps)


def _constant(schedule: Schedule, step: int, steps: int) -> float:
    return 1.0


def _step(schedule: Schedule, step: int, steps: int) -> float:
    passed = sum(step >= milestone for milestone in schedule.milestones)
    return float(schedule.factor**passed)


def _halving(schedule: Schedule, step: int, steps: int) -> float:
    return float(0.5 ** (step // schedule.every))


def _cosine(schedule: Schedule, step: int, steps: int) -> float:
    return _falling(step / steps)


def _one_cycle(schedule: Schedule, step: int, steps: int) -> float:
    done = step / steps
    if done < _RISE:
        return 1 - (1 - _LOWEST_START) * _falling(done / _RISE)
    return _LOWEST_END + (1 - _LOWEST_END) * _falling((done - _RISE) / (1 - _RISE))


def _falling(done: float) -> float:
    """Return half a cosine from 1 down to 0."""
    return (1 + cos(pi * done)) / 2


_SHARES = {
    "constant": _constant,
    "step": _step,
    "halving": _halving,
    "cosine": _cosine,
    "one-cycle": _one_cycle,
}
