"""A package holds what its description says, and other programs agree with w2s."""

import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from w2s_cli.cli import app
from w2s_cli.export import model_package
from w2s_cli.io import open_image, write_image
from w2s_cli.microscope.simulation import CAMERA, simulate_scene
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.san import SAN
from w2s_cli.networks.unet import UNet
from w2s_cli.stack import Stack
from w2s_cli.weights import checkpoint

GIVEN = ("--gain", "2.2", "--offset", "100", "--read-noise", "3")
RECORD: dict[str, Any] = {"trained_on": {"photons": [5, 900], "sigma": 3}}


@pytest.fixture(scope="module")
def needed() -> None:
    for name in ("onnx", "onnxruntime", "yaml"):
        pytest.importorskip(name, reason="of the extra `export`")


def save(path: Path, network: Any, record: dict[str, Any]) -> None:
    checkpoint.save(path, network.state_dict(), record)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export")
    torch.manual_seed(0)
    save(path / "x1.safetensors", UNet(4, 2, 1, 1), RECORD)
    save(path / "x2.safetensors", UNet(4, 2, 1, 2), RECORD | {"licence": "MIT"})
    save(path / "grey.safetensors", DnCNN(1, 4, 3), {"units": "unit"})
    save(path / "san.safetensors", SAN(8, 1, 1, 1), {"units": "z"})
    seen = simulate_scene(2, side=192).seen
    write_image(Stack(seen, "YX"), path / "cell.tif")
    write_image(Stack(np.stack([seen, seen]), "CYX"), path / "two.tif")
    return path


