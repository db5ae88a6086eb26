"""Noise2SR: the U-Net of Noise2Noise, and a small head that doubles the size."""

from math import log2
from typing import Any

from torch import Tensor, nn

from w2s_cli.networks.n2n_unet import N2NUNet, SharedUNet
from w2s_cli.networks.parts import last_layer_float32
from w2s_cli.networks.rebuild import Predicts, Shaped, State, conv_shape, count

_LEAK = 0.1


class Noise2SR(Shaped):
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

    whole = False
    multiple_of = 32
    predicts: Predicts = "image"

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
            _shuffle(features, scale),
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
        inner = SharedUNet.options(_encoder(state))
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

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, C, Y * scale, X * scale), in float32."""
        return last_layer_float32(
            self.decoder[-1], self.decoder[:-1](self.encoder(image))
        )


class Noise2SRPaper(Shaped):
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
    whole = False
    predicts: Predicts = "image"

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
        inner = N2NUNet.options(_encoder(state))
        grow = conv_shape(state, "decoder.1.weight")
        if inner is None or grow is None:
            return None
        features = inner.pop("outputs")
        return {**inner, "features": features, "side": grow[2]}

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to (N, C, 2 * Y, 2 * X), in float32."""
        return last_layer_float32(
            self.decoder[-1], self.decoder[:-1](self.encoder(image))
        )


def _encoder(state: State) -> State:
    start = "encoder."
    return {
        key.removeprefix(start): tensor
        for key, tensor in state.items()
        if key.startswith(start)
    }


def _shuffle(features: int, scale: int) -> nn.Sequential:
    """Return convolutions that make pixels of channels, doubling the size each."""
    layers: list[nn.Module] = []
    for _ in range(round(log2(scale))):
        layers += [
            nn.Conv2d(features, 4 * features, 3, padding=1),
            nn.PixelShuffle(2),
        ]
    return nn.Sequential(*layers)
