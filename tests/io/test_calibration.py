"""Pixel sizes and time steps: every unit, halved at x2, and never one made up."""

import math
import struct
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from w2s_cli.io import open_image, write_image
from w2s_cli.io.units import is_printed, micrometres, positive, seconds
from w2s_cli.stack import Stack

DATA = np.arange(3 * 8 * 10, dtype=np.uint16).reshape(3, 8, 10)
NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
OME = f"{{{NAMESPACE}}}"


def doubled(stack):
    data = np.asarray(stack).repeat(2, -1).repeat(2, -2)
    sizes = {a: s / 2 if a in "YX" else s for a, s in stack.pixel_size.items()}
    return replace(stack, data=data, pixel_size=sizes)


def copies(path, suffix=".tif"):
    """Return what a file is read as, and the paths of a copy and of it enlarged."""
    with open_image(path) as stack:
        same, double = (path.with_name(f"x{n}{suffix}") for n in (1, 2))
        write_image(stack, same)
        write_image(doubled(stack), double)
    return stack, same, double


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        *((unit, 1.0) for unit in ("µm", "\u03bcm", "um", "µ", "\u03bc", "u", "UM")),
        *((unit, 1.0) for unit in ("micron", "Microns", "micrometer", "MICROMETRES")),
        *((unit, 1.0) for unit in ("\\u00B5m", "\\u03bcm", "Mikrometer", "micromètre")),
        *((unit, 1.0) for unit in ("㎛", "Âµm", "Î¼m", " µm ", "[um]", "µm/pixel")),
        *((unit, 1e-3) for unit in ("nm", "nanometre", "nanometers", "Nanometer")),
        *(
            (unit, 1e-4)
            for unit in ("Å", "\u212b", "angstrom", "Angstroms", "ångström")
        ),
        *((unit, 1e3) for unit in ("mm", "millimeter", "Millimetres", "MM")),
        *((unit, 1e4) for unit in ("cm", "centimetre")),
        *((unit, 25400.0) for unit in ("inch", "inches", "in", '"')),
        *(("pm", 1e-6), ("m", 1e6), ("meters", 1e6), ("km", 1e9), ("dm", 1e5)),
        *((r"\xb5m", 1.0), ("A", 1e-4), ("fm", 1e-9), ("yd", 914400.0)),
        *((unit, 25400 / 72) for unit in ("pt", "points")),
        *((unit, None) for unit in ("", "pixel", "pixels", "foo", "gray value", "2")),
    ],
)
def test_free_text(unit, size):
    assert micrometres(unit) == size


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        *(("mm", 1e3), ("Mm", 1e12), ("pm", 1e-6), ("Pm", 1e21), ("dam", 1e7)),
        *(("Å", 1e-4), ("thou", 25.4), ("in", 25400.0), ("ft", 304800.0)),
        *(("li", 25400 / 12), ("yd", 914400.0), ("mi", 1609344000.0), ("ym", 1e-18)),
        *(("pt", 25400 / 72), ("micron", 1.0), ("pixel", None)),
        *(("reference frame", None), ("ua", 149597870700e6), ("hm", 1e8)),
    ],
)
def test_units_of_ome(unit, size):
    assert micrometres(unit, ome=True) == size


@pytest.mark.parametrize(
    ("unit", "length"),
    [
        *(("s", 1), ("sec", 1), ("Seconds", 1), ("ms", 1e-3), ("msec", 1e-3)),
        *(("min", 60), ("minutes", 60), ("h", 3600), ("hours", 3600), ("d", 86400)),
        *(("µs", 1e-6), ("us", 1e-6), ("ns", 1e-9), ("milliseconds", 1e-3)),
        *(("", None), ("frames", None)),
    ],
)
def test_time(unit, length):
    assert seconds(unit) == length


@given(st.text() | st.floats() | st.none() | st.booleans() | st.tuples())
def test_a_number_of_a_file_is_finite_and_above_0_or_none(value):
    number = positive(value)
    assert number is None or (0 < number < math.inf and float(value) == number)


@pytest.mark.parametrize("dots", [72, 96, 150, 300, 600, 1200, 2400, 4800])
def test_print_resolutions(dots):
    assert is_printed(dots, 25400)
    assert is_printed(dots / 2.54, 1e4)
    assert is_printed(round(dots / 2.54), 1e4)
    assert not is_printed(10 * dots + 300 / 7, 25400 * 3)


