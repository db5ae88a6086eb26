"""The U-Net of Noise2Noise, a common copy that shares its blocks, and Noise2SR."""

from itertools import pairwise
from math import log2
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.parts import last_layer_float32, upsampling
from w2s_cli.networks.rebuild import ImageNetwork, State, conv_shape, count

_LEAK = 0.1


class N2NUNet(ImageNetwork):
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
        self.multiple_of, self.margin = 2**levels, _reach(levels)
        self.draws = outputs == channels  # and no features for another network
        for name, taken, given in _plan(channels, outputs, width, levels, last):
            self.add_module(name, nn.Conv2d(taken, given, 3, padding=1, bias=bias))

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


class SharedUNet(ImageNetwork):
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

    multiple_of = 32

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


class _Enlarging(ImageNetwork):
    """A U-Net, and a head that enlarges what it gives."""

    encoder: nn.Module
    decoder: nn.Sequential

    @staticmethod
    def encoder_state(state: State) -> State:
        """Return the tensors of the U-Net, by its own names."""
        start = "encoder."
        keys = [key for key in state if key.startswith(start)]
        return {key.removeprefix(start): state[key] for key in keys}

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, C, Y * scale, X * scale), in float32."""
        return last_layer_float32(
            self.decoder[-1], self.decoder[:-1](self.encoder(image))
        )


class Noise2SR(_Enlarging):
    """Predict a clean image, enlarged, as the authors' code does.

    The public code of Tian et al., "Noise2SR", MICCAI 2022, and of its successor for
    electron micrographs, which has a 3x3 convolution and a leaky ReLU in the head.

    Parameters
    ----------
    channels
        Of the input and of the output.
    features
        Channels from the U-Net to the head.
    scale
        2, 4, ...: pixels of the output along a pixel of the input.
    head
        Channels between the three convolutions of the head.
    side
        Of the kernel of the head's first convolution, 1 or 3.
    width, last
        As for the U-Net.
    """

    multiple_of = 32

    def __init__(
        self,
        channels: int = 1,
        features: int = 64,
        scale: int = 2,
        head: tuple[int, int] = (64, 64),
        side: int = 1,
        width: int = 48,
        last: tuple[int, int] = (128, 128),
    ) -> None:
        super().__init__()
        self.channels, self.scale = channels, scale
        self.encoder = SharedUNet(channels, features, width, last)
        self.decoder = nn.Sequential(
            upsampling(features, scale),
            nn.ReLU(inplace=True) if side == 1 else nn.LeakyReLU(_LEAK, inplace=True),
            nn.Conv2d(features, head[0], side, padding=side // 2),
            nn.ReLU(inplace=True),
            nn.Conv2d(*head, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(head[1], channels, 1),
        )
        # Each step of the head reaches 1 input pixel at most.
        self.margin = self.encoder.margin + round(log2(scale)) + side // 2

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        inner = SharedUNet.options(cls.encoder_state(state))
        first = conv_shape(state, "decoder.2.weight")
        second = conv_shape(state, "decoder.4.weight")
        if inner is None or first is None or second is None:
            return None
        return {
            "channels": inner["channels"],
            "features": inner["outputs"],
            "scale": 2 ** count(state, "decoder.0.", ".weight"),
            "head": (first[0], second[0]),
            "side": first[2],
            "width": inner["width"],
            "last": inner["last"],
        }


class Noise2SRPaper(_Enlarging):
    """Predict a clean image, enlarged x2, as the paper describes.

    Tian et al., "Noise2SR", MICCAI 2022, section 2.3: the U-Net of Noise2Noise with 256
    output channels, a transposed convolution and two 1x1 convolutions. The paper names
    no activations: here, as in the authors' code, a leaky ReLU ends the U-Net, and a
    ReLU stands between the others.

    Parameters
    ----------
    channels
        Of the input and of the output.
    features
        Channels from the U-Net to the head.
    side
        Of the kernel of the transposed convolution, 2 or more.
    width, levels, last, bias
        As for the U-Net.
    """

    scale = 2

    def __init__(
        self,
        channels: int = 1,
        features: int = 256,
        side: int = 2,
        width: int = 48,
        levels: int = 5,
        last: tuple[int, int] = (64, 32),
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.channels, self.multiple_of = channels, 2**levels
        self.encoder = N2NUNet(channels, features, width, levels, last, bias)
        self.decoder = nn.Sequential(
            nn.LeakyReLU(_LEAK, inplace=True),
            nn.ConvTranspose2d(
                features, features, side, 2, (side - 1) // 2, output_padding=side % 2
            ),
            nn.ReLU(inplace=True),
            nn.Conv2d(features, features, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(features, channels, 1),
        )
        self.margin = self.encoder.margin + side // 2

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        inner = N2NUNet.options(cls.encoder_state(state))
        grow = conv_shape(state, "decoder.1.weight")
        if inner is None or grow is None:
            return None
        features = inner.pop("outputs")
        return {**inner, "features": features, "side": grow[2]}
