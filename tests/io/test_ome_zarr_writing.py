"""OME-Zarr that w2s writes is valid, whole, and in bands where planes are large."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from w2s_cli.errors import OutputError
from w2s_cli.io import write_image
from w2s_cli.stack import Channel, Stack
from zarr_files import PIXELS, XML, edit, read, save, stack_of

zarr = pytest.importorskip("zarr")


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


@pytest.mark.parametrize("shape", [(1, 1), (513, 3), (1030, 515)])
def test_sizes_that_do_not_divide(shape: tuple[int, int], tmp_path: Path) -> None:
    before = given(shape, axes="YX", channels=())
    write_image(before, path := tmp_path / "a.ome.zarr")
    found, stack = read(path)
    np.testing.assert_array_equal(found, before.data)
    levels = stack.extra.get("levels", 1)
    last, _ = read(path / str(levels - 1))
    assert max(last.shape) <= 512
    assert last.shape == tuple(-(-side // 2 ** (levels - 1)) for side in shape)


def test_large_planes_are_read_and_written_in_bands(tmp_path, monkeypatch) -> None:
    from w2s_cli import stack as stacks
    from w2s_cli.io import ome_zarr_writing

    monkeypatch.setattr(ome_zarr_writing, "_CHUNK", 16)
    for module in (stacks, ome_zarr_writing):
        monkeypatch.setattr(module, "LARGEST_WHOLE", 2000)
    write_image(
        given((2, 42, 117), axes="ZYX", channels=()), path := tmp_path / "a.zarr"
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


@pytest.mark.parametrize(
    ("names", "replaced"),
    [
        ([], True),
        (["0/zarr.json", "0/c/0/0", "1/c/0/0", "OME/METADATA.ome.xml"], True),
        (["0/.zarray"], True),
        (["mine.txt"], False),
        (["0/zarr.json", "mine.txt"], False),
        (["0/mine.txt"], False),
        (["OME/mine.txt"], False),
        (["cell.zarr/zarr.json", "other.zarr/zarr.json"], False),
    ],
)
def test_a_folder_of_somebody_is_not_replaced(tmp_path, names, replaced) -> None:
    """What is left of an image whose root is lost is; nothing else is but images."""
    path = tmp_path / "b.zarr"
    path.mkdir()
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("{}")
    other = given((5, 5), axes="YX", channels=())
    if replaced:
        write_image(other, path, overwrite=True)
        assert read(path)[0].shape == (5, 5)
        return
    with pytest.raises(OutputError, match="is a folder that is no OME-Zarr") as error:
        write_image(other, path, overwrite=True)
    assert error.value.hint == "move it away, or give another name with -o"
    assert all((path / name).exists() for name in names)


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
