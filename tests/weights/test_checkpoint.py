from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from w2s_cli.errors import WeightsError
from w2s_cli.weights import checkpoint


def test_tensors_and_record_come_back(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    state = {"a": torch.arange(6.0).reshape(2, 3)}
    checkpoint.save(path, state, {"name": "mine", "seen": {"sigma": 2}})
    loaded = checkpoint.load(path)
    assert torch.equal(loaded.state["a"], state["a"])
    # The key had another name once, and weights of that time are still about.
    assert loaded.record == {"name": "mine", "trained_on": {"sigma": 2}}
    assert loaded.digest == sha256(path.read_bytes()).hexdigest()
    assert [*tmp_path.iterdir()] == [path]


def test_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights at"):
        checkpoint.load(tmp_path / "none.safetensors")


def test_truncated_weights(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    checkpoint.save(path, {"a": torch.zeros(100)}, {})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(WeightsError, match="not a whole safetensors file"):
        checkpoint.load(path)


def test_weights_without_record(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file({"a": torch.ones(1)}, path)
    loaded = checkpoint.load(path)
    assert loaded.record == {}
    assert loaded.container == "safetensors"
    assert torch.equal(loaded.state["a"], torch.ones(1))


def test_floats_are_halved_or_not_and_integers_stay(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    third = torch.tensor([1 / 3])
    state = {"a": third, "twice": third, "n": torch.tensor(70001)}
    checkpoint.save(path, state, {})
    assert checkpoint.load(path, as_stored=True).state["a"].dtype == torch.float16
    assert torch.equal(checkpoint.load(path).state["a"], third.half().float())
    checkpoint.save(path, state, {}, halve=False)
    loaded = checkpoint.load(path, as_stored=True).state
    assert all(torch.equal(loaded[name], state[name]) for name in state)
    assert checkpoint.load(path).state["n"].dtype == torch.int64


@pytest.mark.parametrize("name", ["denoise", "jdsr", "denoise-fast", "jdsr-fast"])
def test_shipped_weights_are_small_and_say_what_they_are(name: str) -> None:
    path = checkpoint.shipped(name)
    loaded = checkpoint.load(path)
    assert path.stat().st_size <= 10e6
    assert loaded.record["name"] == name
    assert loaded.record["licence"]
    assert all(tensor.isfinite().all() for tensor in loaded.state.values())
