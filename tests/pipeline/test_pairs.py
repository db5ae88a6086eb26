"""Which file goes where, before anything is done."""

from pathlib import Path

import pytest

from w2s_cli.batch.file_pairs import make_folder, paired
from w2s_cli.errors import NothingMatchedError, OutputError, UsageError


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
        (["a.tif", "raw/a.tif"], "new", "a.tif and raw/a.tif would all be written to"),
        (["a.tif", "a.tif"], "new", "a.tif and a.tif would all be written to"),
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


def test_the_folder_is_made_for_folders_only(folder: Path) -> None:
    make_folder("b.tif", paired([Path("a.tif")], "b.tif"))
    assert not (folder / "b.tif").exists()
    make_folder("x/y/", paired([Path("a.tif")], "x/y/"))
    assert (folder / "x/y").is_dir()


@pytest.mark.usefixtures("folder")
def test_a_folder_that_cannot_be_made() -> None:
    pairs = paired([Path("raw")], "a.tif/new")
    with pytest.raises(OutputError, match=r"cannot make the folder a\.tif/new: Not a"):
        make_folder("a.tif/new", pairs)
