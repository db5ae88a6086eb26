"""Checkpoints that were published, read as torch reads them."""

from pathlib import Path

import pytest
import torch

from w2s_cli.networks.rebuild import describe
from w2s_cli.weights import checkpoint

WEIGHTS = Path(__file__).parents[3] / "shared" / "weights"

pytestmark = pytest.mark.quality


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("dncnn_sigma55", "dncnn"),
        ("fmd_dncnn", "dncnn"),
        ("kair_dncnn_25", "dncnn"),
        ("fmd_n2n_unet", "n2n-unet"),
        ("memnet_sigma55", "memnet"),
    ],
)
def test_published_checkpoints(name: str, network: str) -> None:
    path = WEIGHTS / f"{name}.pth"
    if not path.is_file():
        pytest.skip(f"{path.name} is not here")
    theirs = torch.load(path, weights_only=True, map_location="cpu")
    ours = checkpoint.load(path)
    known = describe(ours.state)
    assert known
    assert known.name == network
    assert [*ours.state] == [key.removeprefix("module.") for key in theirs]
    for tensor, wanted in zip(ours.state.values(), theirs.values(), strict=True):
        assert tensor.dtype == wanted.dtype
        assert torch.equal(tensor, wanted)
