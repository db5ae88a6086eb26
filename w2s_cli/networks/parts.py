"""Layers that several networks share: residuals, sub-pixel tails, initialisation."""

from math import isqrt, prod, sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.rebuild import State, conv_shape


class Residual(nn.Module):
    """Add to the input what the layers of `body` make of it, times `weight`."""

    def __init__(self, *layers: nn.Module, weight: float = 1.0) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)
        self.weight = weight

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        return torch.add(features, self.body(features), alpha=self.weight)


def channel_weights(width: int, squeezed: int) -> nn.Sequential:
    """Return layers from a number a channel to a weight of each."""
    return nn.Sequential(
        nn.Conv2d(width, squeezed, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(squeezed, width, 1),
        nn.Sigmoid(),
    )


class Tail(nn.Sequential):
    """Enlarge features `scale` times, then draw the image: keys 0.0, 0.2 ... and 1."""

    def __init__(self, width: int, channels: int, scale: int) -> None:
        super().__init__(
            upsampling(width, scale), nn.Conv2d(width, channels, 3, padding=1)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, width, Y, X) to (N, channels, Y * scale, X * scale), in float32."""
        return last_layer_float32(self[1], self[0](features))


def upsampling(width: int, scale: int) -> nn.Sequential:
    """Return sub-pixel convolutions (Shi et al., CVPR 2016), doubling while they can.

    The shuffle puts channel 4c + 2i + j of a x2 step at row i and column j.
    """
    layers: list[nn.Module] = []
    for factor in _factors(scale):
        layers.append(nn.Conv2d(width, factor**2 * width, 3, padding=1))
        layers.append(nn.PixelShuffle(factor))
    return nn.Sequential(*layers)


def upsampling_scale(state: State, prefix: str) -> int:
    """Return the scale of the sub-pixel convolutions whose names have a prefix."""
    weights = (
        conv_shape(state, name)
        for name in state
        if name.startswith(prefix) and name.endswith(".weight")
    )
    return prod(isqrt(max(shape[0] // shape[1], 1)) for shape in weights if shape)


def tail_reach(scale: int) -> int:
    """Return how many input pixels a pixel behind a `Tail` sees.

    Counted from the output: each 3x3 convolution adds 1, each shuffle divides by its
    factor, rounded up.
    """
    reach = 1
    for factor in reversed(_factors(scale)):
        reach = -(-reach // factor) + 1
    return reach


def last_layer_float32(last: nn.Module, features: Tensor) -> Tensor:
    """Return what the last convolution draws, in float32: it decides about banding."""
    with torch.autocast(features.device.type, enabled=False):
        image: Tensor = last(features.float())
    return image


def _factors(scale: int) -> list[int]:
    twos = (scale & -scale).bit_length() - 1
    rest = scale >> twos
    return [2] * twos + [rest] * (rest > 1)


def initialise(network: nn.Module) -> None:
    """Draw every convolution from He's normal law, and every norm near 0.

    The scales of the batch norms are N(0, 2 / (9 * 64)), cut at +-0.025, and their
    shifts 0; biases of convolutions keep what torch gives them.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, std=sqrt(2 / 9 / 64))
            module.weight.data.clamp_(-0.025, 0.025)
            nn.init.zeros_(module.bias)


def smoothed(image: Tensor, before: int, after: int) -> Tensor:
    """Return means over squares, from `before` pixels before to `after` after."""
    wide = functional.pad(image, (before, after, before, after), mode="replicate")
    return functional.avg_pool2d(wide, before + after + 1, 1)
