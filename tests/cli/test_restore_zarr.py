"""`w2s restore` from, to and between images of OME-Zarr, as users type it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from w2s_cli.cli import app
from w2s_cli.io import open_image, write_image
from w2s_cli.io.ome_zarr_writing import ZarrOutput
from w2s_cli.stack import Channel, Stack

pytest.importorskip("zarr")
PIXELS = np.random.default_rng(0).integers(100, 900, (2, 40, 52)).astype(np.uint16)
GAUSSIAN = ["--method", "gaussian", "--quiet"]


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Write the same image as x.ome.zarr and x.ome.tif."""
    channels = (Channel("DAPI", (0, 0, 255)), Channel("GFP", (0, 255, 0)))
    stack = Stack(PIXELS, "CYX", {"Y": 0.1, "X": 0.1}, channels=channels)
    for name in ("x.ome.zarr", "x.ome.tif"):
        write_image(stack, tmp_path / name)
    return tmp_path


def pixels(path: Path) -> np.ndarray:
    with open_image(path) as stack:
        assert stack.pixel_size == {"Y": 0.1, "X": 0.1}
        assert [one.name for one in stack.channels] == ["DAPI", "GFP"]
        assert stack.history[-1]["method"] == "gaussian"
        assert not stack.warnings
        return np.asarray(stack)


def test_the_same_from_and_to_each_format(images: Path) -> None:
    outputs = []
    for source in ("x.ome.zarr", "x.ome.tif"):
        for target in ("a.ome.zarr", "a.ome.tif"):
            output = images / f"{source[6:]}-{target}"
            run("restore", images / source, "-o", output, *GAUSSIAN)
            outputs.append(pixels(output))
    for one in outputs[1:]:
        np.testing.assert_array_equal(one, outputs[0])
    assert "OME-Zarr" in run("info", images / "zarr-a.ome.zarr")


def test_an_output_that_is_there(images: Path) -> None:
    again = ["restore", images / "x.ome.zarr", "-o", images / "y.ome.zarr", *GAUSSIAN]
    run(*again)
    assert "y.ome.zarr exists hint: replace it with --overwrite" in run(*again, code=7)
    run(*again, "--overwrite")
    run(*again[:3], f"{images / 'y.ome.zarr'}/", *GAUSSIAN, "--overwrite")
    inside = images / "x.ome.zarr" / "y.zarr"
    said = run("restore", images / "x.ome.tif", "-o", inside, *GAUSSIAN, code=2)
    assert "is a Zarr image, not a folder for images" in said
    said = run(*again[:3], images / "x.ome.zarr", *GAUSSIAN, "--overwrite", code=2)
    assert "is an input" in said


def test_folders_of_images(images: Path) -> None:
    run("restore", images, "-o", images / "out", *GAUSSIAN)
    names = sorted(one.name for one in (images / "out").iterdir())
    assert [name for name in names if name[0] != "."] == ["x.ome.tif", "x.ome.zarr"]
    for name in ("x.ome.tif", "x.ome.zarr"):
        pixels(images / "out" / name)
    assert "2 done, 0 failed, 0 missing" in run("batch", "status", images / "out")


def content(path: Path) -> dict[str, bytes]:
    files = [one for one in path.rglob("*") if one.is_file()]
    return {str(one.relative_to(path)): one.read_bytes() for one in files}


def remove(path: Path) -> None:
    (path / "0" / "c" / "0" / "0" / "0").unlink()


def flip(path: Path) -> None:
    chunk = path / "0" / "c" / "1" / "0" / "0"
    pixels = bytearray(chunk.read_bytes())
    pixels[len(pixels) // 2] ^= 1
    chunk.write_bytes(pixels)


def exchange(path: Path) -> None:
    shutil.rmtree(path)
    write_image(Stack(PIXELS, "CYX"), path)


def lose_root(path: Path) -> None:
    (path / "zarr.json").unlink()


def leave_unfinished(path: Path) -> None:
    shutil.rmtree(path)
    ZarrOutput.create(path, Stack(PIXELS, "CYX"))


def test_a_result_that_is_there_is_kept(images: Path) -> None:
    """Alone and in a batch: what is broken, foreign, unfinished, outdated is not."""
    target = images / "out" / "x.ome.zarr"
    again = ["restore", images / "x.ome.zarr", "-o", f"{images / 'out'}/", *GAUSSIAN]
    again += ["--resume", "--json"]
    run(*again)
    clean, status = content(target), ["batch", "status", images / "out"]
    assert '"kept"' in run(*again)
    missing = (  # by the sizes of files, without reading them
        (remove, "bytes instead of"),
        (lose_root, "bytes instead of"),
        (flip, ""),
        (exchange, "bytes instead of"),
        (leave_unfinished, "bytes instead of"),
        (shutil.rmtree, "is there no longer"),
    )
    for spoil, why in missing:
        spoil(target)
        assert why in run(*status, code=1 if why else 0)
        assert '"kept"' not in run(*again)
        assert content(target) == clean
        assert "1 done, 0 failed, 0 missing" in run(*status)
    assert "with other options" in run(*again, "-O", "sigma=2")
    (target / "labels").mkdir()
    assert '"kept"' in run(*again, "-O", "sigma=2")
    write_image(Stack(PIXELS + 1, "CYX"), images / "x.ome.zarr", overwrite=True)
    assert "its input has changed since" in run(*again, "-O", "sigma=2")
    alone = [*again[:3], target, *again[4:]]
    assert '"kept"' in run(*alone, "-O", "sigma=2")
    flip(target)
    assert "it is damaged" in run(*alone, "-O", "sigma=2")


def test_without_the_library(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("w2s_cli.io.formats.find_spec", lambda _: None)
    said = run(
        "restore", images / "x.ome.zarr", "-o", images / "y.tif", *GAUSSIAN, code=4
    )
    assert "x.ome.zarr is OME-Zarr, which needs the package zarr" in said
    assert "hint: install it: pip install 'w2s-cli[zarr]'" in said
    said = run(
        "restore", images / "x.ome.tif", "-o", images / "y.zarr", *GAUSSIAN, code=7
    )
    assert "y.zarr would be OME-Zarr, which needs the package zarr" in said