@pytest.mark.parametrize("size", [0.05, 0.065, 0.1, 0.3, 0.65, 1, 2, 5, 6.5, 10])
def test_pixel_sizes_are_no_print_resolutions(size):
    assert not is_printed(1e4 / size, 1e4)
    assert not is_printed(25400 / size, 25400)


def imagej_file(folder, resolution=(10, 10), tag="NONE", **metadata):
    path = folder / "a.tif"
    tifffile.imwrite(
        path,
        DATA,
        imagej=True,
        resolution=resolution,
        resolutionunit=tag,
        metadata={"axes": "ZYX", **metadata},
    )
    return path


def imagej_says(path):
    with tifffile.TiffFile(path) as file:
        page, said = file.pages.first, file.imagej_metadata
        return page.resolution, int(page.resolutionunit), said


@pytest.mark.parametrize(
    ("said", "sizes"),
    [
        ({"unit": "micrometers", "spacing": 0.3}, {"X": 0.1, "Y": 0.1, "Z": 0.3}),
        ({"unit": "Angstrom", "spacing": 2}, {"X": 1e-5, "Y": 1e-5, "Z": 2e-4}),
        ({"unit": "nm", "zunit": "micron", "spacing": 0.3}, {"X": 1e-4, "Z": 0.3}),
        ({"unit": "nm", "yunit": "\\u00B5m"}, {"X": 1e-4, "Y": 0.1}),
        ({"unit": "micron", "spacing": -0.3}, {"X": 0.1, "Z": 0.3}),
        ({"unit": "pixel", "spacing": 2.0}, {}),
        ({"spacing": 2.0}, {}),
        ({"unit": "furlong", "spacing": 2.0}, {}),
        ({"unit": "furlong", "zunit": "nm", "spacing": 300.0}, {"Z": 0.3}),
    ],
)
def test_imagej_units_are_read_and_written_back(tmp_path, said, sizes):
    stack, same, double = copies(imagej_file(tmp_path, **said))
    assert {a: stack.pixel_size[a] for a in sizes} == pytest.approx(sizes)
    assert sizes or not stack.pixel_size
    for path, resolution in ((same, 10), (double, 20)):
        found, unit, after = imagej_says(path)
        assert found == pytest.approx((resolution, resolution))
        assert unit == 1
        assert {key: after[key] for key in said} == said
    assert any("furlong" in line for line in stack.warnings) == (
        "furlong" in [*said.values()]
    )


def test_imagej_takes_the_unit_of_the_tag_where_it_names_none(tmp_path):
    stack, same, double = copies(imagej_file(tmp_path, (5000, 5000), "CENTIMETER"))
    assert stack.pixel_size == pytest.approx({"X": 2.0, "Y": 2.0})
    assert imagej_says(same)[:2] == ((5000, 5000), 3)
    assert imagej_says(double)[:2] == ((10000, 10000), 3)


@pytest.mark.parametrize(
    ("resolution", "tag", "unit"),
    [(300, "INCH", None), (2400, "INCH", "inch"), (118, "CENTIMETER", "cm")],
)
def test_imagej_print_resolution_is_no_size(tmp_path, resolution, tag, unit):
    said = {"unit": unit} if unit else {}
    path = imagej_file(tmp_path, (resolution, resolution), tag, **said)
    stack, same, double = copies(path)
    assert stack.pixel_size == {}
    assert imagej_says(same)[0] == (resolution, resolution)
    assert imagej_says(double)[0] == (2 * resolution, 2 * resolution)


def test_imagej_without_calibration_stays_so(tmp_path):
    _, same, double = copies(imagej_file(tmp_path, (1, 1)))
    for path in (same, double):
        resolution, _, said = imagej_says(path)
        assert resolution == (1, 1)
        assert "unit" not in said


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("spacing", "NaN", False),
        ("spacing", "inf", False),
        ("spacing", "0,3", True),
        ("finterval", "0,3", True),
        ("finterval", "NaN", False),
        ("spacing", "", True),
        ("tunit", "fortnight", True),
        ("zunit", "verst", True),
    ],
)
def test_imagej_values_that_are_none(tmp_path, key, value, kept):
    others = {"spacing": 0.5, "finterval": 2.0, "unit": "micron"}
    path = imagej_file(tmp_path, **{**others, key: value})
    stack, same, _ = copies(path)
    assert all(math.isfinite(size) for size in stack.pixel_size.values())
    assert ("Z" in stack.pixel_size) == (key not in ("spacing", "zunit"))
    assert (stack.time_step == 2.0) == (key not in ("finterval", "tunit"))
    after = imagej_says(same)[2]
    assert (after.get(key) == value) == kept
    (line,) = stack.warnings
    assert value.lower() in line.lower()


