"""A plane that is too large to be in memory comes out as a smaller one does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from w2s_cli import stack as stacks
from w2s_cli.io import open_image, write_image
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline import prepared_planes
from w2s_cli.pipeline.diagnose import judged_planes
from w2s_cli.pipeline.file_restoration import FileReport, restore_file
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
    if "pure-let" in method and name == "b.npy":
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
