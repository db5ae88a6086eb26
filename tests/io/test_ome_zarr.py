"""OME-Zarr of every version and writer is read; what w2s writes is valid."""

import json
import shutil
import zipfile
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from w2s_cli.errors import AxesError, InputError, OutputError, UsageError
from w2s_cli.io import images_of, open_image, write_image
from w2s_cli.io.formats import format_of, image_files, stem, written_name
from w2s_cli.stack import Channel, Stack

zarr = pytest.importorskip("zarr")
numcodecs = pytest.importorskip("numcodecs")

UNITS = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
TYPES = {"t": "time", "c": "channel"}
PIXELS = np.random.default_rng(0).integers(0, 60000, (2, 3, 4, 20, 31), np.uint16)
SCALES = {"t": 1.5, "c": 1.0, "z": 0.5, "y": 0.1, "x": 0.2}


def axis(name: str) -> dict[str, str]:
    unit = {"unit": UNITS[name]} if name in UNITS else {}
    return {"name": name, "type": TYPES.get(name, "space"), **unit}


def multiscales(axes: str, **more: Any) -> list[dict[str, Any]]:
    scale = [SCALES[name] for name in axes]
    transforms = [{"type": "scale", "scale": scale}]
    dataset = {"path": "0", "coordinateTransformations": transforms}
    return [{"axes": [axis(name) for name in axes], "datasets": [dataset], **more}]


def save(
    path: Path,
    pixels: np.ndarray = PIXELS,
    axes: str = "tczyx",
    *,
    version: str = "0.4",
    attributes: dict[str, Any] | None = None,
    **how: Any,
) -> Path:
    """Write an image with zarr alone."""
    old = version != "0.5"
    group = zarr.open_group(path, mode="w", zarr_format=2 if old else 3)
    how.setdefault("chunks", (1,) * (pixels.ndim - 2) + (16, 16))
    if not old:
        how.setdefault("dimension_names", [*axes])
    array = group.create_array("0", shape=pixels.shape, dtype=pixels.dtype, **how)
    array[...] = pixels
    said = attributes or {"multiscales": multiscales(axes, version=version)}
    group.attrs.update(said if old else {"ome": {"version": version, **said}})
    return path


def read(path: Path, **how: Any) -> tuple[np.ndarray, Stack]:
    with open_image(path, **how) as stack:
        return np.asarray(stack), stack


def edit(path: Path, change: Any) -> None:
    """Change the JSON of a file."""
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))


AXES = ["yx", "cyx", "tyx", "zyx", "czyx", "tcyx", "tzyx", "tczyx", "zcyx", "ctzyx"]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("axes", [*AXES, "yxc", "xy", "zxy"])
def test_axes_of_any_number_and_order(axes: str, version: str, tmp_path: Path) -> None:
    pixels = PIXELS[(0,) * (5 - len(axes))]
    found, stack = read(save(tmp_path / "a.zarr", pixels, axes, version=version))
    wanted = "".join(letter for letter in "tczyx" if letter in axes)
    assert stack.axes == wanted.upper()
    expected = pixels.transpose([axes.index(letter) for letter in wanted])
    np.testing.assert_array_equal(found, expected)
    sizes = {k.upper(): v for k, v in SCALES.items() if k in axes and k in "zyx"}
    assert stack.pixel_size == sizes
    assert stack.time_step == (1.5 if "t" in axes else None)
    assert not stack.warnings
    rows, columns = slice(3, 19), slice(2, 17)
    part = stack.region((0,) * (len(axes) - 2), rows, columns)
    np.testing.assert_array_equal(part, expected[(0,) * (len(axes) - 2)][rows, columns])


