"""Of an image that is not whole the whole part is used, and the rest is said."""

from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from w2s_cli.errors import InputError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.content import Content
from w2s_cli.io.missing_planes import without_missing
from w2s_cli.stack import Channel

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
OME = f"{{{NAMESPACE}}}"


def plane(number):
    return np.full((8, 10), number, np.uint16)


@settings(deadline=None)
@given(st.data())
def test_what_is_left_is_whole_and_in_its_place(tmp_path_factory, data):
    axes = data.draw(st.sampled_from(["T", "TC", "CZ", "TCZ", "QZ"]))
    lead = tuple(data.draw(st.integers(2, 4)) for _ in axes)
    count = int(np.prod(lead))
    there = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    content = Content(f"{axes}YX", (*lead, 8, 10), np.dtype(np.uint16), plane)
    if not there.any():
        with pytest.raises(
            InputError, match=r"of .* planes that it promises none is whole"
        ):
            without_missing(content, there, tmp_path_factory.getbasetemp(), "")
        return
    left = without_missing(content, there, tmp_path_factory.getbasetemp(), "")
    *shape, height, width = left.shape
    assert (height, width) == (8, 10)
    assert len(left.axes) == len(left.shape)
    numbers = [int(left.read(n)[0, 0]) for n in range(int(np.prod(shape)))]
    assert all(there[number] for number in numbers)
    assert numbers == sorted(numbers)
    assert (len(numbers) == count) == there.all() == (not left.warnings)


def test_a_gap_leaves_no_distance_and_the_right_channels():
    content = Content(
        "TCYX",
        (4, 2, 8, 10),
        np.dtype(np.uint16),
        plane,
        pixel_size={"X": 0.1},
        time_step=2.0,
        channels=(Channel("a"), Channel("b")),
    )
    there = np.ones((4, 2), bool)
    there[3] = False
    assert without_missing(content, there.ravel(), None, "").time_step == 2.0
    there[3], there[1] = True, False
    left = without_missing(content, there.ravel(), None, "")
    assert left.time_step is None
    assert left.extra["kept"] == {"T": [0, 2, 3]}
    assert left.warnings == (
        "6 of 8 planes that it promises are there: time points 1, 3-4 of 4 are used. "
        "Copy or export it again if more were taken",
    )
    there[:, 0], there[:, 1] = True, False
    left = without_missing(content, there.ravel(), None, "")
    assert (left.axes, left.channels) == ("TYX", (Channel("a"),))


DATA = np.arange(16 * 8 * 10, dtype=np.uint16).reshape(16, 8, 10)


def ome_xml(planes, lines):
    return (
        f'<OME xmlns="{NAMESPACE}" UUID="urn:uuid:1"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="10" '
        f'SizeY="8" SizeZ="1" SizeC="2" SizeT="12" TimeIncrement="2">'
        '<Channel ID="Channel:0:0" Name="a"/><Channel ID="Channel:0:1" Name="b"/>'
        f"{lines}{planes}</Pixels></Image></OME>"
    )


def test_ome_that_promises_more(tmp_path):
    planes = "".join(
        f'<Plane TheZ="0" TheC="{c}" TheT="{t}" DeltaT="{t}.{c}"/>'
        for t in range(12)
        for c in range(2)
    )
    path, copy = tmp_path / "a.ome.tif", tmp_path / "b.tif"
    xml = ome_xml(planes, '<TiffData IFD="0" PlaneCount="24"/>')
    tifffile.imwrite(
        path, DATA, photometric="minisblack", metadata=None, description=xml
    )
    with open_image(path) as stack:
        assert (stack.axes, stack.data.shape) == ("TCYX", (8, 2, 8, 10))
        np.testing.assert_array_equal(np.asarray(stack).reshape(DATA.shape), DATA)
        assert stack.warnings == (
            "16 of 24 planes that it promises are there: time points 1-8 of 12 are "
            "used. Copy or export it again if more were taken",
        )
        write_image(stack, copy)
    with tifffile.TiffFile(copy) as file:
        root = ElementTree.fromstring(file.ome_metadata)
    assert root.find(f".//{OME}Pixels").get("SizeT") == "8"
    assert root.find(f".//{OME}Pixels").get("TimeIncrement") == "2"
    times = [one.get("DeltaT") for one in root.iterfind(f".//{OME}Plane")]
    assert times == [f"{t}.{c}" for t in range(8) for c in range(2)]


