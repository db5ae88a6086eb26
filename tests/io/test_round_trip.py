"""What is written is what is read: pixels, axes, sizes, channels, history."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import tifffile
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from w2s_cli.io import open_image, write_image
from w2s_cli.io.units import is_printed
from w2s_cli.stack import AXES, Channel, Stack

DTYPES = ("uint8", "uint16", "int8", "int16", "float32")
SIZES = st.floats(0.01, 15.0)
NAMES = st.text(st.characters(exclude_categories=["C"]), max_size=12)
COLOURS = st.tuples(*[st.integers(0, 255)] * 3)
ENTRIES = st.dictionaries(
    st.text(max_size=5), st.integers() | st.floats(allow_nan=False) | st.text() | NAMES
)


@st.composite
def stacks(draw, axes=None, dtypes=DTYPES):
    if axes is None:
        leading = draw(st.sets(st.sampled_from("TCZ")))
        axes = "".join(axis for axis in AXES if axis in {*leading, "Y", "X"})
    lengths = [draw(st.integers(2, 3)) for _ in axes[:-2]]
    shape = (*lengths, draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    data = rng.integers(0, 127, shape).astype(dtype)
    count = shape[axes.index("C")] if "C" in axes else 1
    channels = draw(st.booleans()) and [
        Channel(draw(NAMES), draw(COLOURS)) for _ in range(count)
    ]
    return Stack(
        data,
        axes,
        pixel_size={axis: draw(SIZES) for axis in draw(st.sampled_from(["", "XY"]))},
        time_step=draw(st.none() | SIZES) if "T" in axes else None,
        channels=tuple(channels or ()),
        history=tuple(draw(st.lists(ENTRIES, max_size=2))),
        extra={"compression": draw(st.sampled_from(["LZW", "deflate", "zstd", ""]))},
    )


def pixels(stack):
    planes = [stack.data[index] for index in stack.indices()]
    return np.array(planes).reshape(stack.data.shape)


def copied(stack, name):
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        write_image(stack, path)
        with open_image(path) as copy:
            return replace(copy, data=pixels(copy))


def assert_same(copy, stack):
    assert copy.axes == stack.axes
    assert copy.data.dtype == stack.data.dtype
    np.testing.assert_array_equal(copy.data, stack.data)
    assert copy.pixel_size == pytest.approx(stack.pixel_size, rel=1e-5)
    assert copy.history == stack.history


@settings(deadline=None, max_examples=30)
@given(stacks())
def test_ome_tiff(stack):
    copy = copied(stack, "copy.tif")
    assert_same(copy, stack)
    assert copy.extra["format"] == "OME-TIFF"
    assert copy.extra["compression"] == (stack.extra["compression"] or "none")
    assert copy.channels == stack.channels
    assert copy.time_step == stack.time_step


@settings(deadline=None, max_examples=30)
@given(stacks(dtypes=("uint8", "uint16", "int16", "float32")))
def test_imagej_tiff(stack):
    stack = replace(stack, extra={**stack.extra, "format": "ImageJ TIFF"})
    copy = copied(stack, "copy.tif")
    assert_same(copy, stack)
    assert copy.extra["format"] == "ImageJ TIFF"
    colours = [channel.colour for channel in copy.channels]
    assert colours == [channel.colour for channel in stack.channels]
    assert copy.time_step == pytest.approx(stack.time_step)


@settings(deadline=None, max_examples=30)
@given(stacks(axes="YX", dtypes=("uint8", "uint16")))
def test_png(stack):
    # Its dots an inch are the only calibration: those of a printer are none.
    printed = [is_printed(25400 / size, 25400) for size in stack.pixel_size.values()]
    assume(False in printed or not printed)
    copy = copied(stack, "copy.png")
    assert_same(copy, stack)
    assert copy.extra["format"] == "PNG"


@settings(deadline=None, max_examples=30)
@given(stacks())
def test_npy_keeps_pixels_and_guesses_axes(stack):
    if len(stack.axes) == 3 and stack.data.shape[-1] in (3, 4):
        return
    copy = copied(stack, "copy.npy")
    np.testing.assert_array_equal(copy.data, stack.data)
    assert copy.axes == {2: "", 3: "T", 4: "TZ", 5: "TCZ"}[len(stack.axes)] + "YX"
    assert copy.extra.get("axes guessed", False) == (len(stack.axes) > 2)
    assert copy.history == ()


def test_record_is_asked_for_after_the_last_plane(tmp_path):
    seen = []

    class Counted:
        shape = (3, 4, 5)
        dtype = np.dtype(np.uint8)

        def __getitem__(self, index):
            seen.append(index)
            return np.full((4, 5), index[0], np.uint8)

    stack = Stack(Counted(), "ZYX", history=({"first": 1},))
    for name in ("a.tif", "a.npy"):
        write_image(stack, tmp_path / name, record=lambda: {"planes": len(seen)})
    assert seen == [(0,), (1,), (2,)] * 2
    with open_image(tmp_path / "a.tif") as copy:
        first, last = copy.history
    assert (first, last["planes"]) == ({"first": 1}, 3)


@pytest.mark.parametrize("imagej", [False, True])
def test_other_programs_can_read_the_files(tmp_path, imagej):
    data = np.arange(2 * 3 * 4 * 8 * 9, dtype=np.uint16).reshape(2, 3, 4, 8, 9)
    stack = Stack(data, "TCZYX", {"X": 0.5, "Y": 0.5, "Z": 2.0}, history=({"a": 1},))
    path = tmp_path / "a.tif"
    write_image(replace(stack, extra={"format": "ImageJ TIFF"} if imagej else {}), path)
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        assert (file.is_imagej, file.is_ome) == (imagej, not imagej)
        assert series.axes == ("TZCYX" if imagej else "TCZYX")
        found = series.asarray()
        assert file.pages[0].tags["Software"].value == "w2s"
    np.testing.assert_array_equal(found.swapaxes(1, 2) if imagej else found, data)
