"""`w2s blend`: a network between two."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from w2s_cli.networks.unet import UNet
from w2s_cli.weights import checkpoint


def _network(path: str, seed: int, record: Mapping[str, Any], width: int = 4) -> None:
    torch.manual_seed(seed)
    state = UNet(width, 1, 1).state_dict()
    drawn = {name: torch.rand_like(tensor) for name, tensor in state.items()}
    checkpoint.save(Path(path), drawn, record, halve=False)


def test_every_weight_is_the_mean(w2s, here: Path) -> None:
    _network("a.safetensors", 1, {"name": "pixels", "units": "z"})
    _network("b.safetensors", 2, {"name": "gan", "units": "z"})
    done = w2s(
        "blend", "a.safetensors", "b.safetensors", "-o", "c.safetensors", "--share=0.2"
    )
    assert done.exit_code == 0
    assert "0.8 of a.safetensors + 0.2 of b.safetensors -> c.safetensors" in done.stderr
    a, b, c = (checkpoint.load(Path(f"{name}.safetensors")) for name in "abc")
    for name, tensor in c.state.items():
        expected = 0.8 * a.state[name] + 0.2 * b.state[name]
        torch.testing.assert_close(tensor, expected)
    assert c.record["units"] == "z"
    assert [part["name"] for part in c.record["blended"]] == ["pixels", "gan"]
    assert c.record["blended"][1]["sha256"] == b.digest


def test_what_cannot_be_blended(w2s, here: Path) -> None:
    _network("a.safetensors", 1, {"units": "z"})
    _network("b.safetensors", 2, {"units": "unit"})
    _network("wide.safetensors", 2, {"units": "z"}, width=8)
    done = w2s("blend", "a.safetensors", "b.safetensors", "-o", "c.safetensors", code=5)
    assert "a.safetensors takes z, b.safetensors unit" in done.stderr
    done = w2s("blend", "a.safetensors", "wide.safetensors", "-o", "c.safetensors")
    assert done.exit_code == 5
    assert "not of one network: they differ in body.down.0.first.bias" in done.stderr
    done = w2s(
        "blend", "a.safetensors", "a.safetensors", "-o", "c.safetensors", "--share=2"
    )
    assert done.exit_code == 2
    assert "the share of a.safetensors is from 0 to 1, not 2" in done.stderr
    assert not Path("c.safetensors").exists()
