import re
from pathlib import Path

import pytest

from w2s_cli.bench.scores.matching import Match, field_of, matched, stem, with_inputs
from w2s_cli.errors import InputError, NothingMatchedError, UsageError, W2SError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def folder(name: str, *files: str) -> Path:
    Path(name).mkdir()
    for file in files:
        (Path(name) / file).touch()
    return Path(name)


def refused(kind: type[W2SError], *words: object, **how: object) -> tuple[str, str]:
    with pytest.raises(kind) as hit:
        matched(*words, **how)
    return str(hit.value), hit.value.hint


def test_by_name_whatever_the_suffix(here: Path) -> None:
    ours = folder("ours", "b.png", "a.ome.tif", "notes.txt")
    theirs = folder("theirs", "a.npy", "b.tif")
    assert matched(ours, theirs) == [
        Match("a", ours / "a.ome.tif", theirs / "a.npy"),
        Match("b", ours / "b.png", theirs / "b.tif"),
    ]
    assert stem(Path("x/cell.1.ome.tiff")) == "cell.1"


def test_two_files_need_no_name(here: Path) -> None:
    folder("in", "x.tif", "y.png")
    x, y = Path("in/x.tif"), Path("in/y.png")
    assert matched(x, y) == [Match("x", x, y)]


def test_without_references(here: Path) -> None:
    ours = folder("ours", "a_jdsr.tif")
    assert matched(ours, strip="_jdsr") == [Match("a", ours / "a_jdsr.tif")]


def test_strip(here: Path) -> None:
    ours, theirs = folder("ours", "a_sr.tif"), folder("theirs", "a.tif")
    [match] = matched(ours, theirs, strip="_sr")
    assert match.name == "a"
    assert refused(NothingMatchedError, ours, theirs) == (
        "no image of ours has a partner in theirs: found a_sr and a",
        "--strip SUFFIX takes an ending off the names of predictions",
    )
    assert refused(UsageError, theirs, theirs, strip="_sr")[0] == (
        "theirs/a.tif lacks the ending that --strip _sr names"
    )


def test_images_without_a_partner(here: Path) -> None:
    ours = folder("ours", "a.tif", "b.tif", "x.tif")
    theirs = folder("theirs", "a.tif", "b.tif", *(f"{n}.tif" for n in range(5)))
    assert refused(InputError, ours, theirs) == (
        "3 predictions and 7 references: no partner for "
        "ours/x.tif, theirs/0.tif, theirs/1.tif and 3 more",
        "--common scores the images that are in both folders",
    )
    assert [m.name for m in matched(ours, theirs, common=True)] == ["a", "b"]


def test_two_of_one_name(here: Path) -> None:
    ours = folder("ours", "a.tif", "a.png")
    assert refused(InputError, ours, ours)[0] == (
        "ours/a.png and ours/a.tif have the same name"
    )


def test_a_file_against_a_folder(here: Path) -> None:
    ours = folder("ours", "a.tif")
    assert refused(UsageError, ours / "a.tif", ours) == (
        "ours/a.tif is a file and ours is a folder",
        "give two folders, or two files",
    )
    message, _ = refused(InputError, ours, Path("nowhere"))
    assert message == "there is no file or folder nowhere"


def test_empty_folder(here: Path) -> None:
    ours, none = folder("ours", "a.tif"), folder("none")
    assert refused(NothingMatchedError, ours, none)[0] == "no image in the folder none"


def test_inputs(here: Path) -> None:
    ours = folder("ours", "a_sr.tif", "b_sr.tif")
    low = folder("low", "a.png", "b.png", "c.png")
    found = with_inputs(matched(ours, strip="_sr"), low)
    assert [match.low for match in found] == [low / "a.png", low / "b.png"]
    assert str(found[0]) == "ours/a_sr.tif, low/a.png"
    with pytest.raises(UsageError, match=r"low/a\.png is one image for 2 predictions"):
        with_inputs(found, low / "a.png")
    [only] = with_inputs(found[:1], low / "c.png")
    assert only.low == low / "c.png"
    with pytest.raises(InputError, match="low has no image called a_sr, b_sr"):
        with_inputs(matched(ours), low)


def test_field_of() -> None:
    assert field_of("081_2") == "081"
    assert field_of("cell_3_12") == "cell_3"
    for alone in ("cell", "_7", "img_007"):
        assert field_of(alone) == alone
    assert field_of("Image7_488", re.compile(r"Image(\d+)")) == "7"
    assert field_of("Image7_488", re.compile(r"Image\d")) == "Image7"
    assert field_of("b7", re.compile(r"b|(a)")) == "b"
    with pytest.raises(InputError, match="--group-by a does not match b7"):
        field_of("b7", re.compile("a"))
