"""RIDNet, and how the denoisers of W2S start."""

from collections.abc import Callable
from functools import partial
from math import sqrt
from typing import Any

import pytest
import torch
from torch import nn

from w2s_cli.networks.parts import initialise
from w2s_cli.networks.ridnet import RIDNet


@pytest.mark.parametrize(
    ("channels", "colour"),
    [(1, (0.42997,)), (2, (0.42997, 0.42997)), (3, (0.4488, 0.4371, 0.4040))],
)
def test_ridnet_shifts_by_the_mean_colour(
    channels: int, colour: tuple[float, ...]
) -> None:
    network = RIDNet(channels, 2, 1, 1)
    for parameter in network.tail.parameters():
        nn.init.zeros_(parameter)
    image = torch.rand(1, channels, 4, 4)
    shift = torch.tensor(colour)[:, None, None]
    close = partial(torch.testing.assert_close, rtol=0, atol=1e-5)
    close(network(image), image + shift)
    close(network.sub_mean(image), image - shift)


def test_ridnet_dilates_its_branches() -> None:
    merge = RIDNet(1, 2, 1, 1).get_submodule("b1.r1")
    convs = [module for module in merge.modules() if isinstance(module, nn.Conv2d)]
    assert [conv.dilation[0] for conv in convs] == [1, 2, 3, 4, 1]


def test_ridnet_attends_to_means_over_the_image(
    random_network: Callable[..., Any],
) -> None:
    network = random_network(RIDNet, 1, 8, 2, 2)
    image = torch.rand(1, 1, 160, 160)
    other = image.clone()
    other[..., :8] += 1
    assert network.whole
    change = (network(other) - network(image)).abs()
    assert change[..., -1].min() > 0


def test_denoisers_start_as_those_of_w2s() -> None:
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(64, 64, 3), nn.BatchNorm2d(4000)
    initialise(nn.Sequential(conv, norm))
    assert conv.weight.std().item() == pytest.approx(sqrt(2 / (64 * 9)), rel=0.02)
    assert norm.weight.abs().max().item() == pytest.approx(0.025)
    assert norm.weight.mean().item() == pytest.approx(0, abs=0.002)
    # Of N(0, 0.0589) two thirds lie beyond the limits.
    cut = (norm.weight.abs() > 0.02499).float().mean().item()
    assert cut == pytest.approx(0.67, abs=0.03)
    assert not norm.bias.any()