@pytest.fixture
def export(
    w2s: Callable[..., Result], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.chdir(folder)
    return partial(w2s, "export")


@pytest.fixture(scope="module")
def packages(folder: Path, needed: None) -> Iterator[dict[str, dict[str, bytes]]]:
    """Write one package of each kind; give the files in them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        found = {}
        for name, words in {
            "x1": ("--like", "cell.tif", "--author", "A. Meyer", "--licence", "MIT"),
            "x2": GIVEN,
            "grey": ("-O", "black=0", "-O", "white=255"),
            "like": ("--like", "cell.tif"),
        }.items():
            file = "grey" if name == "like" else name
            line = ["export", f"{file}.safetensors", "-o", f"{name}.zip", *words]
            done = CliRunner().invoke(app, line, catch_exceptions=False)
            assert done.exit_code == 0, done.stderr
            with zipfile.ZipFile(f"{name}.zip") as package:
                found[name] = {one: package.read(one) for one in package.namelist()}
        yield found


def described(files: dict[str, bytes]) -> Any:
    import yaml

    return yaml.safe_load(files["rdf.yaml"])


def named(content: Any) -> Iterator[tuple[str, str]]:
    """Yield the files that a description names, and their hashes."""
    if isinstance(content, dict):
        if "source" in content:
            yield content["source"], content["sha256"]
        content = [*content.values()]
    if isinstance(content, list):
        for one in content:
            yield from named(one)


@pytest.mark.parametrize("name", ["x1", "x2", "grey"])
def test_the_description_names_every_file_and_its_hash(packages, name) -> None:
    files = packages[name]
    hashes = dict(named(described(files)))
    assert {*hashes, "rdf.yaml"} == {*files}
    for one, digest in hashes.items():
        assert hashlib.sha256(files[one]).hexdigest() == digest


@pytest.mark.parametrize("name", ["x1", "x2", "grey", "like"])
def test_onnx_gives_the_test_output_and_any_size_that_is_said(packages, name) -> None:
    import onnxruntime

    files = packages[name]
    rdf = described(files)
    seen, made = (
        np.load(io.BytesIO(files[f"test_{end}.npy"])) for end in ("input", "output")
    )
    session = onnxruntime.InferenceSession(
        files["weights.onnx"], providers=["CPUExecutionProvider"]
    )
    [near] = rdf["config"]["bioimageio"]["reproducibility_tolerance"]
    found = session.run(None, {"input": seen})[0]
    relative, absolute = near["relative_tolerance"], near["absolute_tolerance"]
    assert np.allclose(found, made, rtol=relative / 10, atol=absolute / 10)
    axes = rdf["inputs"][0]["axes"]
    least, step = axes[2]["size"]["min"], axes[2]["size"]["step"]
    along = rdf["outputs"][0]["axes"][2]
    assert least > 2 * along["halo"] * along["scale"]
    assert seen.shape[-1] % step == 0
    for times in (0, 1, 2):
        block = np.full((2, 1, least, least + times * step), 200, np.float32)
        [found] = session.run(None, {"input": block})
        assert found.shape[2:] == tuple(
            int(n / along["scale"]) for n in block.shape[2:]
        )


@pytest.mark.parametrize("name", ["x1", "x2"])
def test_tiles_with_the_halo_are_the_whole(packages, name) -> None:
    import onnxruntime

    files = packages[name]
    session = onnxruntime.InferenceSession(
        files["weights.onnx"], providers=["CPUExecutionProvider"]
    )
    rdf = described(files)
    along = rdf["outputs"][0]["axes"][2]
    times, halo = int(1 / along["scale"]), int(along["halo"] * along["scale"])
    seen = np.load(io.BytesIO(files["test_input.npy"]))
    [whole] = session.run(None, {"input": seen})
    side = rdf["inputs"][0]["axes"][2]["size"]["min"]
    [tile] = session.run(None, {"input": seen[..., 16 : 16 + side, 24 : 24 + side]})
    kept = tile[..., halo * times : -halo * times, halo * times : -halo * times]
    y, x, size = (times * at for at in (16 + halo, 24 + halo, side - 2 * halo))
    assert np.allclose(kept, whole[..., y : y + size, x : x + size], rtol=1e-5)


@pytest.mark.usefixtures("export")
def test_the_test_output_is_that_of_w2s_restore(packages, w2s) -> None:
    files = packages["x2"]
    Path("sample.tif").write_bytes(files["sample_input.tif"])
    line = "restore sample.tif -o sample_x2.tif --weights x2.safetensors --dtype "
    line += "float32 --precision fp32 --device cpu --defects keep"
    w2s(*line.split(), *GIVEN, code=0)
    made = np.load(io.BytesIO(files["test_output.npy"]))[0, 0]
    with open_image(Path("sample_x2.tif")) as restored:
        assert np.allclose(restored.data[()], made, rtol=1e-6)


def test_what_is_said_of_the_camera_and_the_weights(packages) -> None:
    like, given, grey = (described(packages[name]) for name in ("x1", "x2", "grey"))
    assert given["config"]["w2s"]["noise"] == CAMERA.as_json()
    measured = like["config"]["w2s"]["noise"]
    assert measured["gain"] == pytest.approx(CAMERA.gain, rel=0.2)
    assert (grey["config"]["w2s"]["black"], grey["config"]["w2s"]["white"]) == (0, 255)
    assert like["authors"] == [{"name": "A. Meyer"}]
    assert [one["license"] for one in (like, given, grey)] == ["MIT", "MIT", None]
    assert like["description"].startswith("denoise with the network in x1.safetensors")
    text = packages["x2"]["README.md"].decode()
    assert "a gain of 2.2 counts a photon" in text
    assert "less than 5 or more than 900 photons a pixel, 111 to 2080 counts" in text
    assert "2 times the size" in text
    assert "licence: not stated" in packages["grey"]["README.md"].decode()


def test_the_same_command_writes_the_same(packages, export) -> None:
    """Of TorchScript a new process writes the same: classes are counted in one."""
    assert export("x2.safetensors", "-o", "again.zip", *GIVEN).exit_code == 0
    with zipfile.ZipFile("again.zip") as package:
        for name, content in packages["x2"].items():
            if name not in ("weights.pt", "rdf.yaml"):
                assert package.read(name) == content, name


def test_the_format_is_that_of_bioimageio(packages, folder) -> None:
    """In a process of its own: what it imports warns of this and that."""
    pytest.importorskip("bioimageio.spec")
    code = (
        "import sys\n"
        "import bioimageio.spec as spec\n"
        "read = spec.load_description_and_validate_format_only\n"
        "print(*[read(path).status for path in sys.argv[1:]])"
    )
    files = [str(folder / f"{name}.zip") for name in packages]
    line = [sys.executable, "-c", code, *files]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.stdout.split() == ["valid-format"] * len(files), done.stderr


def test_missing_packages_are_named_with_what_installs_them(
    export: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_package, "find_spec", lambda name: None)
    done = export("denoise", "-o", "a.zip", code=2)
    assert (
        "needs packages that are not installed: onnx, onnxruntime, pyyaml"
        in done.stderr
    )
    assert "pip install onnx onnxruntime pyyaml" in done.stderr


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("denoise -o a.zip", 2, "needs the noise of the camera"),
        ("denoise -o a.tif --gain 2", 2, "end it in .zip"),
        ("denoise -o cell.tif/a.zip --gain 2", 7, "there is no folder"),
        ("denoise+bicubic -o a.zip --gain 2", 2, "a model is one network"),
        ("x1.safetensors -o a.zip --like two.tif", 2, "name it: --channel 1"),
        ("x1.safetensors -o a.zip --like no.tif", 4, "no file no.tif"),
        ("x1.safetensors -o a.zip --gain 2 --licence free", 2, "no licence is called"),
        ("x1.safetensors -o a.zip --gain 2 --author a/b", 2, "without slashes"),
        (
            "x1.safetensors -o a.zip --gain 2 --name Röhre",
            2,
            "cannot be called 'Röhre'",
        ),
        ("x1.safetensors -o a.zip --gain 2 --channel 1", 2, "add --like IMAGE"),
        ("grey.safetensors -o a.zip", 2, "-O black=COUNTS -O white=COUNTS"),
        ("rrdb -o a.zip", 2, "w2s export FILE.pth"),
        ("no.pth -o a.zip", 5, "no weights at no.pth"),
        ("denoize -o a.zip", 2, "did you mean 'denoise'?"),
        ("san.safetensors -o a.zip", 5, "san cannot be exported"),
    ],
)
def test_errors(needed, export, monkeypatch, line, code, said) -> None:
    monkeypatch.setattr(model_package, "_SIDE", 32)  # SAN compares all pixels with all
    done = export(*line.split())
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr
    assert not Path("a.zip").exists()


def test_a_package_that_is_there_stays(packages, export) -> None:
    done = export("x1.safetensors", "-o", "x1.zip", *GIVEN, code=7)
    assert "x1.zip exists" in done.stderr
