from pathlib import Path

import numpy as np
import pytest
import torch

from w2s_cli.errors import WeightsError
from w2s_cli.networks.vgg import VGG
from w2s_cli.weights import checkpoint


def test_features_are_those_of_the_network_after_its_rectifiers(tmp_path: Path) -> None:
    network = VGG(16)
    torch.save(network.state_dict(), tmp_path / "vgg.pth")
    image = np.random.default_rng(0).random((32, 48))
    state = checkpoint.load(tmp_path / "vgg.pth").state
    found = VGG.from_state_dict(state).rectified(image)
    assert [layer.shape for layer in found] == [
        (64, 32, 48),
        (128, 16, 24),
        (256, 8, 12),
        (512, 4, 6),
        (512, 2, 3),
    ]
    with torch.inference_mode():
        expected = network(torch.from_numpy(image.astype(np.float32))[None, None])
    for layer, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(layer, other[0].clamp(0).numpy())


def test_other_weights(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(3)}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="neither VGG-16 nor VGG-19"):
        VGG.from_state_dict(checkpoint.load(tmp_path / "w.pth").state)
