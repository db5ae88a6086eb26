from pathlib import Path

import pytest
import torch

from w2s_cli.assets import checkpoint
from w2s_cli.errors import WeightsError
from w2s_cli.methods.choice import method_for
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.unet import UNet


def test_the_method_is_what_the_weights_are_for(tmp_path: Path) -> None:
    files = {
        "denoise": (UNet(4, 1, 1), {"expects": "counts"}),
        "jdsr": (UNet(4, 1, 1, 2), {"expects": "counts"}),
        "dncnn": (DnCNN(width=4, depth=3), {"units": "z"}),
    }
    paths = {name: tmp_path / f"{name}.safetensors" for name in files}
    for name, (network, record) in files.items():
        checkpoint.save(paths[name], network.state_dict(), record)
        assert method_for([paths[name]]) == name
    assert method_for([]) == "jdsr"
    assert method_for([paths["dncnn"], paths["jdsr"]]) == "dncnn+jdsr"


def test_weights_of_no_network(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, {"a": torch.ones(2)}, {})
    with pytest.raises(WeightsError, match="belongs to no network that w2s knows"):
        method_for([path])
