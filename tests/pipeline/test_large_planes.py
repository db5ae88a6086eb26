"""A plane that is too large to be in memory comes out as a smaller one does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from w2s_cli import stack as stacks
from w2s_cli.cli import app
from w2s_cli.errors import UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline import prepared_planes
from w2s_cli.pipeline.diagnose import judged_planes
from w2s_cli.pipeline.file_restoration import FileReport, restore_file
from w2s_cli.pipeline.restoration import RestoreProgress, restore_stack
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.stack import Stack

CAMERA = NoiseModel(2.0, 100.0, 3.0)
HEIGHT, WIDTH = 300, 220


def image(planes: int = 2) -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    light = 20 + 15 * np.sin(y / 9) * np.sin(x / 5)
    rng = np.random.default_rng(0)
    noisy = [CAMERA.sample(light.astype(np.float32), rng) for _ in range(planes)]
    return np.stack(noisy).round().astype(np.uint16)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every plane be a large one, in small cells."""
    monkeypatch.setattr(stacks, "LARGEST_WHOLE", 1)
    monkeypatch.setattr(prepared_planes, "CELL", 64)


def restored(
    tmp_path: Path, pixels: np.ndarray, name: str, axes: str, **options: Any
) -> tuple[np.ndarray, FileReport, Stack]:
    source, target = tmp_path / "a.tif", tmp_path / name
    write_image(Stack(pixels, axes), source, overwrite=True)
    spec = RestoreSpec(overwrite=True, **options)
    report = restore_file(spec, spec.chain(), source, target)
    with open_image(target, axes=axes) as stack:
        return np.asarray(stack), report, stack


@pytest.mark.parametrize("name", ["b.tif", "b.npy"])
@pytest.mark.parametrize(
    ("method", "dtype"),
    [
        ("identity", "auto"),
        ("gaussian", "input"),
        ("gaussian+bicubic", "float32"),
        ("pure-let+bicubic", "auto"),
        ("denoise-fast", "uint16"),
    ],
)
def test_the_result_is_that_of_a_plane_in_memory(
    tmp_path: Path, method: str, dtype: Any, name: str, request: pytest.FixtureRequest
) -> None:
    if method in ("pure-let+bicubic", "denoise-fast") and name == "b.npy":
        pytest.skip("as for .tif")
    options = {"method": method, "dtype": dtype, "tile": 64, "device": "cpu"}
    options["noise"] = GivenNoise((CAMERA,))
    whole, before, _ = restored(tmp_path, image(), name, "CYX", **options)
    request.getfixturevalue("large")
    parts, after, _ = restored(tmp_path, image(), name, "CYX", **options)
    np.testing.assert_array_equal(parts, whole)
    assert parts.dtype == whole.dtype
    assert after.clipped == before.clipped
    assert after.tiles == before.tiles


def test_a_large_plane_is_judged_by_parts_from_all_over(large: None) -> None:
    stack = Stack(np.zeros((6000, 9000), np.uint16), "YX")
    names = [*judged_planes(stack, 0)]
    assert len(names) == 4 * 4
    assert names[0] == "part at y 238, x 613"
    assert names[-1] == "part at y 4738, x 7363"
    [small] = judged_planes(Stack(np.zeros((64, 64), np.uint16), "YX"), 0)
    assert small == ""


def test_areas_and_defects_do_not_depend_on_the_tiles(tmp_path, large) -> None:
    pixels = image(1)[0]
    pixels[:130, 90:] = 0  # outside the field of a mosaic
    pixels[:, 60:68] = 0
    hot = np.random.default_rng(5).choice(pixels.size, 60, replace=False)
    pixels.flat[hot] = pixels.flat[hot] + 900 * (pixels.flat[hot] > 0)
    options = {"method": "gaussian+nlm", "noise": GivenNoise((CAMERA,))}
    whole, before, _ = restored(tmp_path, pixels, "b.tif", "YX", tile=1024, **options)
    outside = pixels == 0
    assert before.record["unknown"]["share"] == pytest.approx(outside.mean(), abs=1e-6)
    assert before.record["repaired"]["hot"] > 20
    for tile in (32, 100, 256):
        made, report, _ = restored(
            tmp_path, pixels, "c.tif", "YX", tile=tile, **options
        )
        np.testing.assert_allclose(made.astype(int), whole, atol=1)
        assert (made[outside] == 0).all()
        assert (made[~outside] > 90).all()
        for key in ("unknown", "repaired"):
            assert report.record[key] == before.record[key]


