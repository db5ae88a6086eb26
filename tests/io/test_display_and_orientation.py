"""How a TIFF is to be shown: turned, inverted."""

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from w2s_cli.io import left_out, open_image, write_image

DATA = np.arange(3 * 8 * 10, dtype=np.uint16).reshape(3, 8, 10)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path, orientation):
    path = tmp_path / "a.tif"
    tag = [(274, "H", 1, orientation, True)]
    options = {"resolution": (1e5, 2e5), "resolutionunit": "CENTIMETER"}
    options["photometric"] = "minisblack"
    tifffile.imwrite(path, DATA, metadata=None, extratags=tag, **options)
    picture = Image.fromarray(DATA[1])
    picture.getexif()[274] = orientation
    expected = np.asarray(ImageOps.exif_transpose(picture))
    with open_image(path) as stack:
        np.testing.assert_array_equal(stack.data[1,], expected)
        across = orientation > 4
        size = {"X": 0.05, "Y": 0.1} if across else {"X": 0.1, "Y": 0.05}
        assert stack.pixel_size == pytest.approx(size)
        turned = f"its Orientation tag is {orientation}: its planes are turned as that"
        assert any(turned in line for line in stack.warnings) == (orientation > 1)
        write_image(stack, tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages.first.tags.valueof(274, default=1) == 1
        np.testing.assert_array_equal(file.asarray()[1], expected)


def test_regions_of_a_turned_image_are_left_out(tmp_path):
    path = tmp_path / "a.tif"
    said = {"axes": "ZYX", "ROI": b"Iout" + bytes(124)}
    tag = [(274, "H", 1, 6, True)]
    tifffile.imwrite(path, DATA, imagej=True, metadata=said, extratags=tag)
    with open_image(path) as stack:
        assert "1 regions of interest" in left_out(stack, path)[0]


@pytest.mark.parametrize("imagej", [True, False])
def test_low_numbers_that_are_shown_bright(tmp_path, imagej):
    """The numbers are intensities; how they are shown is kept."""
    path, copy = tmp_path / "a.tif", tmp_path / "b.tif"
    said = "ImageJ=1.54f\nunit=micron\nmin=1.0\nmax=70.0\n" if imagej else None
    options = {"metadata": None, "description": said, "resolution": (10, 10)}
    tifffile.imwrite(path, DATA[0], photometric="miniswhite", **options)
    with open_image(path) as stack:
        np.testing.assert_array_equal(np.asarray(stack), DATA[0])
        assert ["MinIsWhite" in line for line in stack.warnings] == [True] * (
            not imagej
        )
        write_image(stack, copy)
    with tifffile.TiffFile(copy) as file:
        assert file.pages.first.photometric == tifffile.PHOTOMETRIC.MINISWHITE
        assert file.is_imagej == imagej
        np.testing.assert_array_equal(file.asarray(), DATA[0])
