"""OME-XML as programs really write it: nothing of it stops pixels, nothing is lost."""

import struct
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from w2s_cli.io import left_out, open_image, write_image
from w2s_cli.io.regions import scaled_imagej

DATA = np.arange(6 * 8 * 10, dtype=np.uint16).reshape(6, 8, 10)
NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
OME = f"{{{NAMESPACE}}}"
CHANNELS = "".join(
    f'<Channel ID="Channel:0:{n}" Name="{name}" SamplesPerPixel="1"/>'
    for n, name in enumerate(("DAPI", "GFP"))
)


def xml_of(channels=CHANNELS, planes="", after="", sizes=(1, 2, 3)):
    z, c, t = sizes
    return (
        f'<OME xmlns="{NAMESPACE}"><Image ID="Image:0" Name="cell">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="10" '
        f'SizeY="8" SizeZ="{z}" SizeC="{c}" SizeT="{t}" PhysicalSizeX="0.1" '
        f'PhysicalSizeY="0.1">{channels}<TiffData IFD="0" PlaneCount="6"/>{planes}'
        f"</Pixels>{after}</Image></OME>"
    )


def file_of(folder, xml):
    path = folder / "a.ome.tif"
    description = xml if isinstance(xml, bytes) else xml.encode()
    tifffile.imwrite(
        path, DATA, photometric="minisblack", metadata=None, description=description
    )
    return path


def copied(path, scale=1, axes=None, channel=None):
    """Return what a file is read as, the XML of a copy, and what that has lost."""
    target = path.with_name("b.tif")
    with open_image(path, axes=axes) as stack:
        part = stack.only_channel(channel) if channel else stack
        data = np.asarray(part).repeat(scale, -1).repeat(scale, -2)
        sizes = {a: s / scale for a, s in stack.pixel_size.items()}
        result = replace(part, data=data, pixel_size=sizes)
        write_image(result, target, overwrite=True)
        lost = left_out(result, target)
    with tifffile.TiffFile(target) as file:
        assert file.series[0].size == data.size
        return replace(part, data=data), ElementTree.fromstring(file.ome_metadata), lost


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml.replace(f' xmlns="{NAMESPACE}"', ""),
        lambda xml: (
            xml.replace("<", "<o:").replace("<o:/", "</o:").replace("xmlns", "xmlns:o")
        ),
        lambda xml: '<?xml version="1.0" encoding="UTF-8"?>' + xml,
        lambda xml: xml.replace("cell", "Größe \xb5").encode("latin-1"),
        lambda xml: xml.replace("cell", "cell\x01\x0c"),
        lambda xml: xml.replace("cell", "cells & more"),
        lambda xml: xml + "\n<!-- junk -->\x02",
        lambda xml: "<!-- Warning: edit with care -->" + xml + "\n\n",
        lambda xml: xml.replace(NAMESPACE, NAMESPACE.replace("2016-06", "2008-09")),
        lambda xml: xml.replace(NAMESPACE, NAMESPACE.replace("2016-06", "2013-06")),
    ],
)
def test_forms(tmp_path, change):
    stack, root, lost = copied(file_of(tmp_path, change(xml_of())))
    assert stack.axes == "TCYX"
    np.testing.assert_array_equal(stack.data.reshape(DATA.shape), DATA)
    assert [channel.name for channel in stack.channels] == ["DAPI", "GFP"]
    assert stack.pixel_size == {"X": 0.1, "Y": 0.1}
    assert stack.warnings == lost == ()
    assert root.tag.startswith("{http://www.openmicroscopy.org/Schemas/OME/")
    names = [one.get("Name") for one in root.iterfind(".//{*}Channel")]
    assert names == ["DAPI", "GFP"]


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml.replace("</Pixels>", ""),
        lambda xml: xml[: len(xml) // 2],
        lambda xml: xml.replace('ID="Image:0"', 'ID="Image:0'),
        lambda xml: "<OME></OME><OME>",
    ],
)
def test_beyond_repair(tmp_path, change):
    stack, _, _ = copied(file_of(tmp_path, change(xml_of())))
    np.testing.assert_array_equal(stack.data.reshape(DATA.shape), DATA)
    line, guessed = stack.warnings
    assert "does not say what its" in guessed
    assert line.startswith("its OME-XML cannot be read (")
    assert "are not known, and left out" in line


