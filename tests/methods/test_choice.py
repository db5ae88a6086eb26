from dataclasses import replace
from pathlib import Path

import pytest
import torch

from w2s_cli.errors import WeightsError
from w2s_cli.methods.build import method_for_weights
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.unet import UNet
from w2s_cli.training.recipe import load
from w2s_cli.weights import checkpoint


def test_the_method_is_what_the_weights_are_for(tmp_path: Path) -> None:
    files = {
        "denoise": (UNet(4, 1, 1), {"expects": "counts"}),
        "jdsr": (UNet(4, 1, 1, 2), {"expects": "counts"}),
        "dncnn": (DnCNN(width=4, depth=3), {"units": "z"}),
    }
    paths = {name: tmp_path / f"{name}.safetensors" for name in files}
    for name, (network, record) in files.items():
        checkpoint.save(paths[name], network.state_dict(), record)
        assert method_for_weights([paths[name]]) == name
    assert method_for_weights([]) == "jdsr"
    assert method_for_weights([paths["dncnn"], paths["jdsr"]]) == "dncnn+jdsr"


@pytest.mark.parametrize("method", ["n2sr", "n2v", "n2s", "n2n"])
def test_what_learned_alone_is_known_under_any_name(
    tmp_path: Path, method: str
) -> None:
    recipe = replace(load(method), name="mine")
    network = UNet(4, 1, 1, 2 if method == "n2sr" else 1)
    path = tmp_path / "mine.safetensors"
    checkpoint.save(
        path, network.state_dict(), {"expects": "counts", "recipe": recipe.as_dict()}
    )
    assert method_for_weights([path]) == method


def test_weights_of_no_network(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, {"a": torch.ones(2)}, {})
    with pytest.raises(WeightsError, match="belongs to no network that w2s knows"):
        method_for_weights([path])
