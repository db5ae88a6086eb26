"""`w2s demo` does the main job, and its picture is one."""

import json
from pathlib import Path

from PIL import Image

from w2s_cli.io import open_image


def test_demo(w2s, here: Path) -> None:
    scores = json.loads(w2s("demo", "out", "--json").stdout)
    assert {p.name for p in Path("out").iterdir()} == {
        "cell.tif",
        "sim.tif",
        "demo.png",
    }
    bicubic, jdsr = scores
    assert jdsr["psnr"] > bicubic["psnr"] + 1.5
    assert jdsr["ssim"] > bicubic["ssim"] + 0.1
    with (
        open_image(Path("out/cell.tif")) as cell,
        open_image(Path("out/sim.tif")) as sim,
    ):
        assert str(cell.data.dtype) == str(sim.data.dtype) == "uint16"
        assert (cell.data.shape, sim.data.shape) == ((512, 512), (1024, 1024))
        assert cell.pixel_size == {"Y": 0.08, "X": 0.08}
        assert sim.pixel_size == {"Y": 0.04, "X": 0.04}
        assert sim.history[-1]["method"] == "jdsr"
    with Image.open("out/demo.png") as picture:
        assert picture.width > 1500


def test_demo_replaces_nothing_unasked(w2s, here: Path) -> None:
    Path("out").mkdir()
    Path("out/sim.tif").write_text("mine")
    done = w2s("demo", "out", code=7)
    assert "sim.tif exists" in done.stderr
    assert [p.name for p in Path("out").iterdir()] == ["sim.tif"]
    assert Path("out/sim.tif").read_text() == "mine"


def test_demo_into_a_file(w2s, here: Path) -> None:
    done = w2s("demo", "cell.tif", code=7)
    assert "cannot make the folder cell.tif" in done.stderr