@pytest.mark.parametrize("name", ["SizeT", "DimensionOrder", "SizeX"])
def test_attributes_that_are_missing_or_wrong(tmp_path, name):
    xml = xml_of()
    start = xml.index(f'{name}="')
    end = xml.index('"', start + len(name) + 2) + 1
    for text in ("", f'{name}="many"'):
        path = file_of(tmp_path, xml[:start] + text + xml[end:])
        stack, _, _ = copied(path)
        np.testing.assert_array_equal(stack.data.reshape(DATA.shape), DATA)
        assert stack.warnings[0].startswith("its metadata cannot be used (")


@pytest.mark.parametrize("colour", ["#FF0000", "red", "", "4294967295000"])
def test_a_colour_that_is_none(tmp_path, colour):
    xml = xml_of(
        CHANNELS.replace("SamplesPerPixel", f'Color="{colour}" SamplesPerPixel')
    )
    stack, _, _ = copied(file_of(tmp_path, xml))
    assert [channel.name for channel in stack.channels] == ["DAPI", "GFP"]


@pytest.mark.parametrize("count", [0, 1])
def test_channels_that_the_xml_forgot(tmp_path, count):
    said = CHANNELS.split("/>")[0] + "/>" if count else ""
    stack, root, _ = copied(file_of(tmp_path, xml_of(said)))
    assert stack.axes == "TCYX"
    assert [channel.name for channel in stack.channels] == ["DAPI", ""] * count
    channels = root.findall(f".//{OME}Channel")
    assert [one.get("ID") for one in channels] == ["Channel:0:0", "Channel:0:1"]
    assert [one.get("Name") for one in channels] == [["DAPI", None], [None, None]][
        count - 1
    ]
    kinds = [child.tag.removeprefix(OME) for child in root.find(f".//{OME}Pixels")]
    assert kinds == ["Channel", "Channel", "TiffData"]


PLANES = "".join(
    f'<Plane TheZ="0" TheC="{c}" TheT="{t}" DeltaT="{t}.{c}"/>'
    for t in range(3)
    for c in range(2)
)


def times(root):
    return [
        (one.get("TheC"), one.get("TheT"), one.get("DeltaT"))
        for one in root.iterfind(f".//{OME}Plane")
    ]


def test_planes_of_one_channel(tmp_path):
    _, root, lost = copied(file_of(tmp_path, xml_of(planes=PLANES)), 2, channel="GFP")
    assert times(root) == [("0", str(t), f"{t}.1") for t in range(3)]
    assert lost == ()


def test_other_axes_than_those_of_the_xml(tmp_path):
    """What the XML says of planes and channels is then said of other ones."""
    _, root, lost = copied(file_of(tmp_path, xml_of(planes=PLANES)), axes="CZYX")
    assert times(root) == []
    assert root.find(f"{OME}Image").get("Name") == "cell"
    assert [one.get("Name") for one in root.iterfind(f".//{OME}Channel")] == [None] * 3
    assert lost == (
        "not kept in the output: times and positions of its planes, whose axes are "
        "other ones",
    )


MODULO = (
    '<StructuredAnnotations><XMLAnnotation ID="Annotation:3" Namespace='
    '"openmicroscopy.org/omero/dimension/modulo"><Value><Modulo namespace="http://www.'
    'openmicroscopy.org/Schemas/Additions/2011-09"><ModuloAlongZ Type="angle" {}/>'
    "</Modulo></Value></XMLAnnotation></StructuredAnnotations></OME>"
)


@pytest.mark.parametrize(
    "said", ['Start="x"', "", 'Start="0" Step="0" End="1"', 'Start="0" End="6"']
)
def test_an_annotation_of_modulo_that_makes_no_sense_is_left_out(tmp_path, said):
    after = '<AnnotationRef ID="Annotation:3"/>'
    xml = xml_of(after=after).replace("</OME>", MODULO.format(said))
    stack, root, lost = copied(file_of(tmp_path, xml))
    assert (stack.axes, stack.warnings) == ("TCYX", ())
    assert root.find(".//{*}ModuloAlongZ") is None
    assert root.find(".//{*}AnnotationRef") is None
    assert lost == (
        "not kept in the output: an annotation of what an axis holds, which does not "
        "fit its length",
    )


