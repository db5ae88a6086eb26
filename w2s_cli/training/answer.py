"""A network as a training sees it."""

from typing import Any

from torch import Tensor, nn


class Answer(nn.Module):
    """Gray images in, clean ones out: one, or all that the network gives on its way.

    A network for colours gets the same image in each, and the mean of what it gives is
    taken; one that predicts the noise has it subtracted.

    Parameters
    ----------
    network
        One of `w2s_cli.networks.rebuild.Network`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map (N, 1, Y, X) to a list of (N, 1, Y * scale, X * scale), in float32.

        The last is what the network gives at work; there are others while it trains
        where it has an `every_step`.
        """
        network: Any = self.network
        seen = image.expand(-1, network.channels, -1, -1)
        on_its_way = self.training and hasattr(network, "every_step")
        made = network.every_step(seen) if on_its_way else [network(seen)]
        if network.predicts == "noise":
            made = [seen - noise for noise in made]
        return [one.float().mean(1, keepdim=True) for one in made]
