"""What cannot be written is one clear line, and leaves nothing behind."""

import errno
import re
import resource
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from w2s_cli.errors import InputError, OutputError, UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.targets import check_target
from w2s_cli.stack import Stack

STACK = Stack(np.arange(6 * 32 * 33, dtype=np.uint16).reshape(6, 32, 33), "TYX")


class Failing:
    """Planes of which the last cannot be made."""

    shape = (3, 64, 64)
    dtype = np.dtype(np.uint16)

    def __init__(self, error):
        self.error = error

    def __getitem__(self, index):
        if index[0] == 2:
            raise self.error
        return np.zeros((64, 64), np.uint16)


@pytest.mark.parametrize("name", ["a.tif", "a.npy"])
@pytest.mark.parametrize("imagej", [False, True])
@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), OutputError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (InputError("a NaN"), InputError),
        (ZeroDivisionError(), ZeroDivisionError),
    ],
)
def test_a_failing_plane_leaves_nothing(tmp_path, name, imagej, error, raised):
    extra = {"format": "ImageJ TIFF"} if imagej else {}
    with pytest.raises(raised) as caught:
        write_image(Stack(Failing(error), "TYX", extra=extra), tmp_path / name)
    assert not list(tmp_path.iterdir())
    if raised is OutputError:
        assert re.search("cannot write .*: the disk is full", str(caught.value))


@pytest.mark.parametrize("name", ["a.tif", "a.npy", "a.png"])
def test_a_full_disk(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 65536, (500, 500)).astype(np.uint16)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OutputError, match=f"cannot write .*{name}: ") as caught:
            write_image(Stack(noise, "YX"), tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "free space" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_existing_output_is_kept_or_replaced_whole(tmp_path):
    path = tmp_path / "a.tif"
    path.write_text("precious")
    with pytest.raises(OutputError, match="exists") as caught:
        write_image(STACK, path)
    assert "--overwrite" in caught.value.hint
    failing = Stack(Failing(OSError(errno.ENOSPC, "full")), "TYX")
    with pytest.raises(OutputError, match="full"):
        write_image(failing, path, overwrite=True)
    assert path.read_text() == "precious"
    write_image(STACK, path, overwrite=True)
    with open_image(path) as stack:
        assert stack.data.shape == STACK.data.shape


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nowhere/a.tif", OutputError, "there is no folder .*nowhere"),
        ("folder.tif", OutputError, "folder.tif is a folder"),
        ("a.jpg", UsageError, "cannot tell the format of .* from its suffix '.jpg'"),
        ("a", UsageError, "cannot tell the format of .* from its suffix ''"),
    ],
)
def test_impossible_targets(tmp_path, name, error, message):
    (tmp_path / "folder.tif").mkdir()
    for attempt in (check_target, lambda path: write_image(STACK, path)):
        with pytest.raises(error, match=message) as caught:
            attempt(tmp_path / name)
        assert caught.value.hint


def test_unwritable_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(OutputError, match="cannot write into the folder"):
        write_image(STACK, tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        (STACK, "PNG holds one plane, not axes TYX"),
        (Stack(np.zeros((4, 4), np.float32), "YX"), "uint8 or uint16, not float32"),
    ],
)
def test_png_that_cannot_hold_the_stack(tmp_path, stack, message):
    with pytest.raises(InputError, match=message) as caught:
        write_image(stack, tmp_path / "a.png")
    assert caught.value.hint == "write a .tif file"
    assert not list(tmp_path.iterdir())


def test_names_that_no_program_writes_are_kept(tmp_path):
    path = tmp_path / "a.tif"
    stack = Stack(np.zeros((4, 8, 9), np.uint16), "ZYX")
    odd = {"imagej": {"gr\xfc\u20ac": 3}, "format": "ImageJ TIFF"}
    write_image(replace(stack, extra=odd), path)
    with tifffile.TiffFile(path) as file:
        assert file.imagej_metadata
        assert file.imagej_metadata[r"gr\xfc\u20ac"] == 3
