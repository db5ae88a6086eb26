"""Which files of a folder are images, and what is said of the others."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli.batch.file_pairs import files, left, paired
from w2s_cli.errors import InputError, NothingMatchedError
from w2s_cli.io import open_image
from w2s_cli.io.formats import NAMES, format_of, image_files, passed_over

PLANE = np.arange(30, dtype=np.uint16).reshape(5, 6)
SCHEMA = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("a.tif", "a.tif"),
        ("a.ome.TIFF", "a.ome.TIFF"),
        ("a.ome.tf2", "a.ome.tf2"),
        ("a.tf8", "a.tf8"),
        ("a.ome.btf", "a.ome.btf"),
        ("a.stk", "a.ome.tif"),
        ("a.b.LSM", "a.b.ome.tif"),
    ],
)
def test_every_suffix_is_found_and_written_beside_others(tmp_path, name, output):
    tifffile.imwrite(tmp_path / name, PLANE)
    assert paired([tmp_path], "out") == [(tmp_path / name, Path("out") / output)]
    assert not left([tmp_path])


def test_hidden_files_are_no_images_and_not_mentioned(tmp_path):
    for name in ("a.tif", "._a.tif", ".b.tif", ".DS_Store", ".w2s-0.tmp"):
        tifffile.imwrite(tmp_path / name, PLANE)
    assert [*image_files(tmp_path)] == [tmp_path / "a.tif"]
    assert not passed_over(tmp_path)


def test_files_of_other_kinds_are_counted_and_named(tmp_path):
    for name in ("a.tif", "b.oir", "c.vsi", "d.tif.gz", "e", "set.companion.ome"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    [said] = left([tmp_path, tmp_path / "a.tif"])
    assert f"names are of no {NAMES} image: b.oir, c.vsi, d.tif.gz " in said
    assert said.endswith("and 1 more (4 in all)")
    (tmp_path / "a.tif").unlink()
    with pytest.raises(NothingMatchedError, match=r"no image in .*, but b\.oir, c\."):
        files([tmp_path])


@pytest.mark.parametrize(
    ("start", "kind", "hint"),
    [
        (b"version https://git-lfs", "a Git LFS pointer", "git lfs pull"),
        (b"PK\3\4.......", "a ZIP archive", "unpack"),
        (b"\x1f\x8b.......", "a gzip archive", "unpack"),
        (b"<!DOCTYPE html>", "a web page", "download it again"),
        (b"\xff\xd8\xff\xe0....", "a JPEG picture", "export it as OME-TIFF"),
        *(
            (start, kind, "bfconvert -series 0 ")
            for start, kind in (
                (b"\0\0\0\x0cjP  \r\n", "a Nikon ND2 image of the older kind"),
                (b"OLYMPUSRAWFORMAT", "an Olympus OIR image"),
                (b"\xd0\xcf\x11\xe0....", "an OLE file"),
            )
        ),
        (b"something else", f"not a {NAMES} image", "export it as OME-TIFF"),
    ],
)
def test_what_is_no_image_is_called_by_its_kind(tmp_path, start, kind, hint):
    (tmp_path / "a.tif").write_bytes(start)
    with pytest.raises(InputError, match=kind) as raised:
        format_of(tmp_path / "a.tif")
    assert hint in raised.value.hint


def test_the_commands_that_convert_a_file(tmp_path):
    (tmp_path / "a b.oir").write_bytes(b"OLYMPUSRAWFORMAT")
    with pytest.raises(InputError) as raised:
        format_of(path := tmp_path / "a b.oir")
    plain = str(path)[:-4]
    assert raised.value.hint == (
        "convert it with Bio-Formats: bfconvert -series 0 "
        f"'{path}' '{plain}'.ome.tif, or all its images: bioformats2raw "
        f"'{path}' '{plain}'.ome.zarr"
    )


@pytest.fixture(params=["xml in each", "companion"])
def channels(tmp_path, request):
    """Write an image of two channels, one a file."""
    names = [f"cell_c{c}.ome.tif" for c in range(2)]
    uuids = [f"urn:uuid:11111111-0000-4000-8000-00000000000{c}" for c in range(3)]
    data = "".join(
        f'<TiffData FirstC="{c}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="{names[c]}">{uuids[c]}</UUID></TiffData>'
        for c in range(2)
    )
    xml = (
        f'<OME xmlns="{SCHEMA}" UUID="OWN"><Image ID="Image:0"><Pixels ID="Pixels:0" '
        'DimensionOrder="XYZCT" Type="uint16" SizeX="6" SizeY="5" SizeZ="1" SizeC="2" '
        f'SizeT="1"><Channel ID="C:0" Name="DAPI"/><Channel ID="C:1" Name="GFP"/>{data}'
        "</Pixels></Image></OME>"
    )
    if request.param == "companion":
        (tmp_path / "cell.companion.ome").write_text(xml.replace("OWN", uuids[2]))
        xml = (
            f'<OME xmlns="{SCHEMA}" UUID="OWN"><BinaryOnly '
            f'MetadataFile="cell.companion.ome" UUID="{uuids[2]}"/></OME>'
        )
    for c, name in enumerate(names):
        text = xml.replace("OWN", uuids[c])
        tifffile.imwrite(tmp_path / name, PLANE + c, description=text, metadata=None)
    return tmp_path


def test_an_image_in_several_files_is_one(channels):
    first = channels / "cell_c0.ome.tif"
    [others] = left([channels])
    assert files([channels]) == [first]
    assert files(sorted(channels.glob("*.tif"))) == [first]
    assert others.startswith(f"{first}: its image goes on in cell_c1.ome.tif, ")
    for path in channels.iterdir():  # the companion, too
        with open_image(path) as stack:
            np.testing.assert_array_equal(np.asarray(stack), [PLANE, PLANE + 1])
            assert [one.name for one in stack.channels] == ["DAPI", "GFP"]


def test_a_companion_without_its_files_names_them(channels):
    companion = channels / "cell.companion.ome"
    if not companion.exists():
        pytest.skip("this set has none")
    assert paired([companion], "out/")[0][1] == Path("out/cell.ome.tif")
    for path in channels.glob("*.tif"):
        path.unlink()
    with (
        pytest.raises(
            InputError, match=r"none of the 2 files that .* is there: cell_c0"
        ),
        open_image(companion),
    ):
        pass
