"""`w2s restore --uncertainty`: where the maps go, and every way to be refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli.io import open_image

WORDS = ["--method", "gaussian", "--gain", 2, "--offset", 100, "--read-noise", 1]


def test_a_map_is_written_beside_the_output(w2s, here: Path) -> None:
    w2s("restore", "cell.tif", "-o", "out.tif", *WORDS, "--uncertainty", code=0)
    assert sorted(path.name for path in here.iterdir()) == [
        *("cell.tif", "out.tif", "out_error.tif")
    ]
    with (
        open_image(Path("out_error.tif")) as errors,
        open_image(Path("out.tif")) as out,
    ):
        assert (errors.axes, errors.data.shape) == (out.axes, out.data.shape)
        assert errors.data.dtype == np.float32
        assert errors.pixel_size == out.pixel_size
        step, record = errors.history[-1], out.history[-1]
    assert step["unit"] == "counts"
    assert step["interval_90"] == "value +- 1.645 x standard error"
    assert step["image"]["request"] == record["request"]
    assert record["uncertainty"]["calibrated_for"] == "gaussian"
    shown = w2s("info", "out_error.tif").stdout
    assert "standard error of each pixel" in shown
    w2s("restore", "cell.tif", "-o", "plain.tif", *WORDS, code=0)
    assert (tifffile.imread("plain.tif") == tifffile.imread("out.tif")).all()


def test_where_the_map_goes_can_be_said(w2s, here: Path) -> None:
    words = ["restore", "cell.tif", *WORDS, "--error-map", "how/sure.tif"]
    missing = w2s(*words, "-o", "out.tif", code=7)
    assert "there is no folder how to write sure.tif into" in missing.stderr
    assert not Path("out.tif").exists()
    Path("how").mkdir()
    rows = json.loads(w2s(*words, "-o", "out.tif", "--json").stdout)
    assert rows[0]["error_map"] == "how/sure.tif"
    again = w2s(*words, "-o", "other.tif")
    assert (again.exit_code, Path("other.tif").exists()) == (7, False)
    assert "how/sure.tif exists" in again.stderr


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["cell.tif", "-o", "-"], "standard output holds the image alone", "--error-m"),
        (
            ["cell.tif", "b.tif", "-o", "out/", "--error-map", "e.tif"],
            "--error-map names one map, and there are 2 outputs",
            "--uncertainty writes each beside its output",
        ),
        (
            ["cell.tif", "-o", "out.tif", "--error-map", "cell.tif"],
            "the map of standard errors of cell.tif would be written to cell.tif",
            "name it otherwise",
        ),
        (
            ["b.tif", "b_error.tif", "-o", "out/"],
            "the map of standard errors of b.tif would be written to out/b_error.tif",
            "--name for many",
        ),
        (["cell.tif", "-o", "a.tif", "--error-map", "e.doc"], "e.doc", ".tif"),
    ],
)
def test_maps_without_a_place_are_refused_before_the_work(
    w2s, here: Path, words: list[str], message: str, hint: str
) -> None:
    for name in ("b.tif", "b_error.tif"):
        Path(name).write_bytes(Path("cell.tif").read_bytes())
    result = w2s("restore", *words, *WORDS, "--uncertainty", code=2)
    assert message in result.stderr
    assert hint in result.stderr
    assert not Path("out").exists()
    assert not Path("a.tif").exists()


def test_a_map_is_no_input(w2s, here: Path) -> None:
    w2s("restore", "cell.tif", "-o", "out.tif", *WORDS, "--uncertainty")
    result = w2s("restore", "out_error.tif", "-o", "b.tif", *WORDS, code=4)
    assert "out_error.tif is a map of standard errors, not an image" in result.stderr


def test_resume_makes_maps_that_are_missing_or_damaged(w2s, here: Path) -> None:
    words = ["restore", "cell.tif", "-o", "out/", *WORDS, "--uncertainty", "--resume"]
    said = lambda: json.loads(w2s(*words, "--json").stdout)[0]  # noqa: E731
    assert said()["status"] == "done"
    assert said()["status"] == "kept"
    path = Path("out/cell_error.tif")
    whole = path.read_bytes()
    path.unlink()
    assert said()["redone"] == "its map of standard errors is missing"
    path.write_bytes(whole[:-9] + b"x" * 9)
    assert said()["redone"] == "its map of standard errors is damaged"
    assert said()["status"] == "kept"


def test_maps_beside_the_inputs_are_no_inputs_of_the_next_run(w2s, here: Path) -> None:
    words = ["restore", ".", "-o", ".", "--name", "{stem}_clean.tif", *WORDS]
    for _ in range(2):
        result = w2s(*words, "--uncertainty", "--overwrite", "--json", code=0)
        assert [row["source"] for row in json.loads(result.stdout)] == ["cell.tif"]
