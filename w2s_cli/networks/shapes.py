"""Networks of which the names and shapes of their tensors tell everything."""

from typing import Any, Self

import torch
from torch import Size, nn

from w2s_cli.errors import WeightsError
from w2s_cli.networks.rebuild import State


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
        """Return the network that `state` was taken from.

        Raises
        ------
        WeightsError
            When `state` is none of this class.
        """
        options = cls.options(state)
        if options is None:
            raise WeightsError(f"the {len(state)} tensors are no {cls.__name__}")
        network = cls(**options)
        network.load_state_dict(dict(state))
        return network


def _shapes(state: State) -> dict[str, Size]:
    """Return the shapes, less the counters that torch before 0.4.1 did not store."""
    return {
        key: tensor.shape
        for key, tensor in state.items()
        if not key.endswith(".num_batches_tracked")
    }
