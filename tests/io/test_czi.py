"""CZI: scenes, tiles, pyramids, compression, colours, metadata."""

import numpy as np
import pytest

from microscope_files import write_czi
from w2s_cli.errors import InputError
from w2s_cli.io import images_of, open_image
from w2s_cli.stack import Channel

XML = """<ImageDocument><Metadata><Information><Image>
<AcquisitionDateAndTime>2024-01-01T00:00:00Z</AcquisitionDateAndTime>
<ComponentBitCount>14</ComponentBitCount>
<ObjectiveSettings><RefractiveIndex>1.518</RefractiveIndex><ObjectiveRef Id="O:2"/>
</ObjectiveSettings><Dimensions><Channels>
<Channel Id="Channel:0" Name="AF488"><ExcitationWavelength>488</ExcitationWavelength>
<EmissionWavelength>519</EmissionWavelength><ExposureTime>50000000</ExposureTime>
<Fluor>Alexa</Fluor></Channel><Channel Id="Channel:1" Name="DAPI"/></Channels>
<S><Scenes><Scene Index="0" Name="left"/><Scene Index="1" Name="right"/></Scenes></S>
</Dimensions></Image><Instrument><Objectives>
<Objective Id="O:1"><LensNA>0.1</LensNA></Objective>
<Objective Id="O:2" Name="Plan"><LensNA>1.4</LensNA><Immersion>Oil</Immersion>
<NominalMagnification>63</NominalMagnification></Objective></Objectives></Instrument>
</Information><Scaling><Items><Distance Id="X"><Value>1e-07</Value></Distance>
<Distance Id="Y"><Value>1.1e-07</Value></Distance>
<Distance Id="Z"><Value>3e-07</Value></Distance></Items></Scaling>
<DisplaySetting><Channels><Channel Id="Channel:0"><Color>#FF00FF80</Color></Channel>
</Channels></DisplaySetting></Metadata></ImageDocument>"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.czi"


def planes(tczyx):
    return [
        (dict(zip("TCZ", place, strict=True)), tczyx[place][..., None])
        for place in np.ndindex(tczyx.shape[:3])
    ]


def test_what_the_metadata_say(path, tczyx):
    write_czi(path, planes(tczyx), xml=XML)
    with open_image(path) as stack:
        assert stack.pixel_size == {"X": 0.1, "Y": 0.11, "Z": 0.3}
        assert stack.time_step == 2.0  # as measured
        assert stack.channels == (Channel("AF488", (0, 255, 128)), Channel("DAPI"))
        xml = stack.extra["ome"]
    for said in (
        'Model="Plan" NominalMagnification="63.0" LensNA="1.4" Immersion="Oil"',
        'RefractiveIndex="1.518"',
        'SignificantBits="14"',
        'Fluor="Alexa" ExcitationWavelength="488"',
        'TheZ="1" TheT="1" TheC="0" ExposureTime="0.05" DeltaT="2.0" PositionX="7"',
        "<AcquisitionDate>2024-01-01T00:00:00Z<",
    ):
        assert said in xml


@pytest.mark.parametrize(
    ("compression", "said"),
    [(0, "none"), (4, "JPEG XR"), (5, "Zstandard"), (6, "Zstandard")],
)
def test_compression(path, tczyx, compression, said):
    write_czi(path, planes(tczyx), compression=compression)
    with open_image(path) as stack:
        np.testing.assert_array_equal(np.asarray(stack), tczyx)
        assert stack.extra["compression"] == said


def mosaic(rows, columns, side=8, step=6, **fixed):
    """Return tiles that overlap, each of one number."""
    return [
        (
            {**fixed, "X": 100 + step * x, "Y": step * y - 20, "M": columns * y + x},
            np.full((side, side, 1), 10 * y + x + 1, np.uint16),
        )
        for y in range(rows)
        for x in range(columns)
    ]


@pytest.mark.parametrize("compression", [0, 5])
def test_tiles_are_put_together_the_later_on_top(path, compression):
    tiles = mosaic(2, 3)
    write_czi(path, tiles[::-1], compression=compression)
    expected = np.zeros((14, 20), np.uint16)
    for place, pixels in tiles:
        y, x = place["Y"] + 20, place["X"] - 100
        expected[y : y + 8, x : x + 8] = pixels[..., 0]
    with open_image(path) as stack:
        np.testing.assert_array_equal(stack.data[()], expected)
        part = stack.region((), slice(5, 9), slice(3, 17))
        np.testing.assert_array_equal(part, expected[5:9, 3:17])
        assert stack.chunk == (8, 8)
        [said] = stack.warnings
    assert said.startswith("it is put together of 6 tiles")
    assert said.endswith("nothing is blended")


def test_gaps_between_tiles_are_said(path):
    write_czi(path, mosaic(1, 2, step=12))
    with open_image(path) as stack:
        assert not stack.data[()][:, 8:12].any()
        assert stack.warnings[0].endswith("20 % of it has no tile, and is 0")


def test_each_scene_is_an_image_and_smaller_copies_are_none(path, tczyx):
    scenes = [
        ({"S": scene, "C": channel}, tczyx[0, channel, scene][..., None])
        for scene in (0, 1)
        for channel in (0, 1)
    ]
    write_czi(path, [*scenes, ({"S": 0}, np.ones((2, 3, 1), np.uint16))], reduced=1)
    assert images_of(path) == {"1": "scene 1", "2": "scene 2"}
    write_czi(path, scenes, xml=XML)
    assert images_of(path) == {"1": "left", "2": "right"}
    with open_image(path, series="2") as stack:
        np.testing.assert_array_equal(np.asarray(stack), tczyx[0, :, 1])


def test_phases_and_types_of_pixels_are_images_of_their_own(path):
    light, colours = np.ones((4, 5, 1), np.uint16), np.zeros((4, 5, 3), np.uint8)
    colours[0] = 1, 2, 3
    tiles = [({"H": 0, "C": 0}, light), ({"H": 1, "C": 0}, light * 2)]
    write_czi(path, tiles)
    assert [*images_of(path).values()] == ["phase 1", "phase 2"]
    write_czi(path, [({"C": 0}, light), ({"C": 1}, colours)])
    assert [*images_of(path).values()] == ["uint16", "colours"]
    with open_image(path, series="colours", axes="CYX") as stack:
        np.testing.assert_array_equal(stack.data[(0,)], colours[..., 0])
        np.testing.assert_array_equal(stack.data[(2,)], colours[..., 2])


def test_planes_without_tiles_are_not_zeros(path, tczyx):
    write_czi(path, planes(tczyx)[:-1])
    with open_image(path) as stack:
        assert "11 of 12 planes that it promises are there" in stack.warnings[0]
        assert np.asarray(stack).size < tczyx.size


def test_only_reduced_copies_are_refused(path):
    write_czi(path, [({}, np.ones((2, 3, 1), np.uint16))], reduced=1)
    with pytest.raises(InputError, match="holds only reduced copies"), open_image(path):
        pass


def test_broken_metadata_cost_no_pixels(path, tczyx):
    write_czi(path, planes(tczyx), xml="<ImageDocument><Metadata>")
    with open_image(path) as stack:
        np.testing.assert_array_equal(np.asarray(stack), tczyx)
        assert stack.warnings[0].startswith("its metadata cannot be read (no element")
