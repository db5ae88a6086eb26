"""TIFF in the form that is asked for: compressed, in tiles, with smaller sizes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from w2s_cli.io import open_image, write_image
from w2s_cli.io.halving import halved
from w2s_cli.stack import Channel, Stack

CODES = {"zstd": 50000, "deflate": 8, "lzw": 5, "none": 1}


def stack(*shape: int, dtype: str = "uint16", **asked: Any) -> Stack:
    pixels = np.random.default_rng(0).integers(0, 120, shape).astype(dtype)
    named = (Channel("DAPI"), Channel("GFP")) if len(shape) > 2 else ()
    extra = {"asked form": asked}
    size = {"Y": 0.1, "X": 0.1}
    return Stack(pixels, "CYX"[-len(shape) :], size, channels=named, extra=extra)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("compression", CODES)
@pytest.mark.parametrize("pyramid", [True, False])
def test_every_form_holds_the_same_pixels(
    compression: str, dtype: str, pyramid: bool, tmp_path: Path
) -> None:
    asked = {"compression": compression, **({"pyramid": True} if pyramid else {})}
    before = stack(2, 600, 530, dtype=dtype, **asked)
    write_image(before, path := tmp_path / "a.tif", record=lambda: {"tool": "w2s"})
    with open_image(path) as found:
        np.testing.assert_array_equal(np.asarray(found), before.data)
        assert [one.name for one in found.channels] == ["DAPI", "GFP"]
        assert found.history[0]["tool"] == "w2s"
        assert found.extra.get("levels", 1) == (2 if pyramid else 1)
        assert not found.warnings
    with tifffile.TiffFile(path) as file:
        assert {page.compression for page in file.pages} == {CODES[compression]}
        if pyramid:
            [series] = file.series
            assert [level.shape for level in series.levels] == [
                (2, 600, 530),
                (2, 300, 265),
            ]
            assert series.levels[1].keyframe.tile == (512, 512)
            smaller = series.levels[1].asarray()
            for number, plane in enumerate(before.data):
                np.testing.assert_array_equal(smaller[number], halved(plane))


@pytest.mark.parametrize("shape", [(40, 50), (512, 512), (1537, 5), (2049, 1030)])
def test_sizes_of_any_length(shape: tuple[int, int], tmp_path: Path) -> None:
    before = stack(*shape, pyramid=True)
    write_image(before, path := tmp_path / "a.tif")
    with tifffile.TiffFile(path) as file:
        levels = [level.asarray() for level in file.series[0].levels]
    assert max(levels[-1].shape) <= 512
    expected = before.data
    for level in levels:
        np.testing.assert_array_equal(level, expected)
        expected = halved(expected)
    assert [one.name for one in tmp_path.iterdir()] == ["a.tif"]
