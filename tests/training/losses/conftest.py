"""Batches, and recipes that see with a VGG-16 of random weights."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from w2s_cli.networks.vgg import VGG
from w2s_cli.training.recipe import Recipe, UnitName
from w2s_cli.training.recipe_tables import Features
from w2s_cli.training.training_batch import Batch
from w2s_cli.weights import checkpoint

# Of truth, dark and bright: photons, z-scores, those over 255, 8-bit counts over 255
SPANS: dict[UnitName, tuple[float, float]] = {
    "root": (0, 200),
    "z": (-1, 1.5),
    "z/255": (-1 / 255, 1.5 / 255),
    "unit": (0, 1),
    "centred": (-0.5, 0.5),
}


@pytest.fixture
def batch_of() -> Callable[..., Batch]:
    def batch_of(units: UnitName = "unit", side: int = 24) -> Batch:
        random = torch.Generator().manual_seed(1)
        dark, bright = SPANS[units]
        truth = dark + (bright - dark) * torch.rand(2, 1, side, side, generator=random)
        lift = torch.full((2, 1, 1, 1), 0.375 if units == "root" else 0.0)
        return Batch(truth, truth, torch.ones_like(truth).bool(), lift, units)

    return batch_of


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vgg") / "vgg16.safetensors"
    torch.manual_seed(0)
    network = VGG(16)
    for layer in network.features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)  # features neither fade nor grow
    checkpoint.save(path, network.state_dict(), {})
    return path


@pytest.fixture
def recipe_of(weights: Path) -> Callable[..., Recipe]:
    def recipe_of(*losses: str, **features: object) -> Recipe:
        chosen: dict[str, object] = {
            "weights": str(weights),
            "layers": {"conv1_2": 0.5, "conv2_2": 2.0},
            "texture": "conv2_1",
        }
        seen = Features(**(chosen | features))  # type: ignore[arg-type]
        return Recipe("test", loss=dict.fromkeys(losses, 1.0), features=seen)

    return recipe_of
