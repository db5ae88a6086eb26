"""The images in OME-Zarr: fields of wells, labels, series, archives, addresses."""

import zipfile
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from w2s_cli.errors import InputError, UsageError
from w2s_cli.io import images_of, write_image
from w2s_cli.io.formats import format_of, image_files, stem, written_name
from w2s_cli.stack import Channel
from zarr_files import PIXELS, XML, read, save, stack_of

zarr = pytest.importorskip("zarr")


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


def test_folders_are_images_of_a_batch(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ome.zarr", PIXELS[0, 0, 0], "yx")
    np.save(tmp_path / "b.npy", PIXELS[0, 0, 0])
    (tmp_path / "notes").mkdir()
    assert [*image_files(tmp_path)] == [path, tmp_path / "b.npy"]
    assert [*image_files(path)] == [path]
    assert format_of(path).name == "OME-Zarr"
