"""LIF: the images of a project, tiles, colours, metadata."""

import numpy as np
import pytest

from microscope_files import write_lif
from w2s_cli.errors import InputError
from w2s_cli.io import images_of, open_image
from w2s_cli.stack import Channel

pytest.importorskip("liffile")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.lif"


def test_what_the_metadata_say(path, tczyx):
    write_lif(path, {"cell": ("TCZYX", tczyx)})
    with open_image(path) as stack:
        assert stack.pixel_size == {"X": 0.1, "Y": 0.1, "Z": 0.4}
        assert stack.time_step == 1.5
        names = (Channel("dye 0", (255, 0, 0)), Channel("dye 1", (0, 255, 0)))
        assert stack.channels == names
        xml = stack.extra["ome"]
    for said in (
        'Image ID="Image:0" Name="cell"',
        'Model="HC PL APO"',
        'LensNA="1.3" Immersion="Glycerol"',
        'Fluor="dye 1"',
        'PinholeSize="100" PinholeSizeUnit="µm"',
    ):
        assert said in xml


def test_the_largest_image_of_light_is_taken_and_each_can_be(path, tczyx):
    small, colours = tczyx[0, 0, 0], np.zeros((40, 50, 3), np.uint8)
    colours[..., 1] = 5
    images = {"a": ("YX", small), "b": ("CZYX", tczyx[0]), "rgb": ("YXS", colours)}
    write_lif(path, images)
    assert images_of(path) == {"1": "a", "2": "b", "3": "rgb"}
    assert [*images_of(path, colours=False)] == ["1", "2"]
    for series, pixels in ((None, tczyx[0]), ("a", small), ("2", tczyx[0])):
        with open_image(path, series=series) as stack:
            np.testing.assert_array_equal(np.asarray(stack), pixels)
    with open_image(path, series="rgb") as stack:  # light in one colour
        np.testing.assert_array_equal(np.asarray(stack), colours[..., 1])
        assert stack.warnings[0].startswith("it is stored as a picture in colours")


def test_each_tile_is_an_image(path, tczyx):
    write_lif(path, {"scan": ("MCYX", tczyx[0].swapaxes(0, 1))})
    assert [*images_of(path).values()] == ["scan tile 1", "scan tile 2", "scan tile 3"]
    with open_image(path, series="scan tile 3") as stack:
        np.testing.assert_array_equal(np.asarray(stack), tczyx[0, :, 2])
        assert 'PositionX="2000" PositionXUnit="µm"' in stack.extra["ome"]


def test_scans_without_planes_are_named(path, tczyx):
    write_lif(path, {"xzt": ("TZX", tczyx[0, 0])})
    with pytest.raises(InputError, match=r"no image with rows and .*, but xzt"):
        images_of(path)
    write_lif(path, {"xzt": ("TZX", tczyx[0, 0]), "xy": ("YX", tczyx[0, 0, 0])})
    with open_image(path) as stack:
        [said] = stack.warnings
        assert said == "it also holds xzt, of a kind that w2s does not read"
