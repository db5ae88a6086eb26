"""The network that is told of noise and blur."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from w2s_cli.networks import NETWORKS
from w2s_cli.networks.inference import gflop
from w2s_cli.networks.rebuild import Network, rebuild, recognise
from w2s_cli.networks.unet import ConditionalUNet

Random = Callable[..., Any]

VARIANTS: dict[str, dict[str, Any]] = {
    "x1": {"widths": (4, 6), "blocks": (1, 2), "conditions": 5, "code": 3},
    "x1/deep": {"widths": (4, 5, 7), "blocks": (2, 1, 3), "conditions": 2, "code": 4},
    "x2": {
        **{"widths": (4, 6, 8), "blocks": (1, 1, 2), "conditions": 11},
        **{"scale": 2, "fine": 5, "fine_blocks": 2, "code": 3},
    },
}
# What a 512 x 512 image may cost: see the recipes.
SHIPPED: dict[str, tuple[dict[str, Any], float]] = {
    "denoise": ({"widths": (48, 96, 160), "blocks": (1, 1, 4)}, 40),
    "denoise-fast": ({"widths": (24, 48, 80), "blocks": (1, 1, 3)}, 10),
    "jdsr": (
        {"widths": (48, 96, 160), "blocks": (1, 1, 4), "conditions": 11, "scale": 2},
        60,
    ),
    "jdsr-fast": (
        {
            **{"widths": (24, 48, 80), "blocks": (1, 1, 3), "conditions": 11},
            **{"scale": 2, "fine": 16},
        },
        15,
    ),
}


@pytest.fixture(params=VARIANTS)
def network(request: pytest.FixtureRequest, random_network: Random) -> Any:
    return random_network(lambda: ConditionalUNet(**VARIANTS[request.param]))


def planes(network: Any, side: int) -> torch.Tensor:
    """Draw stabilised counts, a mask and constants."""
    image = torch.rand(2, network.channels, side, side) * 5
    image[:, 1] = (image[:, 1] > 4.5).float()
    image[:, 2:] = image[:, 2:, :1, :1] / 5
    return image


def test_survives_its_state_dict(network: Any) -> None:
    again = rebuild(network.state_dict())
    assert isinstance(again, Network)
    image = planes(network, 32)
    expected = network(image)
    side = 32 * network.scale
    assert expected.shape == (2, network.outputs, side, side)
    torch.testing.assert_close(again(image), expected)
    for trait in ("scale", "margin", "multiple_of", "channels", "outputs"):
        assert getattr(again, trait) == getattr(network, trait)


def test_is_taken_for_no_other(network: Any) -> None:
    state = network.state_dict()
    found = [row.name for row in NETWORKS if row.load().detect(state)]
    assert found == ["conditional-unet"]


def test_with_a_tensor_missing_or_strange_is_unknown(network: Any) -> None:
    state = network.state_dict()
    for missing in state:
        assert recognise({key: state[key] for key in state if key != missing}) is None
    for shape in ((), (0,), (3,), (2, 3), (7, 1, 3, 3)):
        assert recognise(dict.fromkeys(state, torch.zeros(shape))) is None


def test_margin_covers_what_a_pixel_sees(network: Any) -> None:
    side = 2 * network.margin + 64
    side += -side % network.multiple_of
    middle, reach = side // 2, network.margin
    image = planes(network, side)[:1]
    other = image.clone()
    other[:, :2] = torch.rand_like(other[:, :2])
    near = slice(middle - reach, middle + reach + 1)
    other[..., near, near] = image[..., near, near]
    at = middle * network.scale
    torch.testing.assert_close(network(image)[..., at, at], network(other)[..., at, at])


def test_shift_by_its_multiple_shifts_the_output(network: Any) -> None:
    side = 2 * network.margin + 64
    side += -side % network.multiple_of
    image, fold = planes(network, side)[:1], network.multiple_of
    moved = image.roll((fold, fold), (2, 3))
    at, scale = side // 2, network.scale
    torch.testing.assert_close(
        network(image)[..., at * scale, at * scale],
        network(moved)[..., (at + fold) * scale, (at + fold) * scale],
    )


@pytest.mark.parametrize("scale", [1, 2])
def test_untrained_network_adds_nothing(scale: int) -> None:
    network = ConditionalUNet((4, 6), (1, 1), 3, scale, 4)
    flat = torch.full((1, 5, 32, 32), 3.5)
    with torch.inference_mode():
        torch.testing.assert_close(
            network(flat), torch.full((1, scale, 32 * scale, 32 * scale), 3.5)
        )


def test_conditions_count(network: Any) -> None:
    image = planes(network, 32)
    other = image.clone()
    other[:, 2] += 1
    assert not torch.equal(network(image), network(other))


def test_bright_light_keeps_its_precision(network: Any) -> None:
    """Of a root of 632, bfloat16 knows two digits; the output must keep all."""
    image = planes(network, 64)
    image[:, 0] += 627
    expected = network(image)
    network.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        found = network(image.contiguous(memory_format=torch.channels_last))
    assert found.dtype == torch.float32
    spread = (expected - 632).abs().max()
    assert (found - expected).abs().max() < 0.05 * max(float(spread), 5.0)


def test_learns_with_all_its_weights(network: Any) -> None:
    network.train().requires_grad_()
    network(planes(network, 32)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("name", SHIPPED)
def test_work_is_within_its_limit(name: str) -> None:
    options, limit = SHIPPED[name]
    assert gflop(ConditionalUNet(**options), 512, 512) <= limit