def plain_file(folder, **options):
    path = folder / "a.tif"
    tifffile.imwrite(path, DATA, photometric="minisblack", metadata=None, **options)
    return path


@pytest.mark.parametrize("dots", [72, 96, 150, 300, 600, 1200, 2400])
@pytest.mark.parametrize("unit", ["INCH", "CENTIMETER"])
def test_print_resolution_of_a_tiff_is_no_size(tmp_path, dots, unit):
    number = dots if unit == "INCH" else dots / 2.54
    options = {"resolution": (number, number), "resolutionunit": unit}
    stack, same, double = copies(plain_file(tmp_path, **options))
    assert stack.pixel_size == {}
    for path, factor in ((same, 1), (double, 2)):
        with tifffile.TiffFile(path) as file:
            found = file.pages.first.resolution
            assert found == pytest.approx((factor * number, factor * number))
            assert "PhysicalSize" not in file.ome_metadata
        with open_image(path) as copy:
            assert copy.pixel_size == {}


@pytest.mark.parametrize("quotient", [(0, 0), (0, 1), (10, 0)])
def test_a_resolution_that_is_no_number(tmp_path, quotient):
    options = {"resolution": (5e4, 5e4), "resolutionunit": "CENTIMETER"}
    path = plain_file(tmp_path, **options)
    with tifffile.TiffFile(path) as file:
        places = [file.pages.first.tags[tag].valueoffset for tag in (282, 283)]
    raw = bytearray(path.read_bytes())
    for place in places:
        struct.pack_into("<II", raw, place, *quotient)
    path.write_bytes(raw)
    stack, _, double = copies(path)
    assert stack.pixel_size == {}
    with tifffile.TiffFile(double) as file:
        assert file.pages.first.resolution == (1, 1)


def test_print_resolution_of_a_png_is_no_size(tmp_path):
    Image.fromarray(DATA[0]).save(tmp_path / "a.png", dpi=(2400, 2400))
    stack, same, double = copies(tmp_path / "a.png", ".png")
    assert stack.pixel_size == {}
    for path, dots in ((same, 2400), (double, 4800)):
        with Image.open(path) as image:
            assert image.info["dpi"] == pytest.approx((dots, dots), rel=1e-4)


def ome_file(folder, attributes, axis="Z"):
    sizes = {"Z": 1, "C": 1, "T": 1, axis: 3}
    lengths = " ".join(f'Size{name}="{length}"' for name, length in sizes.items())
    path = folder / "a.ome.tif"
    xml = (
        f'<OME xmlns="{NAMESPACE}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
        f'DimensionOrder="XYZCT" Type="uint16" SizeX="10" SizeY="8" {lengths} '
        f"{attributes}>"
        '<Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        '<TiffData IFD="0" PlaneCount="3"/></Pixels></Image></OME>'
    )
    tifffile.imwrite(
        path, DATA, photometric="minisblack", metadata=None, description=xml.encode()
    )
    return path


def ome_says(path):
    with tifffile.TiffFile(path) as file:
        pixels = ElementTree.fromstring(file.ome_metadata).find(f".//{OME}Pixels")
    known = ("PhysicalSize", "TimeIncrement")
    return {k: v for k, v in pixels.attrib.items() if k.startswith(known)}


@pytest.mark.parametrize(
    ("size", "unit", "halved"),
    [
        *(("100", "nm", "50"), ("1000.0", "Å", "500"), ("1e-4", "mm", "5e-05")),
        *(("1.0", "pixel", "0.5"), ("3.0", "reference frame", "1.5")),
        *(("0.1", "µm", "0.05"), ("1E-13", "Mm", "5e-14"), ("0.004", "thou", "0.002")),
    ],
)
def test_ome_keeps_the_unit(tmp_path, size, unit, halved):
    attributes = f'PhysicalSizeX="{size}" PhysicalSizeXUnit="{unit}"'
    _, same, double = copies(ome_file(tmp_path, attributes))
    said = {"PhysicalSizeX": size, "PhysicalSizeXUnit": unit}
    assert ome_says(same) == said
    assert ome_says(double) == said | {"PhysicalSizeX": halved}


