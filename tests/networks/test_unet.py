from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch

from w2s_cli.errors import WeightsError
from w2s_cli.networks import NETWORKS
from w2s_cli.networks.rebuild import rebuild
from w2s_cli.networks.unet import UNet

Random = Callable[..., Any]

VARIANTS = [*product((4, 8), (1, 2, 3), (1, 2), (1, 2))]


@pytest.mark.parametrize("variant", VARIANTS)
def test_network_survives_its_state_dict(
    variant: tuple[int, ...], random_network: Random
) -> None:
    network = random_network(UNet, *variant)
    again = rebuild(network.state_dict())
    image = torch.rand(2, 1, 16, 24)
    torch.testing.assert_close(again(image), network(image))
    assert (again.scale, again.margin) == (network.scale, network.margin)


@pytest.mark.parametrize("variant", [(4, 1, 1, 1), (4, 3, 2, 1), (4, 3, 1, 2)])
def test_margin_covers_what_a_pixel_sees(
    variant: tuple[int, ...], random_network: Random
) -> None:
    network, side = random_network(UNet, *variant), 160
    middle = side // 2
    image = torch.rand(1, 1, side, side)
    reach = network.margin
    other = torch.rand_like(image)
    near = slice(middle - reach, middle + reach + 1)
    other[..., near, near] = image[..., near, near]
    at = middle * network.scale
    torch.testing.assert_close(network(image)[..., at, at], network(other)[..., at, at])


@pytest.mark.parametrize("scale", [1, 2])
def test_untrained_network_adds_nothing(scale: int) -> None:
    flat = torch.full((1, 1, 16, 16), 3.5)
    with torch.inference_mode():
        assert torch.equal(UNet(8, 2, 1, scale)(flat).unique(), torch.tensor([3.5]))


def test_strange_tensors_belong_to_no_network() -> None:
    with pytest.raises(WeightsError, match=r"1 tensors .* 'odd'") as caught:
        rebuild({"odd": torch.zeros(1)})
    assert all(entry.name in caught.value.hint for entry in NETWORKS)
