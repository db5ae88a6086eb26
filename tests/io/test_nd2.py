"""ND2: positions, calibration, colours, and frames that are not there."""

import numpy as np
import pytest

from microscope_files import write_nd2
from w2s_cli.errors import InputError
from w2s_cli.io import images_of, open_image
from w2s_cli.stack import Channel

pytest.importorskip("nd2")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.nd2"


def test_what_the_metadata_say(path, tczyx):
    write_nd2(path, np.moveaxis(tczyx, 1, -1).copy(), "TZ", channels=("DAPI", "GFP"))
    with open_image(path) as stack:
        assert stack.pixel_size == {"X": 0.1, "Y": 0.1, "Z": 0.25}
        assert stack.time_step == 0.75  # as measured, not the 0.5 that was asked for
        names = (Channel("DAPI", (0, 255, 0)), Channel("GFP", (0, 255, 0)))
        assert stack.channels == names
        xml = stack.extra["ome"]
    for said in (
        'LensNA="1.4"',
        'NominalMagnification="60.0"',
        'RefractiveIndex="1.515"',
        'EmissionWavelength="509"',
        'SignificantBits="12"',
        'TheZ="2" TheT="1" TheC="1" ExposureTime="0.04" DeltaT="1.25"',
        "<AcquisitionDate>2022-01-01T00:00:00.000<",
    ):
        assert said in xml


@pytest.mark.parametrize("lossless", [False, True])
def test_rows_with_padding_and_frames_that_are_deflated(path, tczyx, lossless):
    frames = np.moveaxis(tczyx, 1, -1).copy()
    write_nd2(path, frames, "TZ", channels="ab", padding=4, lossless=lossless)
    with open_image(path) as stack:
        np.testing.assert_array_equal(np.asarray(stack), tczyx)
        part = stack.region((1, 1, 2), slice(1, 3), slice(2, 6))
        np.testing.assert_array_equal(part, tczyx[1, 1, 2, 1:3, 2:6])
        assert stack.chunk == (None if lossless else (1, 6))


def test_each_position_is_an_image(path, tczyx):
    pixels = np.moveaxis(tczyx, 1, -1)[:, None].repeat(3, axis=1)
    pixels += np.arange(3, dtype=np.uint16)[:, None, None, None, None] * 1000
    points = ("well A1", "", "well A2")
    write_nd2(path, pixels.copy(), "TPZ", channels="ab", points=points)
    assert [*images_of(path).values()] == ["well A1", "position 2", "well A2"]
    for series, add in (("well A2", 2000), ("2", 1000), (None, 0)):
        with open_image(path, series=series) as stack:
            np.testing.assert_array_equal(np.asarray(stack), tczyx + add)
            assert f'PositionX="{add // 100}"' in stack.extra["ome"]
            assert (series is None) == any(
                "--series" in said for said in stack.warnings
            )


def test_without_calibration_there_is_no_size(path):
    write_nd2(path, np.ones((4, 5, 1), np.uint16), calibrated=False)
    with open_image(path) as stack:
        assert (stack.axes, stack.pixel_size) == ("YX", {})


def test_frames_that_were_not_recorded_are_not_zeros(path):
    pixels = np.ones((5, 4, 6, 1), np.uint16)
    write_nd2(path, pixels, "T", frames=3)
    with open_image(path) as stack:
        assert stack.data.shape == (3, 4, 6)
        assert np.asarray(stack).all()
        assert "3 of 5 planes that it promises are there" in stack.warnings[0]


def test_colours_are_channels_where_that_is_asked_for(path):
    pixels = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    write_nd2(path, pixels)
    with pytest.raises(InputError, match="is a colour picture"), open_image(path):
        pass
    with open_image(path, axes="CYX") as stack:
        np.testing.assert_array_equal(np.asarray(stack), np.moveaxis(pixels, -1, 0))
        assert [one.name for one in stack.channels] == ["red", "green", "blue"]


def test_planes_larger_than_the_file_are_refused_at_once(path):
    write_nd2(path, np.ones((4, 5, 1), np.uint16))
    width = "uiHeight\0".encode("utf-16-le")
    data = path.read_bytes()
    at = data.index(width) + len(width)
    path.write_bytes(data[:at] + (1 << 30).to_bytes(4, "little") + data[at + 4 :])
    said = r"promises planes of 1073741824 x 5 pixels, more than the file can hold"
    with pytest.raises(InputError, match=said), open_image(path):
        pass


def test_a_recording_that_was_interrupted_is_said(path):
    write_nd2(path, np.ones((4, 5, 1), np.uint16))
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="is cut off: the table of its frames") as e:
        images_of(path)
    assert e.value.hint.startswith("copy it again, or open it in NIS-Elements")
