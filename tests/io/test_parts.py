"""A part of a plane is the same, however it is stored, and is read without the rest."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from w2s_cli.errors import InputError
from w2s_cli.io import open_image, write_image
from w2s_cli.stack import Cached, Computed, Stack

PLANES = np.random.default_rng(1).integers(0, 60000, (3, 150, 217), np.uint16)
FORMS: dict[str, dict[str, Any]] = {
    "one strip": {},
    "strips": {"rowsperstrip": 7},
    "big-endian": {"byteorder": ">"},
    "deflate": {"compression": "zlib", "rowsperstrip": 16},
    "zstd, predicted": {"compression": "zstd", "predictor": True, "rowsperstrip": 11},
    "LZW, one strip": {"compression": "lzw", "rowsperstrip": 150},
    "tiles": {"tile": (32, 64)},
    "tiles, deflate": {"tile": (48, 32), "compression": "zlib"},
    "floats": {"dtype": "float32", "compression": "zlib", "predictor": 3},
    "ImageJ": {"imagej": True},
    "ImageJ, deflate": {"imagej": True, "compression": "zlib"},
}
PARTS = [
    (slice(0, 150), slice(0, 217)),
    (slice(0, 40), slice(0, 217)),
    (slice(37, 101), slice(0, 217)),
    (slice(101, 150), slice(0, 217)),
    (slice(60, 61), slice(100, 163)),
    (slice(149, 150), slice(216, 217)),
]


@pytest.mark.parametrize("form", FORMS)
def test_parts_of_a_tiff(tmp_path: Path, form: str) -> None:
    options = dict(FORMS[form])
    planes = PLANES.astype(options.pop("dtype", "uint16"))
    opening = {
        key: options.pop(key) for key in ("imagej", "byteorder") if key in options
    }
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, **opening) as file:
        file.write(planes, photometric="minisblack", **options)
    with open_image(path, axes="TYX") as stack:
        for (number, plane), part in zip([*enumerate(planes)] * 2, PARTS, strict=True):
            np.testing.assert_array_equal(stack.region((number,), *part), plane[part])
            assert stack.region((number,), *part).dtype == stack.data.dtype
    decoded = "compression" in FORMS[form] or form == "tiles"
    assert (stack.chunk == (1, 1)) is not decoded


def test_parts_of_a_page_with_another_layout(tmp_path: Path) -> None:
    """As damage may have it: a page that says it has no samples."""
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for plane in PLANES:
            writer.write(plane, compression="zlib", rowsperstrip=16, metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[1].aspage().tags["SamplesPerPixel"].overwrite(0)
    with open_image(path, axes="TYX") as stack:
        for part in PARTS:
            np.testing.assert_array_equal(stack.region((1,), *part), PLANES[1][part])


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("config", ["contig", "separate"])
def test_parts_of_samples(tmp_path: Path, config: str, compression: str | None) -> None:
    samples = PLANES if config == "separate" else np.moveaxis(PLANES, 0, -1)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        samples,
        photometric="rgb",
        planarconfig=config,
        compression=compression,
        rowsperstrip=20,
    )
    with open_image(path) as stack:
        for number, plane in enumerate(PLANES):
            for part in PARTS:
                found = stack.region((number,), *part)
                np.testing.assert_array_equal(found, plane[part])


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<f4", "<f8"])
def test_parts_of_an_npy(tmp_path: Path, dtype: str) -> None:
    np.save(tmp_path / "a.npy", PLANES.astype(dtype))
    np.save(tmp_path / "f.npy", np.asfortranarray(PLANES.astype(dtype)))
    for name, chunk in (("a.npy", (1, 1)), ("f.npy", None)):
        with open_image(tmp_path / name) as stack:
            assert stack.chunk == chunk
            for part in PARTS:
                found = stack.region((2,), *part)
                np.testing.assert_array_equal(found, PLANES[2][part])


def test_a_plane_is_decoded_once_however_many_parts_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, decoded = tmp_path / "a.tif", []
    tifffile.imwrite(path, PLANES[0], compression="zlib", tile=(32, 32))
    read = tifffile.FileHandle.read
    with open_image(path) as stack:
        monkeypatch.setattr(
            tifffile.FileHandle,
            "read",
            lambda file, count=-1: decoded.append(count) or read(file, count),
        )
        for top in range(0, 150, 10):
            part = (slice(max(top - 3, 0), min(top + 13, 150)), slice(0, 217))
            found = stack.region((), *part)
            np.testing.assert_array_equal(found, PLANES[0][part])
    assert len(decoded) == 5 * 7


def test_a_part_that_cannot_be_decoded_is_the_files_failure(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PLANES[0], compression="zlib", rowsperstrip=50)
    with tifffile.TiffFile(path) as file:
        place = file.pages.first.dataoffsets[1]
    with path.open("r+b") as raw:
        raw.seek(place)
        raw.write(b"\xff" * 64)
    with open_image(path) as stack:
        assert stack.region((), slice(0, 50), slice(0, 217)).any()
        with pytest.raises(InputError, match="plane 1 cannot be decoded"):
            stack.region((), slice(0, 51), slice(0, 217))


def test_parts_of_one_channel_and_of_planes_in_hand() -> None:
    part = PARTS[4]
    computed = Computed(PLANES.shape, PLANES.dtype, lambda at: PLANES[at])
    cached = Cached(computed, 1 << 20)
    for data in (PLANES, computed, cached):
        stack = Stack(data, "CYX", chunk=(1, 1))
        for one in (stack, replace(stack, chunk=None)):
            found = one.only_channel("2").region((), *part)
            np.testing.assert_array_equal(found, PLANES[1][part])
    _ = cached[1,]
    np.testing.assert_array_equal(cached[(1, *part)], PLANES[1][part])


def test_a_png_that_nobody_could_open_is_not_written(tmp_path: Path) -> None:
    pixels = Computed((20_000, 9_000), np.dtype(np.uint8), lambda at: PLANES[0])
    with pytest.raises(InputError, match="a PNG of 20000 x 9000 pixels") as caught:
        write_image(Stack(pixels, "YX"), tmp_path / "a.png")
    assert caught.value.hint == "write a .tif file"
    assert not [*tmp_path.iterdir()]
