"""What programs of microscopes say of axes, pixel sizes and channels."""

import json
import struct

import numpy as np
import pytest
import tifffile

from w2s_cli.io import open_image, write_image

WRITTEN = {"photometric": "minisblack", "metadata": None, "contiguous": False}


def counts(*shape):
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


def read(path):
    with open_image(path) as stack:
        return np.asarray(stack), stack


def micromanager(path, pages, said):
    with tifffile.TiffWriter(path) as file:
        for page, one in zip(pages, said, strict=True):
            text = json.dumps(one).encode() + b"\0"
            tags = [(51123, "s", len(text), text, True)]
            file.write(page, extratags=tags, **WRITTEN)


def test_axes_of_each_plane_of_ndtiff(tmp_path):
    said = [
        {"Axes": {"time": t, "channel": c}, "PixelSizeUm": 0.1, "ZStepUm": 0.3}
        for t in range(3)
        for c in ("DAPI", "GFP")
    ]
    micromanager(tmp_path / "a.tif", data := counts(6, 5, 7), said)
    pixels, stack = read(tmp_path / "a.tif")
    assert (stack.axes, stack.warnings) == ("TCYX", ())
    np.testing.assert_array_equal(pixels, data.reshape(3, 2, 5, 7))
    assert [one.name for one in stack.channels] == ["DAPI", "GFP"]
    assert stack.pixel_size == {"X": 0.1, "Y": 0.1, "Z": 0.3}
    write_image(stack, tmp_path / "out.tif")
    _, again = read(tmp_path / "out.tif")
    assert (again.axes, again.channels) == (stack.axes, stack.channels)
    assert again.pixel_size == pytest.approx(stack.pixel_size)


def test_channels_that_change_slowest_and_old_names(tmp_path):
    said = [
        {"FrameIndex": 0, "SliceIndex": z, "ChannelIndex": c, "PositionIndex": 0}
        for c in range(2)
        for z in range(3)
    ]
    micromanager(tmp_path / "a.tif", data := counts(6, 5, 7), said)
    pixels, stack = read(tmp_path / "a.tif")
    assert stack.axes == "CZYX"
    np.testing.assert_array_equal(pixels, data.reshape(2, 3, 5, 7))


@pytest.mark.parametrize(
    "places",
    [
        [(0, 0), (0, 1), (1, 0)],  # cut off within a cycle
        [(0, 0), (1, 1), (0, 1), (1, 0)],  # in no order
    ],
)
def test_planes_in_no_order_stay_unnamed_and_that_is_said(tmp_path, places):
    said = [{"Axes": {"time": t, "channel": c}} for t, c in places]
    micromanager(tmp_path / "a.tif", data := counts(len(places), 5, 7), said)
    pixels, stack = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(pixels, data)
    assert "does not say what its" in stack.warnings[0]


@pytest.mark.parametrize(
    ("said", "planes", "axes", "shape"),
    [
        ("SI.hChannels.channelSave = [1;2]\n", 8, "TCYX", (4, 2)),
        (
            "SI.hChannels.channelSave = [1 3]\nSI.hStackManager.framesPerSlice = 1\n"
            "SI.hStackManager.numSlices = 3\nSI.hStackManager.stackZStepSize = -2\n",
            6,
            "CZYX",
            (2, 3),
        ),
        (
            "SI.hChannels.channelSave = 1\nSI.hStackManager.framesPerSlice = 1\n"
            "SI.hStackManager.actualNumSlices = 3\n",
            6,
            "TZYX",
            (2, 3),
        ),
        ("SI.hChannels.channelSave = [1;2]\n", 7, "TYX", (7,)),
    ],
)
def test_scanimage(tmp_path, said, planes, axes, shape):
    data = counts(planes, 5, 7)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for plane in data:
            software = "SI.VERSION_MAJOR = 2016\n" + said
            file.write(plane, software=software, **WRITTEN)
    pixels, stack = read(tmp_path / "a.tif")
    assert (stack.axes, stack.data.shape[:-2]) == (axes, shape)
    last = data if "C" not in axes else data.reshape(-1, 2, 5, 7)
    expected = last.swapaxes(0, 1) if axes == "CZYX" else last
    np.testing.assert_array_equal(pixels, expected.reshape(pixels.shape))
    assert stack.pixel_size.get("Z") == (2 if "StepSize" in said else None)


