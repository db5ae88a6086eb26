"""MemNet, whose weights tell what goes in and what comes out."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from w2s_cli.networks.memnet import MemNet
from w2s_cli.networks.rebuild import input_units, rebuild

Random = Callable[..., Any]


def test_memnet_adds_its_input(random_network: Random) -> None:
    network = random_network(MemNet, 1, 4, 3, 2)
    nn.init.zeros_(network.reconstructor.conv.weight)
    image = torch.rand(1, 1, 16, 17)
    assert torch.equal(network(image), image)


def test_gates_of_memnet_see_all_that_came_before(random_network: Random) -> None:
    width, memories, residuals = 4, 3, 2
    network = random_network(MemNet, 1, width, memories, residuals)
    seen: list[int] = []
    for memory in network.dense_memory:
        memory.gate_unit.register_forward_hook(
            lambda _, inputs, __: seen.append(inputs[0].shape[1])
        )
    network(torch.rand(1, 1, 16, 17))
    assert seen == [(residuals + earlier + 1) * width for earlier in range(memories)]


def _passing(kept: float, mean: float) -> Any:
    """Return a MemNet that adds `(kept - 1) * input` to its input, for inputs > 0."""
    network: Any = MemNet(1, 1, 1, 1).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            module.eps = 0
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight)
    extract = network.feature_extractor
    extract.bn.running_mean.fill_(mean)
    extract.bn.running_var.fill_(0.01)
    nn.init.constant_(extract.bn.weight, 0.1)
    nn.init.constant_(extract.bn.bias, mean)
    centre = (0, 0, 1, 1)
    extract.conv.weight.data[centre] = 1
    network.dense_memory[0].gate_unit.conv.weight.data[0, 1] = 1
    network.reconstructor.conv.weight.data[centre] = kept - 1
    return network


@pytest.mark.parametrize(
    ("kept", "predicts"), [(1.0, "image"), (0.9, "image"), (0.1, "noise"), (0, "noise")]
)
def test_memnet_tells_noise_from_image(kept: float, predicts: str) -> None:
    network = _passing(kept, mean=1.0)
    image = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(network(image), kept * image)
    again = rebuild(network.state_dict())
    assert again.predicts == predicts
    assert isinstance(again, nn.Module)
    assert again.training


@pytest.mark.parametrize(
    ("mean", "variance", "units"),
    [
        (0.0, 1.0, "z"),
        (0.01, 1.14, "z"),
        (0.0, 1.5e-5, "z/255"),
        (1e-4, 1.7e-5, "z/255"),
        (0.2, 0.02, "unit"),
        (0.429, 0.065, "unit"),
        (0.1, 0.003, "unit"),
        (-0.3, 0.02, "centred"),
        (-0.07, 0.065, "centred"),
        (0.9, 0.2, None),
        (float("nan"), 1e-3, None),
    ],
)
def test_memnet_tells_its_units(
    mean: float, variance: float, units: str | None
) -> None:
    network = MemNet(1, 2, 1, 1)
    network.get_buffer("feature_extractor.bn.running_mean").fill_(mean)
    network.get_buffer("feature_extractor.bn.running_var").fill_(variance)
    assert input_units(network.state_dict()) == units


@pytest.mark.parametrize("variant", ["dncnn", "n2n-unet"])
def test_other_networks_tell_no_units(network: Any) -> None:
    assert input_units(network.state_dict()) is None


def test_alien_tensors_tell_no_units() -> None:
    assert input_units({"odd": torch.zeros(1)}) is None