def test_unknown_areas_and_defects_are_about_those_of_the_whole_plane(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    pixels = image(1)[0]
    pixels[:130, 90:] = 0
    options = {"method": "gaussian", "noise": GivenNoise((CAMERA,)), "dtype": "input"}
    whole, before, _ = restored(tmp_path, pixels, "b.tif", "YX", **options)
    request.getfixturevalue("large")
    parts, after, _ = restored(tmp_path, pixels, "c.tif", "YX", **options)
    assert after.record["unknown"] == before.record["unknown"]
    np.testing.assert_array_equal(parts, whole)


def test_a_network_that_does_not_fit_is_found_out_in_a_large_plane(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    noise = GivenNoise((NoiseModel(0.02, 100.0, 0.3),))  # much too little of it
    options = {"method": "denoise-fast", "noise": noise, "device": "cpu", "tile": 128}
    _, before, _ = restored(tmp_path, image(1)[0], "b.tif", "YX", **options)
    request.getfixturevalue("large")
    _, after, _ = restored(tmp_path, image(1)[0], "c.tif", "YX", **options)
    assert after.warnings == before.warnings
    assert after.clipped == before.clipped


@pytest.mark.parametrize("compression", ["none", "zstd", "deflate"])
def test_a_large_plane_is_written_in_tiles(tmp_path, large, compression) -> None:
    pixels = np.tile(image(2), (1, 3, 3))
    extra = {"compression": compression, "predictor": compression == "zstd"}
    write_image(Stack(pixels, "TYX", extra=extra), path := tmp_path / "a.tif")
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        assert (page.tilelength, page.tilewidth) == (512, 512)
        assert (page.compression != 1) == (compression != "none")
        np.testing.assert_array_equal(file.asarray(), pixels)


def test_imagej_files_stay_such_unless_they_are_compressed(tmp_path, large) -> None:
    pixels = image(2)
    for compression, kept in (("none", True), ("deflate", False)):
        extra = {"format": "ImageJ TIFF", "compression": compression}
        path = tmp_path / "a.tif"
        write_image(Stack(pixels, "TYX", extra=extra), path, overwrite=True)
        with tifffile.TiffFile(path) as file:
            assert file.is_imagej is kept
            np.testing.assert_array_equal(file.asarray(), pixels)


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ("2", 2, "--max-memory 2 is no size of at least 1M"),
        ("lots", 2, "--max-memory lots is no size of at least 1M"),
        ("80M", 6, "--max-memory allows 80M"),
    ],
)
def test_too_little_memory_is_said_before_anything_is_written(
    tmp_path: Path, given: str, code: int, said: str
) -> None:
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    write_image(Stack(image(1)[0], "YX"), source)
    command = ["restore", str(source), "-o", str(target), "--method", "identity"]
    done = CliRunner().invoke(app, [*command, "--max-memory", given])
    assert done.exit_code == code
    assert said in done.stderr
    assert not target.exists()
    done = CliRunner().invoke(app, [*command, "--max-memory", "1.5GiB", "--tile", "64"])
    assert done.exit_code == 0, done.stderr


def test_lines_are_not_evened_out_in_a_large_plane(large: None) -> None:
    with pytest.raises(UsageError, match="a plane of 300 x 220 pixels") as caught:
        restore_stack(RestoreSpec("pure-let", defects="all"), Stack(image(1)[0], "YX"))
    assert "leave it out" in caught.value.hint


@pytest.mark.parametrize("sides", [(300, 220), (100, 220), (150, 70), (10, 220)])
def test_no_tile_is_restored_twice_however_a_plane_is_written(sides) -> None:
    tiles = []
    result = restore_stack(
        RestoreSpec("bicubic", tile=64, dtype="input"),
        Stack(image(1)[0], "YX"),
        progress=RestoreProgress(tile=lambda: tiles.append(1)),
    )
    whole = result.image.data[()]
    count = len(tiles)
    for top in range(0, 2 * HEIGHT, sides[0]):
        for left in range(0, 2 * WIDTH, sides[1]):
            part = (
                slice(top, min(top + sides[0], 2 * HEIGHT)),
                slice(left, min(left + sides[1], 2 * WIDTH)),
            )
            np.testing.assert_array_equal(result.image.region((), *part), whole[part])
    assert len(tiles) == 2 * count