def test_scanimage_of_older_versions(tmp_path):
    said = "state.acq.savingChannel1=1\rstate.acq.savingChannel2=1\r"
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for plane in counts(4, 5, 7):
            file.write(plane, description=said, **WRITTEN)
    assert read(tmp_path / "a.tif")[1].axes == "TCYX"


@pytest.mark.parametrize(
    ("said", "sizes", "step", "names"),
    [
        (
            {"spacing": 0.5, "unit": "um", "Channel": {"Name": ["DAPI", "GFP"]}},
            {"X": 0.2, "Y": 0.2, "Z": 0.5},
            None,
            ["DAPI", "GFP"],
        ),
        (
            {"spacing": 500, "unit": "nm", "finterval": 2.5},
            {"X": 0.2, "Y": 0.2, "Z": 0.5},
            2.5,
            [],
        ),
        (
            {
                "PhysicalSizeX": 65.0,
                "PhysicalSizeXUnit": "nm",
                "TimeIncrement": 100,
                "TimeIncrementUnit": "ms",
                "Channel": [{"Name": "a"}, {"Name": "b"}],
            },
            {"X": 0.065, "Y": 0.2},
            0.1,
            ["a", "b"],
        ),
        (
            {"spacing": "wide", "unit": "um", "Channel": 3},
            {"X": 0.2, "Y": 0.2},
            None,
            [],
        ),
    ],
)
def test_metadata_that_tifffile_was_given(tmp_path, said, sizes, step, names):
    tifffile.imwrite(
        tmp_path / "a.tif",
        counts(2, 3, 5, 7),
        photometric="minisblack",
        resolution=(1e4 / 0.2, 1e4 / 0.2),
        resolutionunit="CENTIMETER",
        metadata={"axes": "CZYX", **said},
    )
    _, stack = read(tmp_path / "a.tif")
    assert stack.axes == "CZYX"
    assert stack.pixel_size == pytest.approx(sizes)
    assert stack.time_step == (pytest.approx(step) if step else None)
    assert [one.name for one in stack.channels] == names


def stk(path, planes, waves, depth):
    """Write a MetaMorph stack: planes one behind the other, a directory last."""
    count, height, width = planes.shape
    data, blobs = planes.astype("<u2").tobytes(), b""

    def put(blob):
        nonlocal blobs
        blobs += blob
        return 8 + len(data) + len(blobs) - len(blob)

    size = put(struct.pack("<II", 1, 10))
    unit = put(struct.pack("<I", 3) + b"um\0\0")
    first = put(struct.pack("<6I", 4, size, 5, size, 6, unit))
    rows = (
        struct.pack("<6I", int(100 * depth), 100, 2459000, 1000 * n, 2459000, 0)
        for n in range(count)
    )
    second = put(b"".join(rows))
    third = put(b"".join(struct.pack("<II", wave, 1) for wave in waves))
    tags = [
        (254, 4, 1, 0),
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 16),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, 2 * height * width),
        (33628, 4, 3, first),
        (33629, 5, count, second),
        (33630, 5, count, third),
    ]
    start = 8 + len(data) + len(blobs)
    body = struct.pack("<H", len(tags))
    body += b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    path.write_bytes(b"II*\0" + struct.pack("<I", start) + data + blobs + body)


@pytest.mark.parametrize(
    ("waves", "depth", "axes", "names"),
    [
        ([525] * 4, 0.25, "ZYX", ["525 nm"]),
        ([525] * 4, 0, "TYX", ["525 nm"]),
        ([450, 525] * 2, 0.25, "CZYX", ["450 nm", "525 nm"]),
        ([450, 450, 525, 525], 0, "TCYX", ["450 nm", "525 nm"]),
    ],
)
def test_metamorph_stacks(tmp_path, waves, depth, axes, names):
    stk(tmp_path / "a.stk", data := counts(4, 6, 8), waves, depth)
    pixels, stack = read(tmp_path / "a.stk")
    assert stack.axes == axes
    if axes == "CZYX" or axes == "TCYX":
        data = data.reshape(2, 2, 6, 8).swapaxes(0, 1)
    np.testing.assert_array_equal(pixels, data)
    known = {"X": 0.1, "Y": 0.1, **({"Z": 0.25} if depth else {})}
    assert stack.pixel_size == pytest.approx(known)
    assert [one.name for one in stack.channels] == names
    assert stack.time_step == (None if depth else 1.0)
