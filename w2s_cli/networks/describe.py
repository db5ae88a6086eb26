"""What can be said of a network from its tensors alone."""

from dataclasses import dataclass
from typing import Any

from w2s_cli.networks import DISCRIMINATORS
from w2s_cli.networks.rebuild import State, recognise

_FACTS = ("predicts", "scale", "channels", "margin", "multiple_of", "whole")


@dataclass(frozen=True, slots=True)
class Description:
    """A network that was recognised.

    Attributes
    ----------
    name, summary
        As the catalogue has them.
    options
        Its hyper-parameters: the arguments that rebuild it.
    parameters
        The number of its trained numbers.
    facts
        What it says of itself: see `w2s_cli.networks.rebuild.Network`. A discriminator
        says less.
    """

    name: str
    summary: str
    options: dict[str, Any]
    parameters: int
    facts: dict[str, Any]


def describe(state: State) -> Description | None:
    """Return the network or discriminator of `state`; None where it is unknown."""
    row = recognise(state) or recognise(state, DISCRIMINATORS)
    if row is None:
        return None
    kind = row.load()
    network = kind.from_state_dict(state)
    return Description(
        row.name,
        row.summary,
        # Its own names: published ones may have others for the same tensors.
        kind.options(network.state_dict()),
        sum(parameter.numel() for parameter in network.parameters()),
        {name: getattr(network, name) for name in _FACTS if hasattr(network, name)},
    )
