"""From a bag of tensors to the network they belong to."""

from collections.abc import Mapping
from typing import Literal, Protocol, Self, runtime_checkable

from torch import Tensor

from w2s_cli.errors import WeightsError
from w2s_cli.networks import NETWORKS
from w2s_cli.registry import Entry, Registry

State = Mapping[str, Tensor]
Predicts = Literal["image", "noise"]
# Counts minus the W2S mean, over the W2S spread; that over 255; 8-bit counts over 255,
# in [0, 1]; and those minus 0.5.
Units = Literal["z", "z/255", "unit", "centred"]


@runtime_checkable
class Network(Protocol):
    """What every network class says of itself."""

    scale: int  # output pixels per input pixel
    margin: int  # input pixels on each side that the convolutions of a pixel see
    multiple_of: int  # sides of the input must be multiples of this
    whole: bool  # whether a pixel depends on the whole input: pooling, attention
    channels: int  # of the input and of the output
    predicts: Predicts

    @classmethod
    def detect(cls, state: State) -> bool:
        """Return whether `state` belongs to this class; never a false negative."""
        ...

    @classmethod
    def from_state_dict(cls, state: State) -> Self:
        """Return the network with the hyper-parameters and weights of `state`."""
        ...

    def __call__(self, image: Tensor, /) -> Tensor:
        """Map (N, C, Y, X) to (N, C, Y * scale, X * scale)."""
        ...


def recognise(state: State, catalogue: Registry[Entry] = NETWORKS) -> Entry | None:
    """Return the row of the catalogue that `state` belongs to, if there is one."""
    return next((row for row in catalogue if row.load().detect(state)), None)


def input_units(state: State) -> Units | None:
    """Return the units that the network of `state` takes, where its tensors tell."""
    row = recognise(state)
    ask = getattr(row.load(), "input_units", None) if row else None
    return ask(state) if ask else None


def rebuild(state: State) -> Network:
    """Return the network whose weights `state` holds.

    Raises
    ------
    WeightsError
        When no network of the catalogue has such weights.
    """
    row = recognise(state)
    if row is None:
        raise WeightsError(
            f"the {len(state)} tensors belong to no known network "
            f"(the first is {next(iter(state), 'missing')!r})",
            hint=f"known networks: {', '.join(entry.name for entry in NETWORKS)}",
        )
    network: Network = row.load().from_state_dict(state)
    return network
