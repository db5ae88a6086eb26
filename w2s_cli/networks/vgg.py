"""VGG-16 and VGG-19: what ImageNet's network sees in an image.

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
recognition", ICLR 2015. Their features serve to compare images; they restore none.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError, UnknownNameError, WeightsError
from w2s_cli.networks.rebuild import State, conv_shape

_WIDTHS = (64, 128, 256, 512, 512)  # of the five levels
_STEPS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # convolutions on each level
# Of ImageNet, in [0, 1]
_MEAN = (0.485, 0.456, 0.406)
_SPREAD = (0.229, 0.224, 0.225)


class VGG(nn.Module):
    """The convolutions of VGG, with torchvision's names: `features.0.weight` and on.

    They are fixed: the features have a gradient for the image, not for the weights.

    - `depth`: 16 or 19.
    - `layers`: the features to return: "conv3_2" is the second convolution on the third
      level, "relu3_2" its rectifier, "pool3" the end of the level. Empty for the last
      convolution of each level, before its rectifier.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, depth: int = 19, layers: Sequence[str] = ()) -> None:
        super().__init__()
        self.depth = depth
        named = dict(_named_layers(_STEPS[depth]))
        self.layers = tuple(layers) or tuple(
            f"conv{level}_{steps}" for level, steps in enumerate(_STEPS[depth], 1)
        )
        for layer in self.layers:
            if layer not in named:
                raise UnknownNameError(f"layer of VGG-{depth}", layer, named)
        self._names = tuple(named)
        self.features = nn.Sequential(*named.values())
        for name, numbers in (("mean", _MEAN), ("spread", _SPREAD)):
            column = torch.tensor(numbers)[:, None, None]
            self.register_buffer(name, column, persistent=False)
        self.requires_grad_(False)

    @classmethod
    def detect(cls, state: State) -> bool:
        """Return whether `state` has the convolutions of VGG-16 or VGG-19."""
        return any(_fits(state, depth) for depth in _STEPS)

    @classmethod
    def from_state_dict(cls, state: State, layers: Sequence[str] = ()) -> Self:
        """Return the network that `state` was taken from, in float32.

        Tensors of a classifier behind the convolutions are left out. Raises
        WeightsError when `state` is neither of VGG-16 nor of VGG-19; UnknownNameError
        when the network has no such layer.
        """
        depth = next((depth for depth in _STEPS if _fits(state, depth)), None)
        if depth is None:
            raise WeightsError(
                f"the {len(state)} tensors are neither VGG-16 nor VGG-19",
                hint="they are those of torchvision, without batch norm",
            )
        network = cls(depth, layers)
        network.load_state_dict({key: state[key] for key in network.state_dict()})
        return network.eval()

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the features of each of `layers`, in their order: (N, C, Y, X) each.

        - `image`: (N, C, Y, X) in [0, 1], of one channel, which becomes three, or of
          RGB.

        Raises InputError when it is too small for the deepest layer, or has other
        channels.
        """
        last = max(self._names.index(layer) for layer in self.layers)
        names = self._names[: last + 1]
        channels, height, width = image.shape[1:]
        if channels not in (1, 3):
            raise InputError(f"VGG takes images of 1 or 3 channels, found {channels}")
        least = 2 ** sum(name.startswith("pool") for name in names)
        if min(height, width) < least:
            raise InputError(
                f"{names[-1]} of VGG takes images of {least} x {least} pixels or more, "
                f"found {height} x {width}",
                hint="take earlier layers, or a larger image",
            )
        features = (image.expand(-1, 3, -1, -1) - self.mean) / self.spread
        found: dict[str, Tensor] = {}
        for name, layer in zip(names, self.features, strict=False):
            features = found[name] = layer(features)
        return tuple(found[name] for name in self.layers)

    def rectified(self, image: NDArray[Any]) -> list[FloatArray]:
        """Return (C, Y, X) of a (Y, X) image in [0, 1] after a rectifier a layer."""
        with torch.inference_mode():
            tensor = torch.from_numpy(np.asarray(image, np.float32))[None, None]
            return [layer[0].relu().numpy() for layer in self(tensor)]


def _named_layers(steps: Sequence[int]) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers in their order, with their names."""
    taken = len(_MEAN)
    for level, (count, width) in enumerate(zip(steps, _WIDTHS, strict=True), 1):
        for step in range(1, count + 1):
            yield f"conv{level}_{step}", nn.Conv2d(taken, width, 3, padding=1)
            # In place it would overwrite what is returned
            yield f"relu{level}_{step}", nn.ReLU()
            taken = width
        yield f"pool{level}", nn.MaxPool2d(2)


def _fits(state: State, depth: int) -> bool:
    """Return whether `state` has these convolutions, with biases, and no others."""
    with torch.device("meta"):
        layers = list(_named_layers(_STEPS[depth]))
    expected = {
        f"features.{place}.weight": tuple(layer.weight.shape)
        for place, (_, layer) in enumerate(layers)
        if isinstance(layer, nn.Conv2d)
    }
    found = {key for key in state if key.startswith("features.")}
    biases = {key.removesuffix("weight") + "bias" for key in expected}
    return found == expected.keys() | biases and all(
        conv_shape(state, key) == shape
        and state[key.removesuffix("weight") + "bias"].shape == shape[:1]
        for key, shape in expected.items()
    )
