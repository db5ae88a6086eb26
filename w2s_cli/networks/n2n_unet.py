"""The U-Net of Noise2Noise, and a common copy of it that shares its blocks."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.parts import last_layer_float32
from w2s_cli.networks.rebuild import Predicts, Shaped, State, conv_shape, count

_LEAK = 0.1


class N2NUNet(Shaped):
    """Predict the clean image.

    Lehtinen et al., "Noise2Noise", ICML 2018, appendix, table 2. FMD's has no biases.

    Parameters
    ----------
    channels, outputs
        Of the input and of the output; for images, as many.
    width
        Channels of the encoder; the decoder has twice as many.
    levels
        Poolings, 1 or more.
    last
        Channels of the two convolutions before the last.
    bias
        Whether the convolutions have biases.
    """

    scale = 1
    whole = False
    predicts: Predicts = "image"

    def __init__(
        self,
        channels: int = 1,
        outputs: int = 1,
        width: int = 48,
        levels: int = 5,
        last: tuple[int, int] = (64, 32),
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.channels, self.levels = channels, levels
        self.draws = outputs == channels  # and no features for another network
        for name, taken, given in _plan(channels, outputs, width, levels, last):
            self.add_module(name, nn.Conv2d(taken, given, 3, padding=1, bias=bias))

    @property
    def multiple_of(self) -> int:
        """Return the multiple that the sides of an input must be."""
        return int(2**self.levels)

    @property
    def margin(self) -> int:
        """Return how far an output pixel sees."""
        return _reach(self.levels)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "enc_conv0.weight")
        middle = conv_shape(state, "dec_conv1b.weight")
        tail = conv_shape(state, "dec_conv1c.weight")
        if head is None or middle is None or tail is None:
            return None
        return {
            "channels": head[1],
            "outputs": tail[0],
            "width": head[0],
            "levels": count(state, "dec_conv", "b.weight"),
            "last": (middle[1], middle[0]),
            "bias": "enc_conv0.bias" in state,
        }

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, outputs, Y, X); images are in float32."""
        here, skipped = self._convolved("enc_conv0", image), [image]
        for level in range(1, self.levels + 1):
            here = functional.max_pool2d(self._convolved(f"enc_conv{level}", here), 2)
            skipped.append(here)
        here = self._convolved(f"enc_conv{self.levels + 1}", skipped.pop())
        for level in range(self.levels, 0, -1):
            here = functional.interpolate(here, scale_factor=2, mode="nearest")
            here = torch.cat([here, skipped.pop()], dim=1)
            here = self._convolved(f"dec_conv{level}a", here)
            here = self._convolved(f"dec_conv{level}b", here)
        last = self.get_submodule("dec_conv1c")
        return last_layer_float32(last, here) if self.draws else last(here)

    def _convolved(self, name: str, features: Tensor) -> Tensor:
        features = self.get_submodule(name)(features)
        return functional.leaky_relu(features, _LEAK, inplace=True)


class SharedUNet(Shaped):
    """Predict the clean image with one block for four levels, and one for three.

    As in MeijiTian/Noise2SR, and other PyTorch copies of Noise2Noise: transposed
    convolutions instead of a nearest upsampling, and a leaky ReLU at the end.

    Parameters
    ----------
    channels, outputs
        Of the input and of the output; for images, as many.
    width
        Channels of the encoder; the decoder has twice as many.
    last
        Channels of the two convolutions before the last.
    """

    scale = 1
    multiple_of = 32
    whole = False
    predicts: Predicts = "image"

    def __init__(
        self,
        channels: int = 1,
        outputs: int = 1,
        width: int = 48,
        last: tuple[int, int] = (128, 128),
    ) -> None:
        super().__init__()
        self.channels = channels
        self.draws = outputs == channels  # and no features for another network
        # A transposed convolution blends two neighbours on each of five levels.
        self.margin = _reach(5) + sum(2**level for level in range(1, 6))
        double, pool = 2 * width, nn.MaxPool2d(2)
        self._block1 = nn.Sequential(*_convs(channels, width, width), pool)
        self._block2 = nn.Sequential(*_convs(width, width), pool)
        self._block3 = nn.Sequential(*_convs(width, width), _grow(width))
        self._block4 = nn.Sequential(*_convs(double, double, double), _grow(double))
        self._block5 = nn.Sequential(*_convs(3 * width, double, double), _grow(double))
        self._block6 = nn.Sequential(
            *_convs(double + channels, *last),
            nn.Conv2d(last[1], outputs, 3, padding=1),
            nn.LeakyReLU(_LEAK),
        )

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "_block1.0.weight")
        middle = conv_shape(state, "_block6.2.weight")
        tail = conv_shape(state, "_block6.4.weight")
        if head is None or middle is None or tail is None:
            return None
        return {
            "channels": head[1],
            "outputs": tail[0],
            "width": head[0],
            "last": (middle[1], middle[0]),
        }

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, outputs, Y, X); images are in float32."""
        skipped = [image, self._block1(image)]
        for _ in range(4):
            skipped.append(self._block2(skipped[-1]))
        here: Tensor = self._block3(skipped.pop())
        for block in (self._block4, *3 * [self._block5], self._block6[:4]):
            here = block(torch.cat([here, skipped.pop()], dim=1))
        last = self._block6[4:]
        return last_layer_float32(last, here) if self.draws else last(here)


def _plan(
    channels: int, outputs: int, width: int, levels: int, last: tuple[int, int]
) -> list[tuple[str, int, int]]:
    """Return the name, the inputs and the outputs of each convolution."""
    plan = [("enc_conv0", channels, width)]
    plan += [(f"enc_conv{level}", width, width) for level in range(1, levels + 2)]
    inner = width
    for level in range(levels, 1, -1):
        plan.append((f"dec_conv{level}a", inner + width, 2 * width))
        plan.append((f"dec_conv{level}b", inner := 2 * width, 2 * width))
    plan.append(("dec_conv1a", inner + channels, last[0]))
    return [*plan, ("dec_conv1b", *last), ("dec_conv1c", last[1], outputs)]


def _reach(levels: int) -> int:
    """Return how far an output pixel sees in such a U-Net.

    Its convolutions reach 1 pixel of their level, 2**level pixels of the image: twice
    on level 0 and once on each other on the way down, three times on level 0 and twice
    on each between on the way up; the pixel may lie at the end of a pooled cell.
    """
    down, up = 2 ** (levels + 1), 2 ** (levels + 1) - 1
    return int(down + up + 2**levels - 1)


def _convs(*widths: int) -> list[nn.Module]:
    """Return 3x3 convolutions from width to width, with a ReLU after each."""
    layers: list[nn.Module] = []
    for taken, given in pairwise(widths):
        layers += [nn.Conv2d(taken, given, 3, padding=1), nn.ReLU(inplace=True)]
    return layers


def _grow(width: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(width, width, 3, stride=2, padding=1, output_padding=1)
