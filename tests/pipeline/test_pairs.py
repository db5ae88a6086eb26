"""Which file goes where, before anything is done."""

from pathlib import Path

import pytest

from w2s_cli.batch.file_pairs import paired
from w2s_cli.errors import InputError, NothingMatchedError, OutputError, UsageError
from w2s_cli.io.targets import make_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("raw/b.TIF", "raw/a.tif", "raw/notes.txt", "raw/sub/c.tif", "a.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("inputs", "output", "pairs"),
    [
        (["a.tif"], "b.tif", [("a.tif", "b.tif")]),
        (["a.tif"], "out", [("a.tif", "out/a.tif")]),
        (["a.tif"], "new/", [("a.tif", "new/a.tif")]),
        (["missing.tif"], "b.tif", [("missing.tif", "b.tif")]),
        (
            ["a.tif", "raw/b.TIF"],
            "new",
            [("a.tif", "new/a.tif"), ("raw/b.TIF", "new/b.TIF")],
        ),
        (["raw"], "new", [("raw/a.tif", "new/a.tif"), ("raw/b.TIF", "new/b.TIF")]),
        (["raw/sub"], "new", [("raw/sub/c.tif", "new/c.tif")]),
        (["-"], "b.tif", [("-", "b.tif")]),
        (["-"], "-", [("-", "-")]),
        (["a.tif"], "-", [("a.tif", "-")]),
    ],
)
def test_pairs(inputs: list[str], output: str, pairs: list[tuple[str, str]]) -> None:
    found = paired([Path(name) for name in inputs], output)
    assert found == [(Path(source), Path(target)) for source, target in pairs]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (
            ["a.tif", "raw/a.tif"],
            "new",
            "a.tif, raw/a.tif would all be written to new/a.tif",
        ),
        (["a.tif", "raw/b.TIF"], "-", "2 images need a folder for an output, and -"),
        (["raw"], "a.tif", "2 images need a folder for an output, and a.tif is none"),
        (["-"], "out", "standard input has no name to write under in a folder"),
        (["a.tif"], "a.tif", "the output a.tif is an input"),
        (["a.tif"], "./out/../a.tif", "the output out/../a.tif is an input"),
        (["a.tif"], ".", "the output a.tif is an input"),
        (["raw"], "raw", "the output raw/a.tif is an input"),
    ],
)
def test_impossible_pairs(inputs: list[str], output: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        paired([Path(name) for name in inputs], output)
    assert str(caught.value).startswith(message)
    assert caught.value.hint


def test_an_output_may_not_be_an_input_in_disguise(folder: Path) -> None:
    (folder / "link.tif").symlink_to("a.tif")
    (folder / "hard.tif").hardlink_to("a.tif")
    for name in ("link.tif", "hard.tif"):
        with pytest.raises(UsageError, match=f"the output {name} is an input"):
            paired([Path("a.tif")], name)


def test_nothing_matched(folder: Path) -> None:
    with pytest.raises(NothingMatchedError, match=r"^no image in the folder out$"):
        paired([Path("out")], "new")
    with pytest.raises(NothingMatchedError, match=r"^nothing matches raw/\*\.png$"):
        paired([Path("raw/*.png")], "new")
    (folder / "a[1].tif").touch()
    assert paired([Path("a[1].tif")], "b.tif") == [(Path("a[1].tif"), Path("b.tif"))]


@pytest.mark.usefixtures("folder")
def test_a_folder_that_cannot_be_made() -> None:
    with pytest.raises(OutputError, match=r"cannot make the folder a\.tif/new: Not a"):
        make_folder(Path("a.tif/new"))


@pytest.mark.parametrize("mark", [".zgroup", ".zattrs", "zarr.json", ".zarray"])
@pytest.mark.parametrize("output", ["cells.zarr", "cells.zarr/", "cells.zarr/0/sub"])
def test_a_zarr_image_is_no_folder(folder: Path, mark: str, output: str) -> None:
    (folder / "cells.zarr").mkdir()
    (folder / "cells.zarr" / mark).touch()
    with pytest.raises(UsageError, match=r"cells\.zarr is a Zarr image, not a folder"):
        paired([Path("raw")], output)
    with pytest.raises(UsageError, match=r"cells\.zarr is a Zarr image, not a folder"):
        paired([Path("a.tif")], "cells.zarr/one.tif")


def test_the_first_wrong_thing_is_named_first(folder: Path) -> None:
    two = [Path("typo.tif"), Path("a.tif")]
    with pytest.raises(InputError, match=r"^there is no file typo\.tif$"):
        paired(two, "x.tif")
    with pytest.raises(UsageError, match=r"^2 images need a folder .* x\.tif is none"):
        paired([Path("a.tif"), Path("raw/a.tif")], "x.tif")
    (folder / "x.tif").mkdir()  # somebody likes it so
    assert paired([Path("a.tif"), Path("typo.tif")], "x.tif")
    assert paired([Path("a.tif"), Path("typo.tif")], "y.tif/")


def test_a_name_that_no_file_can_have(folder: Path) -> None:
    long = Path("n" * 300 + ".tif")
    assert paired([long, Path("a.tif")], "new")[0] == (long, Path("new") / long.name)
