"""Kernels there and back, and files that hold none."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from w2s_cli.errors import InputError, OutputError, UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.psf_file import check_psf_target, read_psf, write_psf
from w2s_cli.microscope.psf import PSF, gaussian_psf
from w2s_cli.stack import Stack

KERNEL = gaussian_psf(1.5, pixel_size=0.0325)


@pytest.mark.parametrize("name", ["k.tif", "k.ome.tif", "k.npy"])
def test_there_and_back(tmp_path: Path, name: str) -> None:
    write_psf(KERNEL, tmp_path / name, record=lambda: {"tool": "w2s"})
    found = read_psf(tmp_path / name)
    np.testing.assert_allclose(found.weights, KERNEL.weights, rtol=1e-6)
    if name.endswith("tif"):
        assert found.pixel_size == pytest.approx(0.0325)
        with open_image(tmp_path / name) as stack:
            assert [entry["tool"] for entry in stack.history] == ["w2s"]
            assert stack.data.dtype == np.float32
    else:
        assert found.pixel_size is None


def test_a_kernel_without_a_pixel_size(tmp_path: Path) -> None:
    write_psf(gaussian_psf(1), tmp_path / "k.tif")
    assert read_psf(tmp_path / "k.tif").pixel_size is None


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8", "int64"])
def test_an_array_of_any_real_type_is_made_to_sum_to_1(tmp_path, dtype) -> None:
    np.save(tmp_path / "k.npy", (KERNEL.weights * 1000).astype(dtype))
    found = read_psf(tmp_path / "k.npy")
    assert found.weights.sum() == pytest.approx(1, abs=1e-5)
    assert found.weights.dtype == np.float32


def test_a_picture_and_axes_of_length_1(tmp_path: Path) -> None:
    gray = (KERNEL.weights / KERNEL.weights.max() * 255).astype(np.uint8)
    Image.fromarray(gray).save(tmp_path / "k.png")
    found = read_psf(tmp_path / "k.png")
    np.testing.assert_allclose(found.weights, KERNEL.weights, atol=2e-3)
    write_image(Stack(KERNEL.weights[None, None], "TZYX"), tmp_path / "k.tif")
    assert read_psf(tmp_path / "k.tif").weights.shape == KERNEL.weights.shape


def test_small_negative_weights_stay(tmp_path: Path) -> None:
    weights = KERNEL.weights.copy()
    weights[0, 0] = -0.001
    write_psf(PSF(weights), tmp_path / "k.tif")
    assert read_psf(tmp_path / "k.tif").weights[0, 0] < 0


def spoilt(value: float) -> np.ndarray:
    weights = KERNEL.weights.copy()
    weights[2, 3] = value
    return weights


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (spoilt(np.nan), "it holds NaN or infinite values"),
        (spoilt(np.inf), "it holds NaN or infinite values"),
        (0 * KERNEL.weights, "its values sum to 0, not above 0"),
        (-KERNEL.weights, "its values sum to -1, not above 0"),
        (np.ones((9, 9), np.float32), "its peak is at y 0, x 0, its middle at y 4, x"),
        (spoilt(7), "its peak is at y 2, x 3, its middle at y 6, x 6"),
        (np.stack([KERNEL.weights] * 2), "it has shape 2 x 13 x 13, a kernel has one"),
    ],
)
def test_no_kernel(tmp_path, weights, suffix, message) -> None:
    path = tmp_path / f"k{suffix}"
    axes = "YX" if weights.ndim == 2 else "ZYX"
    write_image(Stack(weights.astype(np.float32), axes), path)
    with pytest.raises(InputError, match=message) as caught:
        read_psf(path)
    assert str(caught.value).startswith(f"{path} is no kernel: ")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((3, 3), complex), "is no kernel: it has 9 values of type complex128"),
        (np.ones((0, 3)), "is no kernel: it has 0 values"),
        (np.ones((3, 3), bool), "of type bool"),
        (np.float64(3), "has shape a single number, a kernel has one plane"),
        (np.array([{}]), "is truncated or no array of numbers"),
    ],
)
def test_arrays_that_are_no_kernel(tmp_path: Path, array: Any, message: str) -> None:
    np.save(tmp_path / "k.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=message):
        read_psf(tmp_path / "k.npy")


def test_oblong_pixels(tmp_path: Path) -> None:
    write_image(Stack(KERNEL.weights, "YX", {"Y": 0.05, "X": 0.03}), tmp_path / "k.tif")
    with pytest.raises(InputError, match=r"pixels of 0.05 x 0.03 um: they are not squ"):
        read_psf(tmp_path / "k.tif")


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "there is no file"), (b"", "is empty"), (b"dear diary", "is not a TIFF")],
)
def test_no_image_at_all(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "k.tif"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_psf(path)


def test_targets(tmp_path: Path) -> None:
    check_psf_target(tmp_path / "k.tif")
    with pytest.raises(UsageError, match="a PNG has whole numbers only"):
        check_psf_target(tmp_path / "k.png")
    with pytest.raises(UsageError, match="cannot tell the format"):
        check_psf_target(tmp_path / "k.csv")
    tifffile.imwrite(tmp_path / "k.tif", KERNEL.weights)
    with pytest.raises(OutputError, match="exists"):
        check_psf_target(tmp_path / "k.tif")
    check_psf_target(tmp_path / "k.tif", overwrite=True)