@pytest.mark.parametrize(
    ("along", "said"), [("Q", 'Start="0" End="2"'), ("Z", 'Start="0" End="2.3"')]
)
def test_a_copy_with_an_odd_annotation_of_modulo_is_read_by_others(
    tmp_path, along, said
):
    """An axis that there is not, and 2.3 steps, which tifffile counts as 4 places."""
    one = CHANNELS.split("/>")[0] + "/>"
    odd = MODULO.format(said).replace("AlongZ", f"Along{along}")
    xml = xml_of(one, after='<AnnotationRef ID="Annotation:3"/>', sizes=(6, 1, 1))
    _, root, lost = copied(file_of(tmp_path, xml.replace("</OME>", odd)))
    assert lost
    assert root.find(".//{*}Modulo") is None


def test_an_axis_that_holds_another_stays_one(tmp_path):
    """Angles in Z, as of raw SIM images, with the annotation that says so."""
    one = CHANNELS.split("/>")[0] + "/>"
    said = 'Unit="degree" Start="0" Step="60" End="120"'
    xml = xml_of(one, after='<AnnotationRef ID="Annotation:3"/>', sizes=(6, 1, 1))
    path = file_of(tmp_path, xml.replace("</OME>", MODULO.format(said)))
    for scale in (1, 2):
        stack, root, lost = copied(path, scale)
        assert stack.axes == "ZYX"
        assert root.find(f".//{OME}Pixels").get("SizeZ") == "6"
        assert len(root.findall(".//{*}ModuloAlongZ")) == 1
        assert lost == stack.warnings == ()


SHAPES = (
    '<Rectangle ID="S:0" X="1" Y="2" Width="3.5" Height="1"/>',
    '<Ellipse ID="S:1" X="1" Y="2" RadiusX="3.5" RadiusY="0.25"/>',
    '<Line ID="S:2" X1="1" Y1="2" X2="3" Y2="4"/>',
    '<Polygon ID="S:3" Points="1,2 3.5,4 5,6"/>',
    '<Point ID="S:4" X="1" Y="2"><Transform A00="1" A10="0" A01="0" A11="1" '
    'A02="5" A12="-1"/></Point>',
    '<Label ID="S:5" X="1" Y="2" Text="nucleus 1,2"/>',
)
MASK = '<Mask ID="S:6" X="1" Y="2" Width="3" Height="3"><BinData>AA==</BinData></Mask>'


def with_regions(*shapes):
    regions = "".join(
        f'<ROI ID="ROI:{n}"><Union>{shape}</Union></ROI>'
        for n, shape in enumerate(shapes)
    )
    references = "".join(f'<ROIRef ID="ROI:{n}"/>' for n in range(len(shapes)))
    return xml_of(after=references).replace("</OME>", f"{regions}</OME>")


def test_regions_are_scaled(tmp_path):
    path = file_of(tmp_path, with_regions(*SHAPES))
    assert copied(path, 1)[2] == ()
    _, root, lost = copied(path, 2)
    assert lost == ()
    shapes = [dict(shape.attrib) for shape in root.iterfind(f"{OME}ROI/{OME}Union/*")]
    assert [shape.pop("ID") for shape in shapes] == [f"S:{n}" for n in range(6)]
    assert shapes == [
        {"X": "2", "Y": "4", "Width": "7", "Height": "2"},
        {"X": "2", "Y": "4", "RadiusX": "7", "RadiusY": "0.5"},
        {"X1": "2", "Y1": "4", "X2": "6", "Y2": "8"},
        {"Points": "2,4 7,8 10,12"},
        {"X": "2", "Y": "4"},
        {"X": "2", "Y": "4", "Text": "nucleus 1,2"},
    ]
    moved = root.find(f".//{OME}Transform").attrib
    assert (moved["A00"], moved["A02"], moved["A12"]) == ("1", "10", "-2")
    assert len(root.findall(f".//{OME}ROIRef")) == 6


def test_masks_are_left_out_and_said(tmp_path):
    path = file_of(tmp_path, with_regions(SHAPES[0], MASK))
    _, root, lost = copied(path, 2)
    assert [roi.get("ID") for roi in root.iterfind(f"{OME}ROI")] == ["ROI:0"]
    assert [roi.get("ID") for roi in root.iterfind(f".//{OME}ROIRef")] == ["ROI:0"]
    assert lost == (
        "not kept in the output: regions of interest such as masks, which cannot "
        "follow the pixels",
    )


