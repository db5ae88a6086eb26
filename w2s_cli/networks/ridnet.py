"""RIDNet: dilated convolutions and attention to channels."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.parts import initialise, last_layer_float32
from w2s_cli.networks.rebuild import ImageNetwork, State, conv_shape, count

_MEAN_RGB = (0.4488, 0.4371, 0.4040)


class _Shift(nn.Conv2d):
    """Add the same colour to every pixel; its weights are trained like any other."""

    def __init__(self, channels: int, sign: int) -> None:
        super().__init__(channels, channels, 1)
        colour = torch.tensor(_MEAN_RGB)
        if channels != len(_MEAN_RGB):
            colour = colour.mean().expand(channels)
        self.weight.data = torch.eye(channels)[:, :, None, None]
        self.bias = nn.Parameter(sign * colour)


class _Body(nn.Module):
    """Layers in a row, under the name that the published files have for them."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = self.body(features)
        return result


class _Merge(nn.Module):
    """Two branches of growing dilation, merged and added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body1 = _chain(_conv(width, width, 1), _conv(width, width, 2))
        self.body2 = _chain(_conv(width, width, 3), _conv(width, width, 4))
        self.body3 = _chain(_conv(2 * width, width))

    def forward(self, features: Tensor) -> Tensor:
        branches = self.body1(features), self.body2(features)
        merged: Tensor = self.body3(torch.cat(branches, dim=1))
        return merged + features


class _Residual(_Body):
    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(self.body(features) + features)


class _Attention(nn.Module):
    """Weigh each channel by what the means of all channels over the image say."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.c1 = _Body(nn.Conv2d(width, squeezed, 1), nn.ReLU(inplace=True))
        self.c2 = _Body(nn.Conv2d(squeezed, width, 1), nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        weights: Tensor = self.c2(self.c1(features.mean((-2, -1), keepdim=True)))
        return features * weights


class _Block(nn.Sequential):
    """An enhancement attention module, figure 2 of the paper."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.r1 = _Merge(width)
        self.r2 = _Residual(*_chain(_conv(width, width)), _conv(width, width))
        self.r3 = _Residual(
            *_chain(_conv(width, width), _conv(width, width)),
            nn.Conv2d(width, width, 1),
        )
        self.ca = _Attention(width, squeezed)


class RIDNet(ImageNetwork):
    """Predict the clean image.

    Anwar and Barnes, "Real image denoising with feature attention", ICCV 2019, as the
    W2S authors wrote it: without the long skips between blocks.

    Parameters
    ----------
    channels
        Of the input and of the output.
    width
        Channels in between.
    squeezed
        Channels at the waist of the attention.
    blocks
        Enhancement attention modules.
    """

    whole = True

    def __init__(
        self, channels: int = 1, width: int = 64, squeezed: int = 4, blocks: int = 4
    ) -> None:
        super().__init__()
        self.channels, self.blocks = channels, blocks
        # A block: the branch of dilations 3 and 4, the merger, two residual pairs.
        self.margin = 2 + blocks * (3 + 4 + 1 + 2 + 2)
        self.head = _Body(*_chain(_conv(channels, width)))
        for block in range(blocks):
            self.add_module(f"b{block + 1}", _Block(width, squeezed))
        self.tail = _conv(width, channels)
        initialise(self)
        self.sub_mean, self.add_mean = _Shift(channels, -1), _Shift(channels, 1)

    @classmethod
    def options(cls, state: State) -> dict[str, Any] | None:
        """Return the arguments that give tensors like those of `state`."""
        head = conv_shape(state, "head.body.0.weight")
        waist = conv_shape(state, "b1.ca.c1.body.0.weight")
        if head is None or waist is None:
            return None
        return {
            "channels": head[1],
            "width": head[0],
            "squeezed": waist[0],
            "blocks": count(state, "b", ".ca.c1.body.0.weight"),
        }

    def forward(self, image: Tensor) -> Tensor:
        """Map (N, C, Y, X) to the clean image, of the same shape, in float32."""
        features = self.head(self.sub_mean(image))
        for block in range(self.blocks):
            features = self.get_submodule(f"b{block + 1}")(features)
        return (
            last_layer_float32(self.add_mean, last_layer_float32(self.tail, features))
            + image.float()
        )


def _conv(inputs: int, outputs: int, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)


def _chain(*layers: nn.Module) -> nn.Sequential:
    """Return the layers with a ReLU after each."""
    return nn.Sequential(
        *(m for layer in layers for m in (layer, nn.ReLU(inplace=True)))
    )
