"""onnxruntime makes of an image what torch does, and is all that it takes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import w2s_cli as w2s
from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError, WeightsError
from w2s_cli.methods import OWN, error_estimate, onnx_engine, torch_engine
from w2s_cli.networks.error_network import ErrorNetwork
from w2s_cli.networks.unet import UNet
from w2s_cli.weights import checkpoint
from w2s_cli.weights.catalogue import SHIPPED

NEAR = 1e-4  # of the noise, which has a standard deviation of 1 in stabilised counts
SIZES = ((64, 64), (16, 144), (80, 48))


@pytest.fixture
def needed() -> None:
    pytest.importorskip("onnxruntime", reason="of the extra `export`, or w2s-lite")


def noisy(rng: np.random.Generator, *shape: int) -> FloatArray:
    return rng.uniform(1, 60, shape).astype(np.float32)


def test_the_graphs_are_of_the_networks_that_ship() -> None:
    known = json.loads((onnx_engine.GRAPHS / "graphs.json").read_text())
    for name in OWN:
        state = checkpoint.load(checkpoint.shipped(name)).state
        shapes = {key: [*tensor.shape] for key, tensor in state.items()}
        assert known[name]["tensors"] == shapes, "run: python .ci/graphs.py"


@pytest.mark.parametrize("name", OWN)
def test_networks_give_the_same_at_every_size(needed: None, name: str) -> None:
    path, rng = SHIPPED / f"{name}.safetensors", np.random.default_rng(0)
    one, other = (
        made.open_network(path, "cpu") for made in (torch_engine, onnx_engine)
    )
    for fact in ("scale", "margin", "multiple_of", "whole", "channels", "conditions"):
        assert getattr(one.network, fact) == getattr(other.network, fact)
    assert (one.digest, one.record) == (other.digest, other.record)
    for shape in SIZES:
        planes = noisy(rng, 2, one.network.channels, *shape)
        planes[:, 1:] /= 60  # the mask, and numbers told
        expected = torch_engine.forward_planes(one.network, planes, "cpu", "fp32")
        found = onnx_engine.forward_planes(other.network, planes, "cpu", "fp32")
        assert np.abs(found - expected).max() < NEAR


def test_standard_errors_are_the_same_at_every_size(needed: None) -> None:
    path, rng = SHIPPED / "errors.safetensors", np.random.default_rng(0)
    engines = (torch_engine, onnx_engine)
    (one, *told), (other, *also) = (made.open_errors(path, "cpu") for made in engines)
    assert told == also
    assert {*one} == {*other} == {1, 2}
    for scale in one:
        for y, x in ((64, 64), (16, 144), (80, 48)):
            planes = noisy(rng, 2, 1, y, x), noisy(rng, 2, 1, y * scale, x * scale)
            values = (1.2, 0.3, rng.normal(size=(7, 5)), 0.1, 2.0)
            numbers = [np.array(value, np.float32) for value in values]
            expected, found = (run[scale](*planes, *numbers) for run in (one, other))
            assert found == pytest.approx(expected, rel=NEAR)


def test_the_estimate_knows_what_its_network_takes() -> None:
    assert ErrorNetwork.margin == error_estimate.MARGIN
    assert ErrorNetwork.multiple_of == error_estimate.STEP


def test_other_weights_are_refused(needed: None, tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    checkpoint.save(path, UNet(4, 2, 1, 1).state_dict(), {"expects": "counts"})
    with pytest.raises(UsageError, match="is of a network that only PyTorch runs"):
        onnx_engine.open_network(path, "cpu")
    path.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="no safetensors file that can be read"):
        onnx_engine.open_network(path, "cpu")
    with pytest.raises(WeightsError, match=r"no weights at .*missing"):
        onnx_engine.open_network(tmp_path / "missing", "cpu")


WITHOUT_TORCH = """
import json, sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name="torch")

sys.meta_path.insert(0, Without())
"""

RESTORE = """
import numpy as np, w2s_cli as w2s
from w2s_cli.methods import METHODS
from w2s_cli.errors import UsageError

image = w2s.imread("cell.tif")
found = w2s.restore(image, "jdsr-fast", uncertainty=True)
np.savez("found.npz", found.image.data[()], found.error.data[()])
refused = []
for row in METHODS:
    try:
        row.load()
    except UsageError as error:
        if "PyTorch" in str(error):
            refused.append(row.name)
assert refused == [row.name for row in METHODS if row.needs_torch], refused
print(json.dumps(found.record["links"]))
"""


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> w2s.Stack:
    monkeypatch.chdir(tmp_path)
    counts = np.random.default_rng(0).poisson(40, (96, 80)).astype(np.uint16) + 100
    w2s.imwrite("cell.tif", w2s.Stack(counts, "YX"))
    return w2s.imread("cell.tif")


REFUSED = {
    "--method n2sr": "n2sr needs PyTorch, which is not installed",
    "--device cuda": "--device cuda needs PyTorch, which is not installed",
    "--precision bf16": "--precision bf16 needs PyTorch, which is not installed",
}
COMMANDS = f"""
from typer.testing import CliRunner
from w2s_cli.cli import app, main

for words in {[*REFUSED]}:
    line = ["restore", "cell.tif", "-o", "out.tif", *words.split()]
    done = CliRunner().invoke(app, line, catch_exceptions=False)
    print(json.dumps([done.exit_code, done.stderr]))
print(CliRunner().invoke(app, ["methods", "n2sr"]).stdout)
sys.argv[1:] = ["inspect", "net.safetensors"]
main()
"""


def test_all_that_is_shipped_runs_without_torch(needed: None, cell: w2s.Stack) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH + RESTORE + COMMANDS],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: this needs PyTorch, which is not installed")
    links, *commands = done.stdout.splitlines()
    for said, line in zip(REFUSED.values(), commands, strict=False):
        code, stderr = json.loads(line)
        assert code == 2
        assert stderr.startswith(f"error: {said}")
        assert "pip install torch" in stderr
    assert not Path("out.tif").exists()
    assert "noise model, time to learn, PyTorch (missing)" in done.stdout
    [link] = json.loads(links)
    assert {link[key] for key in ("engine", "device", "precision")} == {
        *("onnxruntime", "cpu", "fp32")
    }
    made = w2s.restore(cell, "jdsr-fast", uncertainty=True, precision="fp32")
    assert made.record["links"] == [{**link, "engine": "torch"}]
    with np.load("found.npz") as found:
        whole, errors = found["arr_0"], found["arr_1"]
    assert np.abs(whole.astype(float) - made.image.data[()]).max() <= 1
    assert made.error
    assert errors == pytest.approx(made.error.data[()], rel=1e-3)
