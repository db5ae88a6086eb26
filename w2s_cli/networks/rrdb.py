"""Residual-in-residual dense blocks (Wang et al., ECCVW 2018), and their tail."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from w2s_cli.networks.parts import drawn

REACH = 15  # convolutions in a row of one RRDB: three dense blocks of five
_WEIGHT = 0.2  # of every residual


class DenseBlock(nn.Module):
    """Five convolutions, each of all features before it; the last is a residual."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, growth, 3, padding=1)
        self.conv2 = nn.Conv2d(width + growth, growth, 3, padding=1)
        self.conv3 = nn.Conv2d(width + 2 * growth, growth, 3, padding=1)
        self.conv4 = nn.Conv2d(width + 3 * growth, growth, 3, padding=1)
        self.conv5 = nn.Conv2d(width + 4 * growth, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        known = features
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            known = torch.cat([known, leaky(layer(known))], 1)
        return torch.add(features, self.conv5(known), alpha=_WEIGHT)


class RRDB(nn.Sequential):
    """Three dense blocks, together a residual.

    Parameters
    ----------
    width
        Channels of the features.
    growth
        Channels that each convolution adds.
    name
        What the authors call a dense block: its key without the number.
    """

    def __init__(self, width: int, growth: int, name: str) -> None:
        super().__init__()
        for number in (1, 2, 3):
            self.add_module(f"{name}{number}", DenseBlock(width, growth))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        inner = features
        for dense in self:
            inner = dense(inner)
        return torch.add(features, inner, alpha=_WEIGHT)


def leaky(features: Tensor) -> Tensor:
    """Rectify in place, with a slope of 0.2."""
    return functional.leaky_relu(features, 0.2, inplace=True)


def drawn_larger(
    features: Tensor, doubling: Iterable[nn.Module], fine: nn.Module, last: nn.Module
) -> Tensor:
    """Repeat pixels and convolve, once for each of `doubling`; then draw the image."""
    for convolution in doubling:
        repeated = functional.interpolate(features, scale_factor=2, mode="nearest")
        features = leaky(convolution(repeated))
    return drawn(last, leaky(fine(features)))


def larger_reach(doublings: int) -> int:
    """Return how many input pixels to either side `drawn_larger` sees.

    Counted from the output: each convolution adds 1, each repetition halves, rounded
    up.
    """
    reach = 2
    for _ in range(doublings):
        reach = -(-(reach + 1) // 2)
    return reach
