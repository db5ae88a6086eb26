"""An image of OME-Zarr, of any version and writer, is read as it is meant."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zarr_files import PIXELS, SCALES, edit, read, save

zarr = pytest.importorskip("zarr")
numcodecs = pytest.importorskip("numcodecs")

AXES = ["yx", "cyx", "tyx", "czyx", "tzyx", "tczyx", "zcyx", "ctzyx", "yxc", "zxy"]


@pytest.mark.parametrize(
    ("axes", "version"),
    [
        *((axes, "0.4") for axes in AXES),
        ("yx", "0.5"),
        ("tczyx", "0.5"),
        ("yxc", "0.5"),
    ],
)
def test_axes_of_any_number_and_order(axes: str, version: str, tmp_path: Path) -> None:
    pixels = PIXELS[(0,) * (5 - len(axes))]
    found, stack = read(save(tmp_path / "a.zarr", pixels, axes, version=version))
    wanted = "".join(letter for letter in "tczyx" if letter in axes)
    assert stack.axes == wanted.upper()
    expected = pixels.transpose([axes.index(letter) for letter in wanted])
    np.testing.assert_array_equal(found, expected)
    sizes = {k.upper(): v for k, v in SCALES.items() if k in axes and k in "zyx"}
    assert stack.pixel_size == sizes
    assert stack.time_step == (1.5 if "t" in axes else None)
    assert not stack.warnings
    rows, columns = slice(3, 19), slice(2, 17)
    part = stack.region((0,) * (len(axes) - 2), rows, columns)
    np.testing.assert_array_equal(part, expected[(0,) * (len(axes) - 2)][rows, columns])


CODECS = {
    "none": None,
    "blosc": numcodecs.Blosc("zstd"),
    "zstd": numcodecs.Zstd(),
    "gzip": numcodecs.GZip(),
    "zlib": numcodecs.Zlib(),
}


@pytest.mark.parametrize(
    ("codec", "separator", "dtype"),
    [
        *((codec, "./"[n % 2], "<u2") for n, codec in enumerate(CODECS)),
        *(("blosc", ".", dtype) for dtype in (">u2", "<f4", ">f4", "u1", "<i2", "<f8")),
        *(("none", "/", dtype) for dtype in (">u2", ">f4")),
    ],
)
def test_codecs_separators_and_types(codec, separator, dtype, tmp_path) -> None:
    pixels = PIXELS[0, 0].astype(dtype)
    path = save(
        tmp_path / "a.zarr",
        pixels,
        "zyx",
        compressors=CODECS[codec],
        chunk_key_encoding={"name": "v2", "separator": separator},
    )
    found, stack = read(path)
    np.testing.assert_array_equal(found, pixels)
    assert stack.data.dtype == ("float32" if dtype == "<f8" else dtype[-2:])
    assert not stack.warnings


@pytest.mark.parametrize("chunks", [(3, 1, 7, 9), (1, 2, 20, 31), (4, 3, 64, 64)])
@pytest.mark.parametrize("shards", [None, 2])
def test_chunks_of_several_planes(chunks: Any, shards: Any, tmp_path: Path) -> None:
    chunks = tuple(min(*pair) for pair in zip(chunks, (3, 2, 20, 31), strict=True))
    how = {"shards": tuple(2 * side for side in chunks)} if shards else {}
    path = save(
        tmp_path / "a.zarr", PIXELS[0], "czyx", version="0.5", chunks=chunks, **how
    )
    found, _ = read(path)
    np.testing.assert_array_equal(found, PIXELS[0])


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3"])
def test_older_versions(version: str, tmp_path: Path) -> None:
    said: dict[str, Any] = {"version": version, "datasets": [{"path": "0"}]}
    if version == "0.3":
        said["axes"] = [*"tczyx"]
    path = save(tmp_path / "a.zarr", attributes={"multiscales": [said]})
    found, stack = read(path)
    np.testing.assert_array_equal(found, PIXELS)
    assert (stack.axes, stack.pixel_size) == ("TCZYX", {})
    assert not stack.warnings


def test_units_and_transformations(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PIXELS[0, 0], "zyx")

    def change(said: Any) -> None:
        (one,) = said["multiscales"]
        for at, unit in enumerate(["nanometer", "millimeter", "micrometer"]):
            one["axes"][at]["unit"] = unit
        one["coordinateTransformations"] = [{"type": "scale", "scale": [2.0, 1, 1]}]
        one["datasets"][0]["coordinateTransformations"] = [
            {"type": "scale", "scale": [150, 0.0001, 0.2]},
            {"type": "translation", "translation": [0, 0.001, 5]},
        ]

    edit(path / ".zattrs", change)
    _, stack = read(path)
    assert stack.pixel_size == pytest.approx({"Z": 0.3, "Y": 0.1, "X": 0.2})
    assert stack.extra["origin"] == pytest.approx({"Y": 1.0, "X": 5.0})


DOUBTS = {
    "no unit": (
        lambda one: [axis.pop("unit", 0) for axis in one["axes"]],
        r"its Y has a scale of 0.1 and no unit: it is not used",
    ),
    "unknown unit": (
        lambda one: one["axes"][1].update(unit="parrot"),
        r"its Y has a scale of 0.1 and the unit 'parrot', which is not known",
    ),
    "negative": (
        lambda one: one["datasets"][0]["coordinateTransformations"][0].update(
            scale=[0.5, -0.1, 0.2]
        ),
        "its Y has a scale of -0.1, which is no size",
    ),
    "too few": (
        lambda one: one["datasets"][0]["coordinateTransformations"][0].update(
            scale=[0.1, 0.2]
        ),
        "its scale transformation is no list of 3 numbers: it is left out",
    ),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_sizes_that_are_not_understood_are_said(doubt: str, tmp_path: Path) -> None:
    change, message = DOUBTS[doubt]
    path = save(tmp_path / "a.zarr", PIXELS[0, 0], "zyx")
    edit(path / ".zattrs", lambda said: change(said["multiscales"][0]))
    _, stack = read(path)
    assert message in "\n".join(stack.warnings)
    assert "Y" not in stack.pixel_size


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_level_and_bare_arrays(version: str, tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PIXELS[0], "czyx", version=version)
    found, stack = read(path / "0")
    assert (stack.axes, stack.pixel_size["Y"]) == ("CZYX", 0.1)
    bare = zarr.create_array(
        tmp_path / "b.zarr", data=PIXELS[0, 0], zarr_format=2 if version == "0.4" else 3
    )
    found, stack = read(tmp_path / "b.zarr")
    np.testing.assert_array_equal(found, PIXELS[0, 0])
    assert (stack.axes, stack.extra["format"]) == ("TYX", "Zarr")
    assert "without OME-NGFF metadata" in stack.warnings[0]
    assert "name them, such as --axes ZYX" in stack.warnings[1]
    assert read(tmp_path / "b.zarr", axes="ZYX")[1].axes == "ZYX"
    bare.attrs["_ARRAY_DIMENSIONS"] = ["z", "y", "x"]
    assert read(tmp_path / "b.zarr")[1].axes == "ZYX"


def test_chunks_that_are_missing_are_said(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PIXELS[0], "czyx", fill_value=7)
    for chunk in (path / "0").glob("1.*"):
        chunk.unlink()
    found, stack = read(path)
    assert (found[1] == 7).all()
    assert "8 of its chunks are not stored: they are read as 7" in stack.warnings[0]
