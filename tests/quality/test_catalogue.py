"""The published weights at hand are those that the catalogue describes."""

from pathlib import Path

import pytest

from w2s_cli.networks.rebuild import input_units, recognise
from w2s_cli.weights import checkpoint
from w2s_cli.weights.cache import fetched_path, sha256_of
from w2s_cli.weights.catalogue import find
from w2s_cli.weights.weight_files import Origin, convert

WEIGHTS = Path(__file__).parents[3] / "shared" / "weights"
NAMES = ("dncnn-fmd", "n2n-fmd", "dncnn-natural", "memnet-natural", "dncnn-kair-25")

pytestmark = [
    pytest.mark.quality,
    pytest.mark.skipif(not WEIGHTS.is_dir(), reason="published weights are not here"),
]


@pytest.mark.parametrize("name", NAMES)
def test_published_weights(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path))
    item, path = find(name), fetched_path(name, folder=WEIGHTS)
    assert path.stat().st_size == item.size
    state = checkpoint.load(path).state
    row = recognise(state)
    assert row is not None
    assert row.name == item.network
    assert input_units(state) in {None, item.units}


def test_parameters_of_niqe(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path))
    assert fetched_path("niqe", folder=WEIGHTS).stat().st_size == find("niqe").size


@pytest.mark.parametrize("name", NAMES)
def test_a_published_file_keeps_its_units(name: str, tmp_path: Path) -> None:
    [source] = [
        path for path in WEIGHTS.glob("*.pth") if sha256_of(path) == find(name).sha256
    ]
    convert(source, target := tmp_path / "w.safetensors", Origin())
    assert checkpoint.load(target).record["units"] == find(name).units
