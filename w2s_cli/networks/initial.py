"""The weights that the W2S authors start their denoisers from."""

from math import sqrt

from torch import nn

_NORM_SPREAD, _NORM_LIMIT = sqrt(2 / 9 / 64), 0.025


def initialise(network: nn.Module) -> None:
    """Draw every convolution from He's normal law, and every norm near 0.

    The scales of the batch norms are N(0, 2 / (9 * 64)), cut at +-0.025, and their
    shifts 0; biases of convolutions keep what torch gives them.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, std=_NORM_SPREAD)
            module.weight.data.clamp_(-_NORM_LIMIT, _NORM_LIMIT)
            nn.init.zeros_(module.bias)