def imagej_region(kind, box, points=(), *, subtype=0, options=0, floats=(0.0,) * 4):
    """Return a region as ImageJ stores it; its box is top, left, bottom, right."""
    header = bytearray(64)
    struct.pack_into(
        ">4shBx4hH4f", header, 0, b"Iout", 227, kind, *box, len(points), *floats
    )
    struct.pack_into(">hh", header, 48, subtype, options)
    struct.pack_into(">i", header, 60, 64 + 4 * len(points))
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return bytes(header) + struct.pack(f">{2 * len(points)}h", *xs, *ys) + bytes(64)


RECTANGLE = imagej_region(1, (5, 6, 30, 40))
POLYGON = imagej_region(0, (1, 2, 10, 12), [(0, 0), (10, 1), (3, 9)])
LINE = imagej_region(3, (0, 0, 0, 0), floats=(1.5, 2.0, 3.0, 4.25))


@pytest.mark.parametrize(
    ("region", "scaled"),
    [
        (RECTANGLE, imagej_region(1, (10, 12, 60, 80))),
        (POLYGON, imagej_region(0, (2, 4, 20, 24), [(0, 0), (20, 2), (6, 18)])),
        (LINE, imagej_region(3, (0, 0, 0, 0), floats=(3.0, 4.0, 6.0, 8.5))),
        (imagej_region(1, (5, 6, 20000, 40)), None),
        (imagej_region(1, (5, 6, 7, 8), subtype=4), None),
        (imagej_region(0, (5, 6, 7, 8)), None),
        (b"Iout", None),
        (b"", None),
    ],
)
def test_regions_of_imagej(region, scaled):
    assert scaled_imagej(region, 2) == scaled
    assert scaled_imagej(region, 1) == region


def test_regions_of_an_imagej_file(tmp_path):
    lost_one = imagej_region(1, (5, 6, 7, 8), subtype=4)
    said = {"ROI": RECTANGLE, "Overlays": [POLYGON, lost_one, LINE], "Info": "60x"}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, DATA, imagej=True, metadata={"axes": "ZYX", **said})
    target = tmp_path / "b.tif"
    with open_image(path) as stack:
        result = replace(stack, data=np.asarray(stack).repeat(2, -1).repeat(2, -2))
        write_image(result, target)
        assert left_out(stack, target) == ()
        assert left_out(result, target) == (
            "not kept in the output: 1 regions of interest, which cannot follow the "
            "pixels",
        )
    with tifffile.TiffFile(target) as file:
        after = file.imagej_metadata
    assert after["ROI"] == scaled_imagej(RECTANGLE, 2)
    assert after["Overlays"] == [scaled_imagej(one, 2) for one in (POLYGON, LINE)]
    assert after["Info"] == "60x"
    assert "xorigin" not in after


@pytest.mark.parametrize(("brightest", "bits"), [(4095, "12"), (4096, "13")])
def test_significant_bits_are_those_of_the_output(tmp_path, brightest, bits):
    xml = xml_of().replace(" SizeX", ' SignificantBits="12" SizeX')
    with open_image(file_of(tmp_path, xml)) as stack:
        pixels = np.asarray(stack).clip(max=4095)
        pixels.flat[7] = brightest
        write_image(replace(stack, data=pixels), tmp_path / "b.tif")
        write_image(replace(stack, data=pixels / np.float32(3)), tmp_path / "c.tif")
    for name, expected in (("b.tif", bits), ("c.tif", None)):
        with tifffile.TiffFile(tmp_path / name) as file:
            root = ElementTree.fromstring(file.ome_metadata)
        assert root.find(f".//{OME}Pixels").get("SignificantBits") == expected


@pytest.mark.parametrize("number", ["1", "3"])
def test_one_sample_of_a_pixel_is_a_channel_of_its_own(tmp_path, number) -> None:
    pixels = np.random.default_rng(0).integers(0, 4000, (16, 16, 3), np.uint16)
    tifffile.imwrite(
        tmp_path / "in.ome.tif", pixels, photometric="rgb", metadata={"axes": "YXS"}
    )
    with open_image(tmp_path / "in.ome.tif", colours=True) as stack:
        write_image(stack.only_channel(number), tmp_path / "out.ome.tif")
    with tifffile.TiffFile(tmp_path / "out.ome.tif") as file:
        assert file.is_ome
        assert file.series[0].axes == "YX"
        np.testing.assert_array_equal(file.asarray(), pixels[..., int(number) - 1])
        assert file.ome_metadata is not None
        assert 'SamplesPerPixel="3"' not in file.ome_metadata