def test_members_of_a_set_that_are_not_there_are_named(tmp_path):
    lines = "".join(
        f'<TiffData FirstT="{t}" IFD="0" PlaneCount="2">'
        f'<UUID FileName="t{t}.ome.tif">urn:uuid:{t}</UUID></TiffData>'
        for t in range(12)
    )
    for t in range(12):
        xml = ome_xml("", lines).replace("uuid:1", f"uuid:{t}", 1)
        if t not in (4, 11):
            tifffile.imwrite(
                tmp_path / f"t{t}.ome.tif",
                DATA[:2] + 100 * t,
                photometric="minisblack",
                metadata=None,
                description=xml,
            )
    with open_image(tmp_path / "t0.ome.tif") as stack:
        assert stack.data.shape == (10, 2, 8, 10)
        firsts = [int(stack.data[t, 0][0, 0]) for t in range(10)]
        assert firsts == [100 * t for t in range(12) if t not in (4, 11)]
        assert stack.time_step is None
        (line,) = stack.warnings
    assert line.startswith(
        "20 of 24 planes that it promises are there (t11.ome.tif, t4.ome.tif of its "
        "set is not in the folder): time points 1-4, 6-11 of 12 are used."
    )


@pytest.mark.parametrize(
    "extra", ["frames=100", "slices=100", "slices=50\nframes=2", ""]
)
def test_imagej_that_promises_more(tmp_path, extra):
    said = f"ImageJ=1.53c\nimages=100\n{extra}\nunit=micron\n"
    tifffile.imwrite(tmp_path / "a.tif", DATA[0], metadata=None, description=said)
    with open_image(tmp_path / "a.tif") as stack:
        np.testing.assert_array_equal(np.asarray(stack), DATA[0])
        assert stack.axes == "YX"
        (line,) = stack.warnings
    assert line.startswith("1 of 100 planes that it promises are there")


def test_a_number_of_planes_that_cannot_be_is_said(tmp_path):
    said = f"ImageJ=1.53c\nimages={2 * 10**9}\nunit=micron\n"
    tifffile.imwrite(tmp_path / "a.tif", DATA[0], metadata=None, description=said)
    with open_image(tmp_path / "a.tif") as stack:
        np.testing.assert_array_equal(np.asarray(stack), DATA[0])
        (line,) = stack.warnings
    assert line.startswith("ImageJ's description promises 2000000000 planes, more than")


@pytest.mark.parametrize(
    ("lines", "used"),
    [
        ('<TiffData IFD="0" PlaneCount="24"/>', 24),
        ('<TiffData IFD="4" PlaneCount="24"/>', 24),
        ('<TiffData IFD="0" PlaneCount="2"/>' * 12, 2),
    ],
)
def test_pages_that_the_metadata_leave_out_are_said(tmp_path, lines, used):
    path = tmp_path / "a.ome.tif"
    pixels = np.concatenate([DATA, DATA])
    tifffile.imwrite(
        path,
        pixels,
        photometric="minisblack",
        metadata=None,
        description=ome_xml("", lines),
    )
    with open_image(path) as stack:
        assert f"its metadata describe {used} of its 32 pages" in stack.warnings[0]
    tifffile.tiffcomment(path, "none")  # as the warning says
    with open_image(path) as stack:
        np.testing.assert_array_equal(np.asarray(stack), pixels)


def test_labels_of_the_planes_that_are_left(tmp_path):
    path = tmp_path / "a.tif"
    labels = [f"plane {n}" for n in range(16)]
    said = {"axes": "TCYX", "Labels": labels, "channels": 2, "finterval": 2.0}
    tifffile.imwrite(path, DATA.reshape(8, 2, 8, 10), imagej=True, metadata=said)
    with tifffile.TiffFile(path) as file:
        start = file.pages.first.dataoffsets[0]
    path.write_bytes(path.read_bytes()[: start + 7 * DATA[0].nbytes + 5])
    with open_image(path) as stack:
        assert (stack.axes, stack.data.shape) == ("TCYX", (3, 2, 8, 10))
        write_image(stack.only_channel("2"), tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.imagej_metadata["Labels"] == ["plane 1", "plane 3", "plane 5"]
        np.testing.assert_array_equal(file.asarray(), DATA[1:6:2])


def test_pages_of_several_types_are_no_stack(tmp_path):
    """Those of the type that can be read are, and the others are said to be left."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for number, page in enumerate(DATA[:6]):
            said = "ImageJ=1.53t\nimages=6\nslices=6\n" if number == 0 else None
            pixels = page > 100 if number < 2 else page
            file.write(pixels, metadata=None, contiguous=False, description=said)
    with open_image(tmp_path / "a.tif") as stack:
        np.testing.assert_array_equal(np.asarray(stack), DATA[2:6])
        assert "its pages are not all of one type or size" in stack.warnings[0]
        assert "it holds 2 images" in stack.warnings[1]
