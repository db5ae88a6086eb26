"""Every bad input is one clear line."""

import errno
import os
import re
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from w2s_cli.errors import AxesError, InputError, OutOfMemoryError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.formats import image_files
from w2s_cli.stack import Stack

STACK = Stack(np.arange(6 * 32 * 33, dtype=np.uint16).reshape(6, 32, 33), "TYX")


def read_all(path):
    with open_image(path) as stack:
        for index in stack.indices():
            assert stack.data[index].shape == stack.data.shape[-2:]


def assert_refused(path, message, error=InputError):
    with pytest.raises(error, match=message) as caught:
        read_all(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.hint


def overwrite(path, page, tag, form, *values):
    """Overwrite the type of a tag, and what comes after it: its count, its value."""
    with tifffile.TiffFile(path) as file:
        entry = file.pages[page].tags[tag]
    with path.open("r+b") as file:
        file.seek(entry.offset + 2)
        file.write(struct.pack(form, *values))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tif", None, "there is no file"),
        (".", None, "is a folder, not an image"),
        ("a.tif", "", "is empty: 0 bytes"),
        ("a.png", "", "is empty: 0 bytes"),
        ("a.npy", "", "is empty: 0 bytes"),
        (
            "a.tif",
            "dear diary",
            r"is not a TIFF, PNG[\w, -]* or \w+ image: it starts with b'dear dia'",
        ),
    ],
)
def test_what_is_no_image(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    assert_refused(tmp_path / name, message)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_no_file_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(pipe := tmp_path / "pipe.tif")
    assert_refused(pipe, "is a pipe, socket or device, not a file")
    np.save(tmp_path / "a.npy", np.zeros((8, 8), np.uint16))
    assert [*image_files(tmp_path)] == [tmp_path / "a.npy"]


def test_unreadable(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert_refused(tmp_path / "a.tif", "cannot read .*: Permission denied")


def test_content_decides_not_the_name(tmp_path):
    tifffile.imwrite(tmp_path / "a.png", STACK.data[0])
    with open_image(tmp_path / "a.png") as stack:
        assert stack.extra["format"] == "TIFF"


@pytest.mark.parametrize(
    ("kind", "keep", "planes", "said"),
    [
        ("plain", 0.5, 1, r"it is cut off: page 2 is promised at byte \d+ of \d+"),
        ("ome", 0.5, 1, "it is cut off before its description, so that its axes"),
        ("imagej", 0.5, 3, "3 of 6 planes that it promises are there: slices 1-3 of 6"),
        ("shaped", 0.5, 3, "3 of 6 planes that it promises are there: slices 1-3 of 6"),
        ("lzw", 0.5, 1, "it is cut off: page "),
        ("w2s", 0.5, 1, "it is cut off before its description, so that its axes"),
        ("w2s", 0.99, 6, "it is cut off before its description, so that its axes"),
    ],
)
def test_truncated_tiff(tmp_path, kind, keep, planes, said):
    """What is whole is read, and the rest said to be missing."""
    path = tmp_path / "a.tif"
    options = {
        "plain": {"metadata": None},
        "ome": {"ome": True, "metadata": {"axes": "TYX"}},
        "imagej": {"imagej": True, "metadata": {"axes": "ZYX"}},
        "shaped": {"metadata": {"axes": "ZYX"}},
        "lzw": {"compression": "lzw", "metadata": None},
    }
    if kind == "w2s":
        write_image(STACK, path)
    else:
        tifffile.imwrite(path, STACK.data, photometric="minisblack", **options[kind])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    with open_image(path) as stack:
        found = np.asarray(stack).reshape(-1, 32, 33)
        assert re.match(said, "; ".join(stack.warnings))
    assert len(found) >= planes
    np.testing.assert_array_equal(found, STACK.data[: len(found)])


def test_truncated_within_the_first_plane(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK.data, imagej=True)
    path.write_bytes(path.read_bytes()[:1500])
    assert_refused(path, "is truncated: of 6 planes that it promises none is whole")


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_truncated_while_it_is_read(tmp_path, compression):
    path = tmp_path / "a.tif"
    options = {"photometric": "minisblack", "metadata": None}
    tifffile.imwrite(path, STACK.data, compression=compression, **options)
    with open_image(path) as stack:
        stack.data[(0,)]
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
        with pytest.raises(InputError, match=r"plane 6 (is missing|cannot be decoded)"):
            stack.data[(5,)]


def test_broken_data_name_their_plane(tmp_path):
    path = tmp_path / "a.tif"
    options = {"photometric": "minisblack", "metadata": None, "compression": "zlib"}
    tifffile.imwrite(path, STACK.data, **options)
    with tifffile.TiffFile(path) as file:
        offset = file.pages[3].dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 20)
    assert_refused(path, "is broken: plane 4 cannot be decoded")


@pytest.mark.parametrize("name", ["a.png", "a.npy"])
def test_truncated_png_and_npy(tmp_path, name):
    path = tmp_path / name
    noise = np.random.default_rng(0).integers(0, 99, (64, 64), np.uint8)
    write_image(Stack(noise, "YX"), path)
    path.write_bytes(path.read_bytes()[:1500])
    assert_refused(path, "is truncated")


def test_a_png_takes_no_more_than_the_file_has(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(path)
    content = bytearray(path.read_bytes())
    at = content.index(b"IDAT") - 4
    content[at : at + 4] = b"\x7f\xff\xff\xff"  # bytes of a chunk that are promised
    path.write_bytes(content)
    tracemalloc.start()
    with open_image(path) as stack:  # its pixels are whole
        assert not stack.data[()].any()
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


def test_an_array_whose_lengths_are_no_numbers(tmp_path):
    np.save(path := tmp_path / "a.npy", np.zeros((1, 8, 8)))
    path.write_bytes(path.read_bytes().replace(b"(1, 8, 8), }   ", b"(True, 8, 8), }"))
    assert_refused(path, "no array of numbers: ")


def test_places_that_are_text(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK.data[:2], metadata=None)
    overwrite(path, 1, "StripOffsets", "<H", 2)
    with open_image(path) as stack:  # the plane is missed, the other one read
        assert stack.data.shape[0] == 1 or stack.warnings


def test_tiles_far_larger_than_the_image(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK.data[0], tile=(16, 16), compression="zlib")
    overwrite(path, 0, "TileLength", "<HII", 4, 1, 1 << 30)
    assert_refused(path, "its tiles are of 1073741824 x 16 pixels, and the whole image")


def test_a_plane_beyond_memory(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", STACK.data[0], compression="zlib")

    def fail(*_, **__):
        raise MemoryError("16 TiB")

    monkeypatch.setattr(tifffile.TiffPage, "asarray", fail)
    assert_refused(
        tmp_path / "a.tif", "plane 1 of .* does not fit into memory", OutOfMemoryError
    )


def test_colour_png(tmp_path):
    picture = Image.new("P", (4, 4))
    picture.putpalette([200, 3, 7, 1, 90, 255])
    picture.save(tmp_path / "b.png")
    assert_refused(tmp_path / "b.png", "its mode is P")


def test_arrays_that_are_no_stacks(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(7, np.uint8))
    assert_refused(tmp_path / "a.npy", r"has shape \(7,\), which is not", AxesError)
    np.save(tmp_path / "b.npy", np.zeros((2,) * 6, np.uint8))
    assert_refused(tmp_path / "b.npy", "which is not a stack of planes", AxesError)
    np.save(tmp_path / "c.npy", np.array([{}, {}]), allow_pickle=True)
    assert_refused(tmp_path / "c.npy", "no array of numbers")


def test_any_damage_is_an_input_error_and_silent(tmp_path, capfd, caplog):
    rng = np.random.default_rng(0)
    path = tmp_path / "a.tif"
    wholes = []
    for options in (
        {"imagej": True},
        {"ome": True},
        {"compression": "lzw", "metadata": None},
        {"compression": "zlib", "tile": (16, 16)},
    ):
        tifffile.imwrite(path, STACK.data, photometric="minisblack", **options)
        wholes.append(path.read_bytes())
    for number in range(300):
        damaged = bytearray(wholes[number % len(wholes)])
        for place in rng.integers(0, (len(damaged), 400)[number % 2], 4):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(1, 2 * len(damaged))])
        try:
            read_all(path)
        except (InputError, OutOfMemoryError) as error:
            assert error.hint  # noqa: PT017
    assert capfd.readouterr() == ("", "")


def test_an_image_without_pixels(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((0, 9), np.uint8))
    message = r"a\.npy has no pixels: its shape is \(0, 9\)"
    assert_refused(tmp_path / "a.npy", message)


def test_an_array_that_is_cut_while_it_is_read(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(4 * 64 * 64, dtype=np.uint16).reshape(4, 64, 64))
    with open_image(path) as stack:
        assert stack.data[0,][0, 1] == 1
        with path.open("r+b") as file:
            file.truncate(20_000)
        with pytest.raises(InputError, match=r"a\.npy is truncated: it ends at byte"):
            stack.data[3,]


def test_an_array_in_fortran_order(tmp_path):
    data = np.arange(2 * 4 * 5, dtype=np.int16).reshape(2, 4, 5)
    np.save(tmp_path / "a.npy", np.asfortranarray(data))
    with open_image(tmp_path / "a.npy") as stack:
        np.testing.assert_array_equal(np.asarray(stack), data)


@pytest.mark.parametrize("big", [False, True])
def test_pages_in_a_circle_are_refused_at_once(tmp_path, big):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=big) as file:
        for _ in range(3):
            file.write(np.zeros((4, 5), np.uint8), metadata=None, contiguous=False)
    with tifffile.TiffFile(path) as file:
        first, last = file.pages[0].offset, file.pages[2].offset
        tags = len(file.pages[2].tags)
    with path.open("r+b") as file:
        file.seek(last + (8 + 20 * tags if big else 2 + 12 * tags))
        file.write(first.to_bytes(8 if big else 4, "little"))
    assert_refused(path, "page 3 is followed by page 1, in a circle")


def test_a_page_with_less_strips_than_it_needs(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((64, 8), np.uint8), rowsperstrip=8)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["ImageLength"].overwrite(2**28)
    assert_refused(path, "of 268435456 x 8 pixels has 8 of 33554432 strips or tiles")


def test_a_later_page_with_less_strips_than_the_first(tmp_path):
    path = tmp_path / "a.tif"
    pages = np.arange(2 * 64 * 8, dtype=np.uint8).reshape(2, 64, 8)
    tifffile.imwrite(path, pages, rowsperstrip=8, compression="zlib", metadata=None)
    with tifffile.TiffFile(path, mode="r+") as file:
        tag = file.pages[1].tags["StripOffsets"]
        tag.overwrite(tag.value[:3])
    with open_image(path, axes="TYX") as stack:
        np.testing.assert_array_equal(stack.data[0,], pages[0])
        with pytest.raises(InputError, match="plane 2 cannot be decoded"):
            stack.region((1,), slice(40, 50), slice(0, 8))
