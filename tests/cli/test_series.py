"""Files with several images on the command line: `--series`, and what `info` lists."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

IDENTITY = ["--method", "identity"]


@pytest.fixture
def tiles(here: Path) -> np.ndarray:
    """Write `tiles.ome.tif`: two fields and a picture in colours."""
    pixels = np.arange(2 * 32 * 36, dtype=np.uint16).reshape(2, 32, 36)
    with tifffile.TiffWriter("tiles.ome.tif", ome=True) as file:
        for place, name in enumerate(("left", "a/b c")):
            said = {"axes": "YX", "Name": name}
            file.write(pixels[place], photometric="minisblack", metadata=said)
        said = {"axes": "YXS", "Name": "overview"}
        picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
        file.write(picture, photometric="rgb", metadata=said)
    return pixels


def test_each_image_has_an_output_of_its_own(w2s, tiles) -> None:
    words = ["restore", "tiles.ome.tif", *IDENTITY, "--series", "all"]
    result = w2s(*words, "-o", "out/", code=0)
    assert "image 3 (overview) is a picture in colours, or labels" in result.stderr
    found = sorted(path.name for path in Path("out").glob("*.tif"))
    assert found == ["tiles_1-left.ome.tif", "tiles_2-a-b-c.ome.tif"]
    for name, expected in zip(found, tiles, strict=True):
        np.testing.assert_array_equal(tifffile.imread(f"out/{name}"), expected)
    result = w2s(*words, "-o", "one.tif", "--quiet")
    assert Path("one_2-a-b-c.tif").is_file()
    assert not Path("one.tif").exists()
    assert w2s(*words, "-o", "out/").exit_code == 1  # they exist


def test_one_image_by_number_or_name_is_in_the_record(w2s, tiles) -> None:
    for wanted in ("2", "a/b c"):
        words = ["--series", wanted, "--overwrite", "-o", "b.tif"]
        assert w2s("restore", "tiles.ome.tif", *IDENTITY, *words).exit_code == 0
        np.testing.assert_array_equal(tifffile.imread("b.tif"), tiles[1])
        facts = json.loads(w2s("info", "b.tif", "--json").stdout)
        assert facts["history"][-1]["series"] == wanted


def test_the_one_that_is_taken_and_those_that_are_left_are_said(w2s, tiles) -> None:
    result = w2s("restore", "tiles.ome.tif", *IDENTITY, "-o", "a.tif", code=0)
    assert result.stderr.startswith(
        "warning: tiles.ome.tif: it holds 3 images: this is 1 (left, 32 x 36), "
    )


def test_an_image_that_is_not_there(w2s, tiles) -> None:
    words = ["tiles.ome.tif", "--series", "4"]
    for command in (["restore", *words, "-o", "a.tif"], ["info", *words]):
        result = w2s(*command, code=2)
        assert "there is no image '4' among the 3 in the file" in result.stderr
    assert w2s("restore", "-", "-o", "a.tif", "--series", "all").exit_code == 2


def test_info_lists_the_images(w2s, tiles) -> None:
    result = w2s("info", "tiles.ome.tif", "--series", "2")
    assert "image           1, left, YX 32 x 36, uint16\n" in result.stdout
    assert "2, a/b c, YX 32 x 36, uint16, described below\n" in result.stdout
    assert "3, overview, YXS 64 x 64 x 3, uint8, a colour picture\n" in result.stdout
    every = json.loads(w2s("info", "tiles.ome.tif", "--series", "all", "--json").stdout)
    assert [one["series_number"] for one in every] == [1, 2]
    assert every[0]["series"][1]["name"] == "a/b c"


def test_channels_in_turn(w2s, here: Path) -> None:
    pixels = np.arange(6 * 32 * 36, dtype=np.uint16).reshape(6, 32, 36)
    tifffile.imwrite("a.tif", pixels, photometric="minisblack", metadata=None)
    command = ["restore", "a.tif", *IDENTITY, "-o", "b.tif", "--overwrite"]
    for words in (["--axes", "TCYX", "--channels", 2], ["--axes", "T3C2YX"]):
        assert w2s(*command, *words).exit_code == 0
        expected = pixels.reshape(3, 2, 32, 36)
        np.testing.assert_array_equal(tifffile.imread("b.tif"), expected)
        facts = json.loads(w2s("info", "b.tif", "--json").stdout)
        assert facts["history"][-1]["axes"] in ("TC2YX", "T3C2YX")
    result = w2s("restore", "a.tif", *IDENTITY, "-o", "c.tif")
    assert "does not say what its 6 planes are" in result.stderr
    words = ["--axes", "ZYX", "--channels", 2]
    result = w2s("restore", "a.tif", *IDENTITY, "-o", "c.tif", *words, "--overwrite")
    assert result.exit_code == 2
    assert "which --axes ZYX do not have" in result.stderr