CODECS = {
    "none": None,
    "blosc": numcodecs.Blosc("zstd"),
    "zstd": numcodecs.Zstd(),
    "gzip": numcodecs.GZip(),
    "zlib": numcodecs.Zlib(),
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("separator", "./")
@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<f4", ">f4", "u1", "<i2", "<f8"])
def test_codecs_separators_and_types(
    codec: str, separator: str, dtype: str, tmp_path: Path
) -> None:
    pixels = PIXELS[0, 0].astype(dtype)
    path = save(
        tmp_path / "a.zarr",
        pixels,
        "zyx",
        compressors=CODECS[codec],
        chunk_key_encoding={"name": "v2", "separator": separator},
    )
    found, stack = read(path)
    np.testing.assert_array_equal(found, pixels)
    assert stack.data.dtype == ("float32" if dtype == "<f8" else dtype[-2:])
    assert not stack.warnings


@pytest.mark.parametrize("chunks", [(3, 2, 7, 9), (1, 4, 20, 31), (4, 3, 64, 64)])
@pytest.mark.parametrize("shards", [None, 2])
def test_chunks_of_several_planes(chunks: Any, shards: Any, tmp_path: Path) -> None:
    chunks = tuple(min(*pair) for pair in zip(chunks, (3, 4, 20, 31), strict=True))
    how = {"shards": tuple(2 * side for side in chunks)} if shards else {}
    path = save(
        tmp_path / "a.zarr", PIXELS[0], "czyx", version="0.5", chunks=chunks, **how
    )
    found, _ = read(path)
    np.testing.assert_array_equal(found, PIXELS[0])


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3"])
def test_older_versions(version: str, tmp_path: Path) -> None:
    said: dict[str, Any] = {"version": version, "datasets": [{"path": "0"}]}
    if version == "0.3":
        said["axes"] = [*"tczyx"]
    path = save(tmp_path / "a.zarr", attributes={"multiscales": [said]})
    found, stack = read(path)
    np.testing.assert_array_equal(found, PIXELS)
    assert (stack.axes, stack.pixel_size) == ("TCZYX", {})
    assert not stack.warnings


def test_units_and_transformations(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PIXELS[0, 0], "zyx")

    def change(said: Any) -> None:
        (one,) = said["multiscales"]
        for at, unit in enumerate(["nanometer", "millimeter", "micrometer"]):
            one["axes"][at]["unit"] = unit
        one["coordinateTransformations"] = [{"type": "scale", "scale": [2.0, 1, 1]}]
        one["datasets"][0]["coordinateTransformations"] = [
            {"type": "scale", "scale": [150, 0.0001, 0.2]},
            {"type": "translation", "translation": [0, 0.001, 5]},
        ]

    edit(path / ".zattrs", change)
    _, stack = read(path)
    assert stack.pixel_size == pytest.approx({"Z": 0.3, "Y": 0.1, "X": 0.2})
    assert stack.extra["origin"] == pytest.approx({"Y": 1.0, "X": 5.0})


DOUBTS = {
    "no unit": (
        lambda one: [axis.pop("unit", 0) for axis in one["axes"]],
        r"its Y has a scale of 0.1 and no unit: it is not used",
    ),
    "unknown unit": (
        lambda one: one["axes"][1].update(unit="parrot"),
        r"its Y has a scale of 0.1 and the unit 'parrot', which is not known",
    ),
    "negative": (
        lambda one: one["datasets"][0]["coordinateTransformations"][0].update(
            scale=[0.5, -0.1, 0.2]
        ),
        "its Y has a scale of -0.1, which is no size",
    ),
    "too few": (
        lambda one: one["datasets"][0]["coordinateTransformations"][0].update(
            scale=[0.1, 0.2]
        ),
        "its scale transformation is no list of 3 numbers: it is left out",
    ),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_sizes_that_are_not_understood_are_said(doubt: str, tmp_path: Path) -> None:
    change, message = DOUBTS[doubt]
    path = save(tmp_path / "a.zarr", PIXELS[0, 0], "zyx")
    edit(path / ".zattrs", lambda said: change(said["multiscales"][0]))
    _, stack = read(path)
    assert message in "\n".join(stack.warnings)
    assert "Y" not in stack.pixel_size


def plate(path: Path) -> Path:
    """Write a plate of two wells with two fields each."""
    group = zarr.open_group(path, mode="w", zarr_format=2)
    wells = [{"path": "A/1", "rowIndex": 0, "columnIndex": 0}, {"path": "B/2"}]
    group.attrs["plate"] = {"wells": wells, "rows": [{"name": "A"}], "columns": []}
    for number, well in enumerate(["A/1", "B/2"]):
        own = group.create_group(well)
        own.attrs["well"] = {"images": [{"path": "0"}, {"path": "1"}]}
        for field in range(2):
            save(path / well / str(field), PIXELS[0, number, field], "yx")
    return path


def test_wells_and_fields_of_a_plate(tmp_path: Path) -> None:
    path = plate(tmp_path / "plate.zarr")
    names = ["A/1/0", "A/1/1", "B/2/0", "B/2/1"]
    assert [*images_of(path).values()] == names
    found, stack = read(path)
    np.testing.assert_array_equal(found, PIXELS[0, 0, 0])
    assert "it holds 4 images: this is 1 (A/1/0, 20 x 31)" in stack.warnings[0]
    for name, (well, field) in zip(names, product(range(2), range(2)), strict=True):
        for found, stack in (read(path, series=name), read(path / name)):
            np.testing.assert_array_equal(found, PIXELS[0, well, field])
            assert not stack.warnings
    assert [*images_of(path / "B/2").values()] == ["0", "1"]
    with pytest.raises(UsageError, match="there is no image 'C/1/0' among the 4"):
        read(path, series="C/1/0")


def test_labels_are_images_that_are_not_taken_by_themselves(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PIXELS[0, 0, 0, :9, :9], "yx")
    group = zarr.open_group(path, mode="r+")
    group.create_group("labels").attrs["labels"] = ["cells"]
    save(path / "labels" / "cells", PIXELS[0, 0, 1] // 1000, "yx")
    found, stack = read(path)
    assert found.shape == (9, 9)
    assert "left were 2 (labels/cells, 20 x 31)" in stack.warnings[0]
    assert images_of(path) == {"1": "", "2": "labels/cells"}
    assert images_of(path, colours=False) == {"1": ""}
    for labels in (
        read(path, series="labels/cells")[0],
        read(path / "labels" / "cells")[0],
        read(path / "labels")[0],
    ):
        np.testing.assert_array_equal(labels, PIXELS[0, 0, 1] // 1000)


XML = """<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
<Image ID="Image:0" Name="left"><Pixels ID="Pixels:0" DimensionOrder="XYZCT"
 Type="uint16" SizeX="9" SizeY="9" SizeZ="1" SizeC="1" SizeT="1" PhysicalSizeX="7">
<Channel ID="Channel:0:0" Name="DAPI" SamplesPerPixel="1" EmissionWavelength="460"/>
<MetadataOnly/></Pixels></Image>
<Image ID="Image:1" Name="right"><Pixels ID="Pixels:1" DimensionOrder="XYZCT"
 Type="uint16" SizeX="31" SizeY="20" SizeZ="1" SizeC="1" SizeT="1">
<Channel ID="Channel:1:0" Name="GFP" SamplesPerPixel="1" EmissionWavelength="510"/>
<MetadataOnly/></Pixels></Image></OME>"""


@pytest.mark.parametrize("listed", [True, False])
def test_series_of_bioformats2raw(listed: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.attrs["bioformats2raw.layout"] = 3
    save(path / "0", PIXELS[0, 0, 0, :9, :9], "yx")
    save(path / "1", PIXELS[0, 0, 1], "yx")
    names = ["0", "1"]
    if listed:
        group.create_group("OME").attrs["series"] = ["0", "1"]
        (path / "OME" / "METADATA.ome.xml").write_text(XML)
        names = ["left", "right"]
    assert [*images_of(path).values()] == names
    found, stack = read(path)  # the largest
    np.testing.assert_array_equal(found, PIXELS[0, 0, 1])
    assert "it holds 2 images: this is 2" in stack.warnings[0]
    found, stack = read(path, series=names[0])
    assert found.shape == (9, 9)
    if listed:
        assert stack.channels == (Channel("DAPI"),)
        assert stack.pixel_size == {"Y": 0.1, "X": 0.2}  # of the image, not of the XML
        write_image(stack_of(found, stack), out := tmp_path / "b.ome.tif")
        assert 'EmissionWavelength="460"' in read(out)[1].extra["ome"]


def stack_of(pixels: np.ndarray, stack: Stack) -> Stack:
    return replace(stack, data=pixels, chunk=None)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_level_and_bare_arrays(version: str, tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PIXELS[0], "czyx", version=version)
    found, stack = read(path / "0")
    assert (stack.axes, stack.pixel_size["Y"]) == ("CZYX", 0.1)
    bare = zarr.create_array(
        tmp_path / "b.zarr", data=PIXELS[0, 0], zarr_format=2 if version == "0.4" else 3
    )
    found, stack = read(tmp_path / "b.zarr")
    np.testing.assert_array_equal(found, PIXELS[0, 0])
    assert (stack.axes, stack.extra["format"]) == ("TYX", "Zarr")
    assert "without OME-NGFF metadata" in stack.warnings[0]
    assert "name them, such as --axes ZYX" in stack.warnings[1]
    assert read(tmp_path / "b.zarr", axes="ZYX")[1].axes == "ZYX"
    bare.attrs["_ARRAY_DIMENSIONS"] = ["z", "y", "x"]
    assert read(tmp_path / "b.zarr")[1].axes == "ZYX"


def test_archives_and_other_places(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ome.zarr", PIXELS[0], "czyx")
    for name, below in (("a.ozx", path), ("a.zarr.zip", tmp_path)):
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            for one in [*path.rglob("*")]:
                file.write(one, one.relative_to(below))
        found, stack = read(tmp_path / name)
        np.testing.assert_array_equal(found, PIXELS[0])
        assert not stack.warnings
        assert stem(Path(name)) == "a"
        assert written_name(Path(name)) == "a.ome.zarr"
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").put(str(path), "/a.zarr", recursive=True)
    found, stack = read(Path("memory://a.zarr"))
    np.testing.assert_array_equal(found, PIXELS[0])
    with pytest.raises(InputError, match=r"memory://b\.zarr holds no Zarr image"):
        read(Path("memory://b.zarr"))


def test_chunks_that_are_missing_are_said(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PIXELS[0], "czyx", fill_value=7)
    for chunk in (path / "0").glob("1.*"):
        chunk.unlink()
    found, stack = read(path)
    assert (found[1] == 7).all()
    assert "16 of its chunks are not stored: they are read as 7" in stack.warnings[0]


def test_a_chunk_that_is_broken(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PIXELS[0, 0, 0], "yx")
    for chunk in (path / "0").glob("[0-9]*"):
        chunk.write_bytes(b"broken")
    with pytest.raises(InputError, match=r"plane 1 cannot be decoded: .") as error:
        read(path)
    assert error.value.hint == "copy or export it again"


def test_a_chunk_of_blosc_that_is_cut_off_is_no_image(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.zarr", PIXELS[0, 0, 0], "yx", compressors=numcodecs.Blosc()
    )
    chunk = path / "0" / "0.0"
    whole = chunk.read_bytes()
    for length in range(0, len(whole), 20):
        chunk.write_bytes(whole[:length])
        with pytest.raises(InputError, match=f"it has {length} bytes"):
            read(path)


def remove(name: str) -> Any:
    def change(path: Path) -> None:
        one = path / name
        shutil.rmtree(one) if one.is_dir() else one.unlink()

    return change


def put(name: str, text: str) -> Any:
    return lambda path: (path / name).write_text(text)


BAD = {
    "no array": (remove("0"), "is damaged or not whole: its array '0' is missing"),
    "no attributes": (
        remove(".zattrs"),
        "is a Zarr group without an image: its metadata have no 'multiscales'; it "
        "holds the arrays 0",
    ),
    "broken JSON": (put(".zattrs", '{"multiscales": ['), "has broken metadata: "),
    "empty JSON": (put(".zattrs", ""), "has broken metadata: "),
    "a list": (put(".zattrs", "[1]"), "has broken metadata: "),
    "no .zarray": (remove("0/.zarray"), "its array '0' is missing"),
    "broken .zarray": (put("0/.zarray", "{"), "is no array that can be read: "),
    "multiscales is a number": (
        put(".zattrs", '{"multiscales": 3}'),
        "its 'multiscales' names none",
    ),
    "no datasets": (
        put(".zattrs", '{"multiscales": [{"axes": ["y"]}]}'),
        "is damaged or not whole: it names no arrays",
    ),
    "a path outside": (
        put(".zattrs", '{"multiscales": [{"datasets": [{"path": "../../a"}]}]}'),
        "is no array that can be read: ",
    ),
    "other axes": (
        put(
            ".zattrs", '{"multiscales":[{"axes":["z","y"],"datasets":[{"path":"0"}]}]}'
        ),
        "which the axes of its metadata do not fit",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_is_broken_is_one_line(fault: str, tmp_path: Path) -> None:
    change, message = BAD[fault]
    path = save(tmp_path / "a.zarr", PIXELS[0, 0], "zyx")
    change(path)
    with pytest.raises(InputError) as error:
        read(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.hint


def test_a_folder_that_is_only_called_zarr(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(InputError, match="holds no Zarr image: it has none of") as e:
        read(tmp_path / "a.zarr")
    assert e.value.hint


def test_one_dimension_is_no_image(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "a.zarr", data=np.arange(5))
    with pytest.raises(AxesError, match="has no axes Y and X"):
        read(tmp_path / "a.zarr")


VALUES: list[Any] = [None, True, -1, 1e999, "", "x", [], {}, [None], [[1]], {"0": 0}]


def mutated(said: Any) -> Any:
    """Yield the JSON with each of its values replaced by each of others."""
    if not isinstance(said, dict | list):
        return
    places = said if isinstance(said, dict) else range(len(said))
    for place in [*places]:
        before = said[place]
        for value in VALUES:
            said[place] = value
            yield
        said[place] = before
        yield from mutated(before)


def test_no_value_of_the_metadata_is_a_bug(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PIXELS[0, 0, 0], "yx")
    channels = [{"label": "a", "color": "FF0000", "window": {"start": 0, "end": 1}}]
    said = json.loads((path / ".zattrs").read_text())
    said["omero"] = {"channels": channels}
    said["w2s"] = {"history": [{"method": "x"}]}
    said["multiscales"][0]["coordinateTransformations"] = [
        {"type": "translation", "translation": [1, 2]}
    ]
    read_well = 0
    for _ in mutated(said):
        (path / ".zattrs").write_text(json.dumps(said))
        try:
            with open_image(path) as stack:
                assert stack.axes[-2:] == "YX"
                read_well += 1
        except InputError as error:
            assert error.hint  # noqa: PT017
    assert read_well > 100


def test_folders_are_images_of_a_batch(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ome.zarr", PIXELS[0, 0, 0], "yx")
    np.save(tmp_path / "b.npy", PIXELS[0, 0, 0])
    (tmp_path / "notes").mkdir()
    assert [*image_files(tmp_path)] == [path, tmp_path / "b.npy"]
    assert [*image_files(path)] == [path]
    assert format_of(path).name == "OME-Zarr"


def given(shape: tuple[int, ...] = (2, 700, 530), **more: Any) -> Stack:
    pixels = np.random.default_rng(1).integers(0, 60000, shape).astype(np.uint16)
    facts: dict[str, Any] = {
        "pixel_size": {"Y": 0.1, "X": 0.1, "Z": 0.5},
        "channels": (Channel("DAPI", (0, 0, 255)), Channel("GFP", (0, 255, 0))),
        "history": ({"tool": "w2s", "method": "gaussian"},),
    }
    return Stack(pixels, more.pop("axes", "CYX"), **{**facts, **more})


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_what_is_written_is_valid(version: str, tmp_path: Path) -> None:
    yaozarrs = pytest.importorskip("yaozarrs")
    before = given(extra={"ngff": version, "origin": {"Y": 3.0}})
    write_image(before, path := tmp_path / "a.ome.zarr")
    found, stack = read(path)
    np.testing.assert_array_equal(found, before.data)
    assert (stack.pixel_size, stack.channels) == ({"Y": 0.1, "X": 0.1}, before.channels)
    assert (stack.history, stack.extra["ngff"]) == (before.history, version)
    assert (stack.extra["levels"], stack.extra["origin"]) == (2, {"Y": 3.0})
    assert not stack.warnings
    said = dict(zarr.open_group(path, mode="r").attrs)
    model = yaozarrs.v04.Image if version == "0.4" else yaozarrs.v05.Image
    image = model.model_validate(said["ome"] if version == "0.5" else said)
    assert [one.path for one in image.multiscales[0].datasets] == ["0", "1"]
    yaozarrs.validate_zarr_store(path)
    smaller, stack = read(path / "1")
    assert stack.pixel_size == pytest.approx({"Y": 0.2, "X": 0.2})
    assert stack.extra["origin"] == pytest.approx({"Y": 3.05, "X": 0.05})
    squares = before.data.reshape(2, 350, 2, 265, 2)
    np.testing.assert_allclose(smaller, squares.mean((2, 4)), atol=0.5)


@pytest.mark.parametrize("shape", [(1, 1), (513, 3), (3, 1025), (1030, 1027)])
def test_sizes_that_do_not_divide(shape: tuple[int, int], tmp_path: Path) -> None:
    before = given(shape, axes="YX", channels=())
    write_image(before, path := tmp_path / "a.ome.zarr")
    found, stack = read(path)
    np.testing.assert_array_equal(found, before.data)
    levels = stack.extra.get("levels", 1)
    last, _ = read(path / str(levels - 1))
    assert max(last.shape) <= 512
    assert last.shape == tuple(-(-side // 2 ** (levels - 1)) for side in shape)


def test_large_planes_are_read_and_written_in_bands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from w2s_cli import stack as stacks
    from w2s_cli.io import ome_zarr_writing

    monkeypatch.setattr(ome_zarr_writing, "_CHUNK", 16)
    for module in (stacks, ome_zarr_writing):
        monkeypatch.setattr(module, "LARGEST_WHOLE", 2000)
    write_image(
        given((3, 90, 117), axes="ZYX", channels=()), path := tmp_path / "a.zarr"
    )
    whole, stack = read(path)
    assert zarr.open_array(path / "0").shards == (1, 16, 64)
    asked = []

    class Watched:
        shape, dtype = stack.data.shape, stack.data.dtype

        def __getitem__(self, index: Any) -> Any:
            asked.append(index[-2:])
            return stack.data[index]

    write_image(replace(stack, data=Watched()), tmp_path / "b.zarr")
    np.testing.assert_array_equal(read(tmp_path / "b.zarr")[0], whole)
    assert {rows.stop - rows.start for rows, _ in asked} == {16, 10}


def test_a_source_of_five_axes_keeps_them(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PIXELS[:1, :, :1], "tczyx")
    edit(path / ".zattrs", lambda said: said.update(mine={"a": 1}))
    pixels, stack = read(path)
    assert stack.axes == "CYX"
    write_image(stack_of(pixels, stack), out := tmp_path / "b.zarr")
    assert zarr.open_array(out / "0").shape == (1, 3, 1, 20, 31)
    assert zarr.open_group(out).attrs["mine"] == {"a": 1}
    assert read(out)[1].pixel_size == {"Z": 0.5, "Y": 0.1, "X": 0.2}


def test_metadata_of_ome_go_there_and_back(tmp_path: Path) -> None:
    before = given((1, 9, 9), axes="CYX", channels=(), extra={"ome": XML})
    write_image(before, path := tmp_path / "a.ome.zarr")
    assert "MetadataOnly" in (path / "OME" / "METADATA.ome.xml").read_text()
    pixels, stack = read(path)
    assert stack.channels == (Channel("DAPI"),)
    write_image(stack_of(pixels, stack), back := tmp_path / "b.ome.tif")
    assert 'EmissionWavelength="460"' in read(back)[1].extra["ome"]


def test_an_image_is_replaced_only_when_asked(tmp_path: Path) -> None:
    write_image(given((9, 9), axes="YX", channels=()), path := tmp_path / "a.zarr")
    other = given((5, 5), axes="YX", channels=())
    with pytest.raises(OutputError, match="exists") as error:
        write_image(other, path)
    assert error.value.hint == "replace it with --overwrite"
    write_image(other, path, overwrite=True)
    assert read(path)[0].shape == (5, 5)
    assert [*tmp_path.iterdir()] == [path]
    (tmp_path / "b.zarr").mkdir()
    (tmp_path / "b.zarr" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="is a folder"):
        write_image(other, tmp_path / "b.zarr", overwrite=True)
    assert (tmp_path / "b.zarr" / "mine.txt").exists()


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    write_image(given((9, 9), axes="YX", channels=()), path := tmp_path / "a.zarr")
    bad = replace(given((9, 9), axes="YX", channels=()), chunk=None)

    class Broken:
        shape, dtype = bad.data.shape, bad.data.dtype

        def __getitem__(self, _: Any) -> Any:
            raise OSError(28, "No space left on device")

    for overwrite, name in ((True, "a.zarr"), (False, "b.zarr")):
        with pytest.raises(OutputError, match="the disk is full"):
            write_image(
                replace(bad, data=Broken()), tmp_path / name, overwrite=overwrite
            )
        assert [*tmp_path.iterdir()] == [path]
        assert read(path)[0].shape == (9, 9)