@pytest.mark.parametrize("unit", ["um", "\u03bcm", "micron"])
def test_a_unit_that_ome_has_not_but_everybody_understands(tmp_path, unit):
    attributes = f'PhysicalSizeX="0.1" PhysicalSizeXUnit="{unit}"'
    stack, same, double = copies(ome_file(tmp_path, attributes))
    assert stack.pixel_size == {"X": 0.1}
    assert ome_says(same) == {"PhysicalSizeX": "0.1", "PhysicalSizeXUnit": "µm"}
    assert ome_says(double) == {"PhysicalSizeX": "0.05", "PhysicalSizeXUnit": "µm"}


@pytest.mark.parametrize("value", ["NaN", "INF", "-INF", "0", "-0.1", "", "0,1", "abc"])
@pytest.mark.parametrize(
    "name", ["PhysicalSizeX", "PhysicalSizeY", "PhysicalSizeZ", "TimeIncrement"]
)
def test_ome_sizes_that_are_none(tmp_path, name, value):
    stack, same, double = copies(ome_file(tmp_path, f'{name}="{value}"'))
    assert stack.pixel_size == {}
    assert stack.time_step is None
    assert ome_says(same) == ome_says(double) == {}
    (line,) = stack.warnings
    assert line == f"its {name} is {value!r}, which is no size: it is left out"


@pytest.mark.parametrize("size", [2e-25, 1e-6, 1e13, 1e25])
def test_a_size_that_no_fraction_of_the_tag_can_hold_stays(tmp_path, size):
    stack = Stack(DATA, "ZYX", pixel_size={"X": size, "Y": size})
    write_image(stack, tmp_path / "a.tif")
    with open_image(tmp_path / "a.tif") as copy:
        assert copy.pixel_size == pytest.approx(stack.pixel_size)


def test_ome_depth_and_time_are_not_halved(tmp_path):
    attributes = (
        'PhysicalSizeZ="2" PhysicalSizeZUnit="pixel" '
        'TimeIncrement="1.5" TimeIncrementUnit="min"'
    )
    stack, _, double = copies(ome_file(tmp_path, attributes))
    assert stack.time_step == 90.0
    assert ome_says(double) == {
        "PhysicalSizeZ": "2",
        "PhysicalSizeZUnit": "pixel",
        "TimeIncrement": "1.5",
        "TimeIncrementUnit": "min",
    }


@pytest.mark.parametrize("value", ["NaN", "-1", "0", "", "abc", "2.5", "999999999999"])
@pytest.mark.parametrize(
    "keys",
    [("channels", "slices"), ("frames", "images"), ("order", "Labels"), ("LUTs",)],
)
def test_no_value_of_imagej_stops_pixels(tmp_path, keys, value):
    said = {"images": 3, "slices": 3, "unit": "micron"} | dict.fromkeys(keys, value)
    lines = "".join(f"{key}={value}\n" for key, value in said.items())
    path = plain_file(tmp_path, description=f"ImageJ=1.53t\n{lines}")
    _, same, _ = copies(path)
    np.testing.assert_array_equal(tifffile.imread(same), DATA)


def test_a_tiff_without_calibration_stays_so(tmp_path):
    _, same, double = copies(plain_file(tmp_path, resolution=(1, 1), resolutionunit=1))
    for path in (same, double):
        with tifffile.TiffFile(path) as file:
            assert file.pages.first.resolution == (1, 1)


def test_only_both_axes_together_are_a_print_resolution(tmp_path):
    sizes = {"X": 1.0, "Y": 25400 / 2400}  # one of them is 2400 dots an inch
    stack = Stack(np.zeros((8, 9), np.uint8), "YX", pixel_size=sizes)
    write_image(stack, tmp_path / "in.png")
    with open_image(tmp_path / "in.png") as again:
        assert again.pixel_size == pytest.approx(sizes, rel=1e-3)


def test_an_imagej_resolution_that_its_tag_cannot_hold_becomes_ome(tmp_path):
    tifffile.imwrite(
        tmp_path / "in.tif",
        DATA,
        imagej=True,
        resolution=(4e9, 4e9),
        metadata={"axes": "ZYX", "unit": "um"},
    )
    with open_image(tmp_path / "in.tif") as stack:
        size = stack.pixel_size["X"]
        write_image(doubled(stack), tmp_path / "out.tif")
    with open_image(tmp_path / "out.tif") as again:
        assert again.pixel_size["X"] == pytest.approx(size / 2)
        assert again.data.shape == (3, 16, 20)
