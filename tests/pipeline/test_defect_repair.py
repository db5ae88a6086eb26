"""Defects are repaired before anything else, said and recorded; maps of them."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from w2s_cli.cli import app
from w2s_cli.errors import InputError, UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.microscope.defects import HOT, LINE
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.defect_repair import read_defect_map
from w2s_cli.pipeline.file_restoration import restore_file
from w2s_cli.pipeline.restoration import restore_stack
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.stack import Stack

CAMERA = NoiseModel(2.0, 100.0, 3.0)
SIDE = 128


def image(seed: int = 0) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    light = 10 + 30 * np.exp(-((x - 60) ** 2 + (y - 50 - seed) ** 2) / 900)
    noisy = CAMERA.sample(light.astype(np.float32), np.random.default_rng(seed))
    return noisy.round().astype(np.uint16)


def defective(seed: int = 0, hot: int = 40) -> tuple[np.ndarray, np.ndarray]:
    counts = image(seed)
    places = np.zeros(counts.shape, bool)
    rng = np.random.default_rng(7)
    places.flat[rng.choice(counts.size, hot, replace=False)] = True
    counts[places] += 700
    return counts, places


def test_hot_pixels_are_repaired_said_and_recorded(tmp_path: Path) -> None:
    counts, hot = defective()
    write_image(Stack(counts, "YX"), source := tmp_path / "cell.tif")
    spec = RestoreSpec(method="pure-let")
    done = restore_file(spec, spec.chain(), source, target := tmp_path / "clean.tif")
    [said] = [one for one in done.warnings if "hot pixel" in one]
    assert said.endswith("repaired before anything else; --defects keep leaves them")
    with open_image(target) as stack:
        [record] = stack.history
        clean = np.asarray(stack.data[()], np.float32)
    assert record["defects"] == "auto"
    assert record["repaired"]["planes"] == 1
    assert record["repaired"]["hot"] == pytest.approx(hot.sum(), abs=2)
    assert np.abs(clean[hot] - image()[hot]).mean() < 20


def test_defects_that_are_kept_stay() -> None:
    counts, hot = defective()
    spec = RestoreSpec(method="pure-let", defects="keep")
    result = restore_stack(spec, Stack(counts, "YX"))
    assert not any("hot" in one for one in result.warnings)
    assert result.image.data[()][hot].mean() > 300


def test_uneven_lines_are_evened_out_on_request_only() -> None:
    shift = np.random.default_rng(3).normal(0, 12, 128)
    stack = Stack((image() + shift).astype(np.float32), "YX")
    auto, everything = (
        restore_stack(RestoreSpec(method="gaussian+nlm", defects=defects), stack)
        for defects in ("auto", "all")
    )
    np.testing.assert_array_equal(auto.source.data[()], stack.data[()])
    [left] = [one for one in auto.warnings if "column offsets" in one]
    assert left.endswith("left as they are, --defects all evens them out")
    [repaired] = [one for one in everything.warnings if "column offsets" in one]
    assert repaired.endswith("--defects keep leaves them")
    even = np.asarray(everything.source.data[()], np.float32)
    assert np.abs(even - image()).mean() < np.abs(shift).mean() / 2
    assert everything.record["repaired"]["column_offset"] > 6


def test_an_image_without_defects_is_not_touched() -> None:
    stack = Stack(image(), "YX")
    auto, keep = (
        restore_stack(RestoreSpec(method="nlm", defects=defects), stack)
        for defects in ("auto", "keep")
    )
    for one in (auto, keep):
        np.testing.assert_array_equal(one.source.data[()], stack.data[()])
    assert (auto.image.data[()] == keep.image.data[()]).all()
    assert "repaired" not in auto.record


def test_a_map_from_many_images_repairs_for_any_method(tmp_path: Path) -> None:
    paths = []
    for seed in range(4):
        counts, hot = defective(seed)
        write_image(Stack(counts, "YX"), path := tmp_path / f"{seed}.tif")
        paths.append(str(path))
    made = CliRunner().invoke(
        app, ["estimate-defects", *paths, "-o", str(tmp_path / "map.tif")]
    )
    assert made.exit_code == 0
    assert made.output.endswith("from 4 planes\n")
    kinds = read_defect_map(tmp_path / "map.tif")
    assert (kinds[hot] == HOT).mean() > 0.9
    spec = RestoreSpec(method="identity", defects=tmp_path / "map.tif")
    result = restore_stack(spec, Stack(defective()[0], "YX"))
    pixels = result.image.data[()]
    assert np.abs(pixels[kinds > 0] - image()[kinds > 0].astype(float)).mean() < 20
    assert (pixels[kinds == 0] == defective()[0][kinds == 0]).all()
    assert result.record["defects"] == "map.tif"


def test_a_map_of_another_camera_is_refused(tmp_path: Path) -> None:
    write_image(Stack(np.eye(64, dtype=np.uint8), "YX"), path := tmp_path / "map.tif")
    with pytest.raises(
        UsageError, match="128 x 128 pixels, the map of defects 64 x 64"
    ):
        restore_stack(RestoreSpec("identity", defects=path), Stack(image(), "YX"))


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.ones((2, 8, 8), np.uint8), "is no map of defects: its shape is"),
        (np.ones((8, 8), np.uint8), "is no map of defects: no pixel is 0"),
    ],
)
def test_what_is_no_map(tmp_path: Path, pixels: np.ndarray, message: str) -> None:
    axes = "TYX"[-pixels.ndim :]
    write_image(Stack(pixels, axes), path := tmp_path / "map.tif")
    with pytest.raises(InputError, match=message):
        read_defect_map(path)


def test_any_number_of_a_map_is_a_defect(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8), np.float32)
    pixels[1, 1], pixels[2, 2] = 255, 0.5
    write_image(Stack(pixels, "YX"), path := tmp_path / "map.tif")
    kinds = read_defect_map(path)
    assert kinds[1, 1] == kinds[2, 2] == LINE
    assert np.count_nonzero(kinds) == 2


def test_images_of_other_sizes_make_no_map(tmp_path: Path) -> None:
    write_image(Stack(image(), "YX"), one := tmp_path / "one.tif")
    write_image(Stack(image()[:100], "YX"), two := tmp_path / "two.tif")
    done = CliRunner().invoke(
        app, ["estimate-defects", str(one), str(two), "-o", str(tmp_path / "map.tif")]
    )
    assert done.exit_code == 4
