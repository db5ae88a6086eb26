"""From tensors, by their names and shapes, to the network that they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self, runtime_checkable

import torch
from torch import Size, Tensor, nn

from w2s_cli.errors import WeightsError
from w2s_cli.networks import DISCRIMINATORS, NETWORKS
from w2s_cli.registry import Entry, Registry

State = Mapping[str, Tensor]
Predicts = Literal["image", "noise"]
# Counts minus the W2S mean, over the W2S spread; that over 255; 8-bit counts over 255,
# in [0, 1]; and those minus 0.5.
UnitName = Literal["z", "z/255", "unit", "centred"]


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


def input_units(state: State) -> UnitName | None:
    """Return the units that the network of `state` takes, where its tensors tell."""
    row = recognise(state)
    ask = getattr(row.load(), "input_units", None) if row else None
    return ask(state) if ask else None


def rebuild(state: State) -> Network:
    """Return the network whose weights `state` holds."""
    row = recognise(state)
    if row is None:
        raise WeightsError(
            f"the {len(state)} tensors belong to no known network "
            f"(the first is {next(iter(state), 'missing')!r})",
            hint=f"known networks: {', '.join(entry.name for entry in NETWORKS)}",
        )
    network: Network = row.load().from_state_dict(state)
    return network


_FACTS = ("predicts", "scale", "channels", "margin", "multiple_of", "whole")


@dataclass(frozen=True, slots=True)
class Description:
    """A network that was recognised."""

    # As the catalogue has them
    name: str
    summary: str
    options: dict[str, Any]  # its hyper-parameters: the arguments that rebuild it
    parameters: int  # the number of its trained numbers
    # What it says of itself: see `w2s_cli.networks.rebuild.Network`. A discriminator
    # says less
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


def conv_shape(state: State, key: str) -> tuple[int, int, int, int] | None:
    """Return (out, in, height, width) of a convolution, None where there is none."""
    shape = state[key].shape if key in state else ()
    if len(shape) != 4 or 0 in shape:
        return None
    outputs, inputs, height, width = shape
    return outputs, inputs, height, width


def count(state: State, start: str, end: str) -> int:
    """Return how many keys start and end so, with one name in between."""
    names = (
        key[len(start) : -len(end)]
        for key in state
        if key.startswith(start) and key.endswith(end)
    )
    return sum("." not in name for name in names)


class Shaped(nn.Module):
    """A network that is found and rebuilt from the shapes of its tensors."""

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`.

        None where there are no such arguments. They need not be right unless `state`
        belongs to this class.
        """
        raise NotImplementedError

    @classmethod
    def detect(cls, state: State) -> bool:
        """Return whether `state` has the keys and shapes of such a network."""
        options = cls.options(state)
        if options is None:
            return False
        with torch.device("meta"):
            return _shapes(cls(**options).state_dict()) == _shapes(state)

    @classmethod
    def from_state_dict(cls, state: State) -> Self:
        """Return the network that `state` was taken from."""
        options = cls.options(state)
        if options is None:
            raise WeightsError(f"the {len(state)} tensors are no {cls.__name__}")
        network = cls(**options)
        network.load_state_dict(dict(state))
        return network


class ImageNetwork(Shaped):
    """A network that restores images; what most of them say of themselves."""

    scale: int = 1
    multiple_of: int = 1
    whole: bool = False
    channels: int = 1
    predicts: Predicts = "image"
    margin: int
    conditions: int = 0  # constant planes, among its channels


def _shapes(state: State) -> dict[str, Size]:
    """Return the shapes, less the counters that torch before 0.4.1 did not store."""
    return {
        key: tensor.shape
        for key, tensor in state.items()
        if not key.endswith(".num_batches_tracked")
    }
