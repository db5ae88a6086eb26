"""The networks that judge images."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from w2s_cli.errors import WeightsError
from w2s_cli.networks import DISCRIMINATORS
from w2s_cli.networks.discriminators import UNetDiscriminator, VGGDiscriminator
from w2s_cli.networks.rebuild import rebuild, recognise

Random = Callable[..., Any]


def test_discriminator_survives_its_state_dict(
    judge: Any, image_for: Callable[[Any], Tensor]
) -> None:
    state = judge.state_dict()
    row = recognise(state, DISCRIMINATORS)
    assert row is not None
    again = row.load().from_state_dict(state).eval()
    image = image_for(judge)
    torch.testing.assert_close(again(image), judge(image))


def test_discriminator_restores_nothing(judge: Any) -> None:
    with pytest.raises(WeightsError, match="belong to no known network"):
        rebuild(judge.state_dict())


def test_vgg_discriminator_scores_images(random_network: Random) -> None:
    network = random_network(VGGDiscriminator, 3, 3, 32, 7)
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 1)
    strides = [m.stride[0] for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert strides == [1, 2] * 5


def test_unet_discriminator_scores_pixels(random_network: Random) -> None:
    network = random_network(UNetDiscriminator, 3, 2)
    assert network(torch.rand(2, 3, 16, 24)).shape == (2, 1, 16, 24)


def test_weights_of_unet_discriminator_stretch_nothing() -> None:
    network = UNetDiscriminator(1, 4).requires_grad_(False)
    for _ in range(60):
        network(torch.rand(1, 1, 8, 8))
    for number in range(1, 9):
        weight = network.get_submodule(f"conv{number}").weight
        assert isinstance(weight, Tensor)
        largest = torch.linalg.matrix_norm(weight.flatten(1), 2).item()
        assert largest == pytest.approx(1, abs=0.02)


def test_skips_of_unet_discriminator_add(random_network: Random) -> None:
    network = random_network(UNetDiscriminator, 1, 3)
    for number in (4, 5, 6):
        layer = network.get_submodule(f"conv{number}")
        layer.register_forward_hook(lambda _, __, output: torch.zeros_like(output))
    image = torch.rand(1, 1, 16, 24)
    here = leaky_relu(network.conv0(image), 0.2)
    for layer in (network.conv7, network.conv8):
        here = leaky_relu(layer(here), 0.2)
    torch.testing.assert_close(network(image), network.conv9(here))
