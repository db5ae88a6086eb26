"""Checkpoints as they are published: state dicts, wrappers, and whole modules."""

import io
import sys
import textwrap
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from w2s_cli.weights import checkpoint
from w2s_cli.weights.cache import sha256_of

# A package like the one that the W2S authors' files were pickled from.
SOURCE = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3)
        self.act = nn.LeakyReLU(0.2, inplace=True)

class RRDBNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(1, 2, 3, bias=False)
        self.body = nn.Sequential(Block(), nn.BatchNorm2d(2), Block())
        self.shared = self.body[0]
        self.gamma = nn.Parameter(torch.ones(1))
        self.register_buffer("kept", torch.arange(3.0))
        self.register_buffer("passing", torch.zeros(3), persistent=False)
        self.register_buffer("none", None)
        self.operation_function = self.operate

    def operate(self, image):
        return image
"""
KINDS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


def saved(content: object, *, zipped: bool = True) -> bytes:
    out = io.BytesIO()
    torch.save(content, out, _use_new_zipfile_serialization=zipped)
    return out.getvalue()


def same(found: Any, wanted: Any) -> bool:
    return [*found] == [*wanted] and all(
        found[name].dtype == wanted[name].dtype and torch.equal(found[name], it)
        for name, it in wanted.items()
    )


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ConvTranspose2d(3, 1, 2)
    )


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """A network of a class that will be gone when its file is read."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "__init__.py").touch()
    (tmp_path / "model" / "RRDB.py").write_text(textwrap.dedent(SOURCE))
    monkeypatch.syspath_prepend(tmp_path)
    import model.RRDB  # type: ignore[import-not-found]

    torch.manual_seed(0)
    made: nn.Module = model.RRDB.RRDBNet()
    return made


def forget(name: str) -> None:
    for module in [it for it in sys.modules if it.split(".")[0] == name]:
        del sys.modules[module]


@KINDS
def test_the_whole_module_of_the_w2s_authors(
    zipped: bool,
    theirs: nn.Module,
    load,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    content = {"epoch": 48, "model": nn.DataParallel(theirs), "name": "ours"}
    raw = saved(content, zipped=zipped)
    wanted = theirs.state_dict()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    forget("model")
    loaded = load(raw)
    assert b"RRDBNet" in raw
    assert b"getattr" in raw
    assert same(loaded.state, wanted)
    assert loaded.container == ("torch zip" if zipped else "torch legacy")
    assert loaded.wrapper == "model DataParallel RRDBNet"
    assert loaded.record == {}


@KINDS
@pytest.mark.parametrize(
    ("wrap", "wrapper"),
    [
        (lambda it: it, ""),
        (lambda it: {"params": it}, "params"),
        (lambda it: {"params": dict.fromkeys(it, torch.zeros(1)), "params_ema": it},
         "params_ema"),
        (lambda it: {"best": torch.ones(1), "state_dict": it}, "state_dict"),
        (lambda it: {"model": {"state_dict": it}, "lr": 1e-4}, "model state_dict"),
        (lambda it: {"network": {"a": torch.ones(1)}, "average": it}, "average"),
        (lambda it: {"generator": it, "settings": {"n": [1, (2, None)]}}, "generator"),
        (lambda it: {f"module.{name}": tensor for name, tensor in it.items()}, ""),
        (lambda it: {f"module._orig_mod.{n}": tensor for n, tensor in it.items()}, ""),
        (lambda it: OrderedDict(it), ""),
    ],
)  # fmt: skip
def test_wrappers_and_prefixes(wrap: Any, wrapper: str, zipped: bool, load) -> None:
    wanted = network().state_dict()
    loaded = load(saved(wrap(wanted), zipped=zipped))
    assert same(loaded.state, wanted)
    assert loaded.wrapper == wrapper


def test_only_a_prefix_of_all_names_is_one(load) -> None:
    state = {"module.a": torch.ones(1), "a": torch.zeros(1)}
    assert same(load(saved(state)).state, state)


def test_beside_an_optimiser(load) -> None:
    wanted = network().state_dict()
    moments = {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(3)}}
    optimiser = {"state": moments, "param_groups": [{"params": [0]}]}
    content = {"model": wanted, "optimizer": optimiser}
    assert same(load(saved(content)).state, wanted)


@KINDS
@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1),
        torch.arange(24.0)[5:17:3],
        torch.arange(9).reshape(3, 3).T,
        torch.tensor(3.5),
        torch.tensor([True, False]),
        torch.zeros(0),
        torch.zeros(3, 0),
        torch.ones(2, requires_grad=True),
        nn.Parameter(torch.ones(2)),
        torch.tensor([1, -2], dtype=torch.int8),
        torch.tensor([1, 255], dtype=torch.uint8),
        torch.tensor([1, -2], dtype=torch.int16),
        torch.tensor([1, -2], dtype=torch.int32),
        torch.ones(3, 2).to(memory_format=torch.contiguous_format).t(),
    ],
    ids=str,
)
def test_any_tensor(tensor: Tensor, zipped: bool, load) -> None:
    found = load(saved({"a": tensor}, zipped=zipped)).state["a"]
    assert found.dtype == tensor.dtype
    assert not found.requires_grad
    assert torch.equal(found, tensor)


@KINDS
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_become_float32_or_stay(
    dtype: torch.dtype, zipped: bool, tmp_path: Path
) -> None:
    tensor = torch.linspace(-1, 1, 7, dtype=dtype)
    path = tmp_path / "w.pth"
    path.write_bytes(saved({"a": tensor, "twice": tensor[2:]}, zipped=zipped))
    assert same(
        checkpoint.load(path).state, {"a": tensor.float(), "twice": tensor[2:].float()}
    )
    stored = checkpoint.load(path, as_stored=True).state
    assert same(stored, {"a": tensor, "twice": tensor[2:]})


def test_a_tensor_with_attributes(load) -> None:
    parameter = nn.Parameter(torch.ones(2))
    parameter.layer = "head"  # type: ignore[attr-defined]
    assert torch.equal(load(saved({"a": parameter})).state["a"], torch.ones(2))


def test_a_tensor_with_its_own_bytes(forge, load) -> None:
    """As torch writes types that are newer than its typed storages."""
    tensor = forge.tensor(
        kind=torch.UntypedStorage,
        count=8,
        maker=torch._utils._rebuild_tensor_v3,
        more=(torch.float32,),
    )
    state = load(forge.zipped(forge.pickled(a=tensor), {"0": bytes(8)})).state
    assert torch.equal(state["a"], torch.zeros(2))


def test_pairs_of_python_2(forge, load) -> None:
    class Ordered:
        def __reduce__(self) -> Any:
            return OrderedDict, ([["a", forge.tensor()]],)

    content = forge.zipped(forge.pickled(state_dict=Ordered()), {"0": bytes(8)})
    assert [*load(content).state] == ["a"]


def test_every_protocol(load) -> None:
    wanted = network().state_dict()
    for protocol in range(2, 6):
        out = io.BytesIO()
        torch.save({"state_dict": wanted, "n": {1, 2}}, out, pickle_protocol=protocol)
        assert same(load(out.getvalue()).state, wanted)


def test_without_checksums(load, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = network().state_dict()
    torch.serialization.set_crc32_options(False)
    try:
        raw = saved(wanted)
    finally:
        torch.serialization.set_crc32_options(True)
    assert same(load(raw).state, wanted)


def test_the_digest_is_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(saved(network().state_dict()))
    assert checkpoint.load(path).digest == sha256_of(path)
