"""Whole counts in the output, and where they would round the light away."""

from pathlib import Path

import numpy as np
import pytest

import w2s_cli as w2s
from w2s_cli.io import open_image, write_image
from w2s_cli.pipeline.file_restoration import restore_file
from w2s_cli.pipeline.restoration import restore_stack
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.stack import Stack

DIM = "the light is so dim that whole counts round it away (noise of 1 counts"


def poisson(photons: float, gain: float = 1.0, dtype: str = "uint16") -> np.ndarray:
    light = photons * np.tile(np.linspace(0.05, 1, 96), (96, 1))
    counts = np.random.default_rng(0).poisson(light) * gain
    return counts.round().astype(dtype)


@pytest.mark.parametrize("method", ["gaussian", "pure-let", "bicubic"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_dim_light_is_kept_in_float32(method: str, dtype: str) -> None:
    counts = poisson(0.6, dtype=dtype)
    result = restore_stack(RestoreSpec(method=method), Stack(counts, "YX"))
    made = np.asarray(result.image)
    assert made.dtype == np.float32
    assert result.record["dtype"] == "float32"
    assert made.mean() == pytest.approx(counts.mean(), rel=0.05)
    [said] = [one for one in result.warnings if DIM in one]
    assert said.endswith(f"32-bit float instead; --dtype input keeps {dtype}")


@pytest.mark.parametrize(
    ("counts", "asked", "stored", "dim"),
    [
        (poisson(0.6), "input", "uint16", True),
        (poisson(0.6), "float32", "float32", False),
        (poisson(0.6, dtype="float32"), "auto", "float32", False),
        (poisson(0.6, dtype="float32"), "uint16", "uint16", True),
        (poisson(60, 2.0), "auto", "uint16", False),
        (poisson(60, 2.0, "uint8"), "auto", "uint8", False),
        (poisson(60, 2.0), "float32", "float32", False),
        (poisson(60, 2.0, "float32"), "uint16", "uint16", False),
    ],
)
def test_the_type_that_is_asked_for_is_written(counts, asked, stored, dim) -> None:
    result = restore_stack(
        RestoreSpec(method="gaussian", dtype=asked), Stack(counts, "YX")
    )
    assert np.asarray(result.image).dtype == stored
    assert any(DIM in one for one in result.warnings) == dim


@pytest.mark.parametrize("method", ["identity", "median", "median+identity"])
def test_methods_that_make_no_fractions_keep_the_type(method: str) -> None:
    result = restore_stack(RestoreSpec(method=method), Stack(poisson(0.6), "YX"))
    assert result.image.data.dtype == np.uint16
    assert result.warnings == []


def test_blank_surroundings_are_no_dim_light() -> None:
    counts = np.zeros((200, 200), np.uint16)
    counts[60:120, 60:120] = 100 + poisson(60, 2.0)[:60, :60]
    result = restore_stack(RestoreSpec(method="gaussian"), Stack(counts, "YX"))
    assert result.image.data.dtype == np.uint16


def test_hardly_any_contrast_is_dim_light_too_and_its_channel_is_named() -> None:
    rng = np.random.default_rng(0)
    flat = 100 + 3 * rng.standard_normal((96, 96))
    counts = np.stack([100 + poisson(60, 2.0), flat.round()]).astype(np.uint16)
    result = restore_stack(RestoreSpec(method="gaussian"), Stack(counts, "CYX"))
    assert result.image.data.dtype == np.float32
    [said] = result.warnings
    assert said.startswith("channel 2: ") or "(channel 2: bright and dark parts" in said


def test_a_png_keeps_whole_counts_and_says_what_that_costs(tmp_path: Path) -> None:
    write_image(Stack(poisson(0.6), "YX"), source := tmp_path / "dim.png")
    spec = RestoreSpec(method="gaussian")
    done = restore_file(spec, spec.chain(), source, target := tmp_path / "out.png")
    assert done.dtype == done.as_json()["dtype"] == "uint16"
    assert done.warnings[0].endswith("--dtype float32, in a .tif file, keeps it")
    with open_image(target) as stack:
        assert stack.history[-1]["dtype"] == "uint16"


def test_arrays_of_other_types_are_taken_as_float32() -> None:
    whole = poisson(60, 2.0, "int64")
    made = w2s.restore(whole, "gaussian")
    assert made.dtype == np.float32
    assert np.array_equal(made, w2s.restore(whole.astype(np.float64), "gaussian"))
    with pytest.warns(UserWarning, match="int64 pixels are taken as 32-bit float"):
        w2s.restore(whole + 2**25, "gaussian")
    with pytest.warns(UserWarning, match="whole counts round it away"):
        assert w2s.restore(poisson(0.6), "gaussian").dtype == np.float32
