"""What Fiji and OME say of an image survives a restoration that doubles its size."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from w2s_cli.io import open_image, write_image
from w2s_cli.io.imagej import can_hold
from w2s_cli.stack import Channel, Stack

OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"


def doubled(stack):
    planes = [stack.data[index] for index in stack.indices()]
    data = np.array(planes).reshape(stack.data.shape).repeat(2, -1).repeat(2, -2)
    sizes = {a: s / 2 if a in "YX" else s for a, s in stack.pixel_size.items()}
    return replace(stack, data=data, pixel_size=sizes)


@pytest.fixture
def imagej_file(tmp_path):
    path = tmp_path / "fiji.tif"
    luts = [np.zeros((3, 256), np.uint8) for _ in range(2)]
    luts[0][0] = luts[1][1] = np.arange(256)
    tifffile.imwrite(
        path,
        np.arange(2 * 3 * 2 * 6 * 5, dtype=np.uint16).reshape(2, 3, 2, 6, 5),
        imagej=True,
        resolution=(10.0, 10.0),
        metadata={
            "axes": "TZCYX",
            "unit": "\\u00B5m",
            "spacing": 0.3,
            "finterval": 2.5,
            "mode": "composite",
            "xorigin": 3.0,
            "min": 5.0,
            "max": 99.0,
            "Info": "taken on a Monday, 37 °C",
            "LUTs": luts,
            "Ranges": (5.0, 99.0, 7.0, 77.0),
            "Labels": [f"plane {number}" for number in range(12)],
            "Overlays": b"Iout",
        },
    )
    return path


def test_imagej(imagej_file, tmp_path):
    with open_image(imagej_file) as stack:
        assert stack.pixel_size == pytest.approx({"X": 0.1, "Y": 0.1, "Z": 0.3})
        assert stack.time_step == 2.5
        assert stack.channels == (
            Channel(colour=(255, 0, 0)),
            Channel(colour=(0, 255, 0)),
        )
        write_image(
            doubled(stack), tmp_path / "out.tif", record=lambda: {"method": "µ x2"}
        )
        before = stack.extra["imagej"]
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        after = file.imagej_metadata
        page = file.pages.first
        assert page.resolution == pytest.approx((20.0, 20.0))
        assert page.description.isascii()
        assert "w2s=[{" in page.description
    same = set(before) - {"LUTs", "xorigin", "Overlays", "ImageJ"}
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    np.testing.assert_array_equal(after["LUTs"], before["LUTs"])
    assert after["xorigin"] == 6.0
    assert "Overlays" not in after
    with open_image(tmp_path / "out.tif") as copy:
        [entry] = copy.history
        assert entry["method"] == "µ x2"
        assert copy.pixel_size == pytest.approx({"X": 0.05, "Y": 0.05, "Z": 0.3})


def test_one_channel_of_imagej(imagej_file, tmp_path):
    with open_image(imagej_file) as stack:
        write_image(stack.only_channel("2"), tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        after = file.imagej_metadata
        assert file.series[0].axes == "TZYX"
    assert after["Ranges"] == (7.0, 77.0)
    assert after["LUTs"][1, 255] == 255
    assert after["Labels"] == [f"plane {number}" for number in range(1, 12, 2)]


def test_look_up_table_of_a_single_plane(tmp_path):
    fire = np.sort(np.random.default_rng(0).integers(0, 256, (3, 256)) * 257)
    fire = fire.astype(np.uint16)
    data = np.arange(30, dtype=np.uint8).reshape(5, 6)
    tifffile.imwrite(tmp_path / "a.tif", data, imagej=True, colormap=fire)
    with open_image(tmp_path / "a.tif") as stack:
        write_image(doubled(stack), tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        np.testing.assert_array_equal(file.pages.first.colormap, fire)
        assert file.pages.first.photometric == tifffile.PHOTOMETRIC.PALETTE


@pytest.mark.parametrize("dtype", ["int8", "uint16"])
def test_imagej_only_where_it_can_hold_the_pixels(tmp_path, dtype):
    """Above 4 GB, and for types that ImageJ has not, OME BigTIFF or OME-TIFF."""

    class Huge:
        shape = (2, 40_000, 40_000) if dtype == "uint16" else (2, 4, 4)

        def __getitem__(self, index):
            raise KeyboardInterrupt

    Huge.dtype = np.dtype(dtype)
    assert not can_hold(Stack(Huge(), "TYX"))


@pytest.fixture
def ome_file(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        path,
        np.arange(2 * 2 * 6 * 5, dtype=np.uint16).reshape(2, 2, 6, 5),
        photometric="minisblack",
        metadata={
            "axes": "TCYX",
            "Name": "cell 7",
            "Description": "a <cell> & more",
            "PhysicalSizeX": 100.0,
            "PhysicalSizeXUnit": "nm",
            "PhysicalSizeY": 0.1,
            "PhysicalSizeYUnit": "µm",
            "TimeIncrement": 500.0,
            "TimeIncrementUnit": "ms",
            "SignificantBits": 12,
            "Channel": {
                "Name": ["DAPI", "GFP ≥ 1"],
                "Color": [0x0000FFFF, 0x00FF00FF],
                "EmissionWavelength": [461.0, 509.0],
            },
            "Plane": {"DeltaT": [0.0, 0.1, 0.5, 0.6], "PositionX": [1.0] * 4},
            "MapAnnotation": {"slide": "7"},
        },
    )
    xml = tifffile.tiffcomment(path).encode().decode()
    shape = '<Rectangle ID="Shape:0" X="1" Y="2" Width="3.5" Height="1"/>'
    roi = f'<ROI ID="ROI:0"><Union>{shape}</Union></ROI></OME>'
    xml = xml.replace("</Image>", '<ROIRef ID="ROI:0"/></Image>').replace("</OME>", roi)
    tifffile.tiffcomment(path, xml.encode())
    return path


def written_xml(path):
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert len(file.series) == 1
        return ElementTree.fromstring(file.ome_metadata), file.series[0].axes


def test_ome(ome_file, tmp_path):
    with open_image(ome_file) as stack:
        assert stack.pixel_size == pytest.approx({"X": 0.1, "Y": 0.1})
        assert stack.time_step == 0.5
        assert stack.channels == (
            Channel("DAPI", (0, 0, 255)),
            Channel("GFP ≥ 1", (0, 255, 0)),
        )
        write_image(doubled(stack), tmp_path / "b.tif", record=lambda: {"method": "x2"})
    root, axes = written_xml(tmp_path / "b.tif")
    pixels = root.find(f"{OME}Image/{OME}Pixels")
    assert axes == "TCYX"
    assert root.find(f"{OME}Image").get("Name") == "cell 7"
    assert root.findtext(f"{OME}Image/{OME}Description") == "a <cell> & more"
    assert {key: pixels.get(key) for key in ("SizeX", "SizeY", "SizeC", "SizeT")} == {
        "SizeX": "10",
        "SizeY": "12",
        "SizeC": "2",
        "SizeT": "2",
    }
    assert (pixels.get("PhysicalSizeX"), pixels.get("PhysicalSizeXUnit")) == (
        "50",
        "nm",
    )
    assert pixels.get("SignificantBits") == "12"
    channels = pixels.findall(f"{OME}Channel")
    assert [c.get("EmissionWavelength") for c in channels] == ["461.0", "509.0"]
    planes = pixels.findall(f"{OME}Plane")
    assert [plane.get("DeltaT") for plane in planes] == ["0.0", "0.1", "0.5", "0.6"]
    assert root.find(f".//{OME}M").text == "7"
    assert root.find(f".//{OME}ROIRef").attrib == {"ID": "ROI:0"}
    shape = root.find(f"{OME}ROI/{OME}Union/{OME}Rectangle")
    assert shape.attrib == {
        "ID": "Shape:0",
        **{"X": "2", "Y": "4", "Width": "7", "Height": "2"},
    }
    order = [child.tag.rpartition("}")[2] for child in pixels]
    assert order == ["Channel"] * 2 + ["TiffData"] + ["Plane"] * 4
    assert [child.tag for child in root] == [
        f"{OME}Image",
        f"{OME}StructuredAnnotations",
        f"{OME}ROI",
    ]


def test_ome_of_the_same_size_keeps_its_regions(ome_file, tmp_path):
    with open_image(ome_file) as stack:
        write_image(stack, tmp_path / "b.tif", record=lambda: {"method": "x1"})
    root, _ = written_xml(tmp_path / "b.tif")
    assert [child.tag.rpartition("}")[2] for child in root] == [
        "Image",
        "StructuredAnnotations",
        "ROI",
    ]


def test_one_channel_of_ome(ome_file, tmp_path):
    with open_image(ome_file) as stack:
        write_image(stack.only_channel("GFP ≥ 1"), tmp_path / "b.tif")
    root, axes = written_xml(tmp_path / "b.tif")
    pixels = root.find(f"{OME}Image/{OME}Pixels")
    assert axes == "TYX"
    assert [c.get("EmissionWavelength") for c in pixels.findall(f"{OME}Channel")] == [
        "509.0"
    ]
    planes = pixels.findall(f"{OME}Plane")
    assert [(p.get("TheC"), p.get("DeltaT")) for p in planes] == [
        ("0", "0.1"),
        ("0", "0.6"),
    ]


def test_history_grows_by_one_entry_a_run(tmp_path):
    stack = Stack(np.zeros((4, 4), np.uint8), "YX")
    write_image(stack, tmp_path / "0.tif", record=lambda: {"run": 0})
    for run in (1, 2):
        with open_image(tmp_path / f"{run - 1}.tif") as image:
            write_image(
                image, tmp_path / f"{run}.tif", record=lambda run=run: {"run": run}
            )
    with open_image(tmp_path / "2.tif") as image:
        assert [entry["run"] for entry in image.history] == [0, 1, 2]
    root, _ = written_xml(tmp_path / "2.tif")
    assert len(root.findall(f".//{OME}CommentAnnotation")) == 1
    assert len(root.findall(f".//{OME}AnnotationRef")) == 1


def test_spoilt_history_is_no_history(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((4, 4), np.uint8),
        imagej=True,
        metadata={"w2s": "[{"},
    )
    with open_image(tmp_path / "a.tif") as stack:
        assert stack.history == ()
