"""Files with several images: which is opened, and whose metadata it has."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli import imread
from w2s_cli.errors import InputError, UsageError
from w2s_cli.io import images_of, open_image, write_image

SCHEMA = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
SHAPES = {"label": (8, 9), "cells": (2, 32, 36), "tile": (32, 36)}


def counts(*shape, start=0):
    return (np.arange(np.prod(shape)) + start).astype(np.uint16).reshape(shape)


@pytest.fixture
def scenes(tmp_path):
    """Write a small label, a picture in colours, the image of cells and a tile."""
    path = tmp_path / "scenes.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        for name, shape in SHAPES.items():
            size = 1 + [*SHAPES].index(name)
            file.write(
                counts(*shape, start=size),
                photometric="minisblack",
                metadata={
                    "axes": "CYX"[-len(shape) :],
                    "Name": name,
                    "PhysicalSizeX": float(size),
                },
            )
        file.write(
            np.full((128, 128, 3), 200, np.uint8),
            photometric="rgb",
            metadata={"axes": "YXS", "Name": "overview"},
        )
    return path


def test_the_largest_that_is_no_picture_is_opened_and_the_others_named(scenes):
    with open_image(scenes) as stack:
        assert np.asarray(stack).tolist() == counts(2, 32, 36, start=2).tolist()
        assert stack.pixel_size["X"] == 2
        [said] = stack.warnings
    assert said.startswith("it holds 4 images: this is 2 (cells, 2 x 32 x 36), left ")
    assert "1 (label, 8 x 9), 3 (tile, 32 x 36), 4 (overview, 128 x 128 x 3)" in said
    assert "--series all" in said


@pytest.mark.parametrize("wanted", ["3", "tile"])
def test_an_image_is_taken_by_number_or_name(scenes, wanted, tmp_path):
    with open_image(scenes, series=wanted) as stack:
        assert np.asarray(stack).tolist() == counts(32, 36, start=3).tolist()
        assert (stack.pixel_size["X"], stack.warnings) == (3, ())
        write_image(stack, tmp_path / "tile.ome.tif")
    with tifffile.TiffFile(tmp_path / "tile.ome.tif") as file:
        assert file.ome_metadata.count("<Image ") == 1
        assert 'Name="tile"' in file.ome_metadata
        assert file.series[0].shape == (32, 36)


def test_python_counts_from_0_and_takes_all_but_pictures(scenes):
    assert imread(scenes, series=2).data.shape == (32, 36)
    assert imread(scenes, series="label").data.shape == (8, 9)
    every = imread(scenes, series="all")
    assert [one.data.shape for one in every] == [*SHAPES.values()]
    assert [*images_of(scenes)] == ["1", "2", "3", "4"]
    assert images_of(scenes, colours=False)["3"] == "tile"


@pytest.mark.parametrize("wanted", ["0", "5", "nobody", ""])
def test_an_image_that_is_not_there_is_refused(scenes, wanted):
    with (
        pytest.raises(UsageError, match=f"no image '{wanted}' among the 4") as raised,
        open_image(scenes, series=wanted),
    ):
        pass
    assert "counted from 1, as in Fiji: 1 (label), 2 (cells)" in raised.value.hint


def test_formats_of_one_image_have_the_first_only(tmp_path):
    np.save(tmp_path / "a.npy", counts(4, 5))
    assert imread(tmp_path / "a.npy", series=0).data.shape == (4, 5)
    assert len(imread(tmp_path / "a.npy", series="all")) == 1
    with pytest.raises(UsageError, match="no image '2' among the 1 in the file"):
        imread(tmp_path / "a.npy", series=1)


def test_a_name_that_two_images_share_is_no_choice(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as file:
        for _ in range(2):
            file.write(counts(4, 5), metadata={"axes": "YX", "Name": "twin"})
    with (
        pytest.raises(UsageError, match="2 images in the file are called 'twin'"),
        open_image(tmp_path / "a.ome.tif", series="twin"),
    ):
        pass


@pytest.mark.parametrize("name", ["label", "Macro image", "thumbnail", "Cell masks"])
def test_what_is_called_a_label_or_preview_is_not_taken_for_the_image(tmp_path, name):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as file:
        for size, called in ((64, name), (32, "DAPI")):
            said = {"axes": "YX", "Name": called}
            file.write(counts(size, size), photometric="minisblack", metadata=said)
    with open_image(tmp_path / "a.ome.tif") as stack:
        assert stack.data.shape == (32, 32)


def image(number, data="", size="0.1", name=""):
    return (
        f'<Image ID="Image:{number}" Name="{name}"><Pixels ID="Pixels:{number}" '
        f'DimensionOrder="XYZCT" Type="uint16" SizeX="6" SizeY="5" SizeZ="1" SizeC="1" '
        f'SizeT="2" PhysicalSizeX="{size}" PhysicalSizeY="{size}"><Channel '
        f'ID="Channel:{number}:0" Name="stain {number}" SamplesPerPixel="1"/>{data}'
        "</Pixels></Image>"
    )


def written(path, xml, planes):
    with tifffile.TiffWriter(path, ome=False) as file:
        for number, plane in enumerate(planes):
            file.write(
                plane,
                metadata=None,
                contiguous=False,
                description=None if number else xml.encode(),
            )
    return path


def test_metadata_of_an_image_without_pixels_are_not_those_of_another(tmp_path):
    empty = image(0, '<TiffData PlaneCount="0"/><MetadataOnly/>', "9", "empty")
    bare = '<Image ID="Image:1" Name="bare"/>'
    full = image(2, '<TiffData IFD="0" PlaneCount="2"/>', "0.2", "full")
    xml = f'<OME xmlns="{SCHEMA}">{empty}{bare}{full}</OME>'
    path = written(tmp_path / "a.ome.tif", xml, counts(2, 5, 6))
    with open_image(path) as stack:
        assert (stack.axes, stack.pixel_size["X"]) == ("TYX", 0.2)
        assert [one.name for one in stack.channels] == ["stain 2"]
        write_image(stack, tmp_path / "out.ome.tif")
    with tifffile.TiffFile(tmp_path / "out.ome.tif") as file:
        assert 'Name="full"' in file.ome_metadata
        assert "empty" not in file.ome_metadata


def uuid(number):
    return f"urn:uuid:11111111-0000-4000-8000-00000000000{number}"


def at(number, name, time, ifd=0):
    return (
        f'<TiffData FirstT="{time}" IFD="{ifd}" PlaneCount="1">'
        f'<UUID FileName="{name}">{uuid(number)}</UUID></TiffData>'
    )


@pytest.fixture(params=["first file", "companion"])
def positions(tmp_path, request):
    """Write three positions, one a file, with the XML in one place alone."""
    names = [f"run_Pos{p}.ome.tif" for p in range(3)]
    companion = request.param == "companion"
    master = "run.companion.ome" if companion else names[0]
    own = uuid(9) if companion else uuid(0)
    images = "".join(
        image(p, "".join(at(p, names[p], t, t) for t in (0, 1)), p + 1, f"Pos{p}")
        for p in range(3)
    )
    xml = f'<OME xmlns="{SCHEMA}" UUID="{own}">{images}</OME>'
    (tmp_path / "run.companion.ome").write_text(xml)
    for p, name in enumerate(names):
        pointer = (
            f'<OME xmlns="{SCHEMA}" UUID="{uuid(p)}"><BinaryOnly '
            f'MetadataFile="{master}" UUID="{own}"/></OME>'
        )
        written(
            tmp_path / name,
            xml if master == name else pointer,
            counts(2, 5, 6, start=100 * p),
        )
    if not companion:
        (tmp_path / "run.companion.ome").unlink()
    return [tmp_path / name for name in names]


@pytest.mark.parametrize("place", range(3))
def test_a_file_that_points_to_its_metadata_has_its_own_position(positions, place):
    with open_image(positions[place]) as stack:
        expected = counts(2, 5, 6, start=100 * place)
        np.testing.assert_array_equal(np.asarray(stack), expected)
        assert (stack.axes, stack.pixel_size["X"]) == ("TYX", place + 1)
        assert stack.channels[0].name == f"stain {place}"
        assert len(stack.extra["series"]) == 1
        assert not stack.warnings


def test_a_file_whose_metadata_are_missing_is_read_and_says_so(positions, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    path = Path(shutil.copy(positions[1], alone))
    with open_image(path) as stack:
        np.testing.assert_array_equal(np.asarray(stack), counts(2, 5, 6, start=100))
        assert not stack.pixel_size
        assert "which is missing or cannot be read: pixel sizes" in stack.warnings[0]


@pytest.mark.parametrize("name", ["SizeT", "SizeZ", "SizeX"])
def test_more_than_a_file_can_hold_is_refused_at_once(tmp_path, name):
    xml = f'<OME xmlns="{SCHEMA}">{image(0, "<TiffData/>")}</OME>'
    for value in "126":
        xml = xml.replace(f'{name}="{value}"', f'{name}="2000000000"')
    path = written(tmp_path / "a.ome.tif", xml, counts(1, 5, 6))
    with pytest.raises(InputError, match=r"promises \d+ planes of .* bytes can hold"):
        imread(path)


def test_a_shape_that_a_file_cannot_hold_is_refused_at_once(tmp_path):
    said = '{"shape": [2000000000, 5, 6]}'
    tifffile.imwrite(tmp_path / "a.tif", counts(5, 6), description=said, metadata=None)
    with pytest.raises(InputError, match="promises 2000000000 planes, more than"):
        imread(tmp_path / "a.tif")
