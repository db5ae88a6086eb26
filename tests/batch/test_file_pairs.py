"""Which file goes where: trees, lists, names and shards."""

import os
from pathlib import Path

import pytest

from w2s_cli.batch.file_pairs import left, paired
from w2s_cli.batch.journal import FOLDER, Journal
from w2s_cli.batch.naming import Naming, Shard
from w2s_cli.errors import NothingMatchedError, UsageError
from w2s_cli.io.text_files import read_paths


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of files; nothing is opened but names with .ome. in them."""
    monkeypatch.chdir(tmp_path)
    files = ["a.tif", "a.png", "sub/a.tif", "sub/deep/b.npy", ".hidden/c.tif"]
    files += ["sub/.w2s-x.tmp", "sub/note.txt"]
    for name in files:
        path = Path("raw", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"II*\0")
    return tmp_path


def targets(*inputs: str, output: str = "out", **how: object) -> dict[str, str]:
    found = paired([*map(Path, inputs)], output, **how)  # type: ignore[arg-type]
    return {source.as_posix(): target.as_posix() for source, target in found}


TREE = {
    "raw/a.png": "out/a.png",
    "raw/a.tif": "out/a.tif",
    "raw/sub/a.tif": "out/sub/a.tif",
    "raw/sub/deep/b.npy": "out/sub/deep/b.npy",
}


def test_a_tree_is_kept() -> None:
    assert targets("raw", recursive=True) == TREE
    assert targets("raw") == {key: TREE[key] for key in ("raw/a.png", "raw/a.tif")}


def test_outputs_in_the_tree_are_no_inputs() -> None:
    for folder in ("raw/out", "raw/sub/out"):
        Path(folder, FOLDER).mkdir(parents=True)
        Path(folder, "a.tif").touch()
        found = targets("raw", output=folder, recursive=True)
        assert [*found] == [*TREE]
    said = left([Path("raw")], recursive=True, output=Path("raw/out"))
    assert "raw/sub/out holds outputs of w2s, and was passed over" in said[-1]
    assert "sub/note.txt" in said[0]
    assert len(left([Path("raw")], recursive=True, output=Path("new"))) == len(said) + 1


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_links_to_folders_are_not_followed() -> None:
    Path("raw/sub/loop").symlink_to(Path("..").resolve())
    assert targets("raw", recursive=True) == TREE
    said = left([Path("raw")], recursive=True)
    assert "raw/sub/loop links to a folder, and was not followed" in said


def test_a_tree_without_images() -> None:
    Path("empty/sub").mkdir(parents=True)
    with pytest.raises(
        NothingMatchedError, match="in the folder empty and those below"
    ):
        targets("empty", recursive=True)


def test_lists_are_flat_or_keep_their_folders() -> None:
    listed = [Path("raw/a.tif"), Path("raw/sub/deep/b.npy")]
    assert [*targets(listed=listed).values()] == ["out/a.tif", "out/b.npy"]
    kept = [*targets(listed=listed, recursive=True).values()]
    assert kept == ["out/raw/a.tif", "out/raw/sub/deep/b.npy"]
    away = [Path("../" + Path.cwd().name + "/raw/a.tif")]
    [found] = targets(listed=away, recursive=True).values()
    assert found == f"out{Path('raw').resolve().as_posix()}/a.tif"


def test_what_is_named_twice_is_done_once() -> None:
    once = {"raw/a.tif": "out/a.tif"}
    assert targets("raw/a.tif", "raw/a.tif", output="out/") == once
    twice = [Path("raw/a.tif"), Path("raw/a.tif")]
    assert targets(listed=twice) == once


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("{stem}_{method}.ome.tif", "a_vst+bm3d.ome.tif"),
        ("{stem}-{suffix}.tif", "a-tif.tif"),
        ("{{{stem}}}.png", "{a}.png"),
    ],
)
def test_names(pattern: str, found: str) -> None:
    assert str(Naming(pattern, "vst+bm3d")(Path("x/a.ome.tif"))) == found


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{stem}.jpg", "cannot tell the format of name.jpg"),
        ("{stem}", "cannot tell the format of name from its suffix ''"),
        ("{name}.tif", "has {name}, which is not known"),
        ("{stem!r}.tif", "has {stem}, which is not known"),
        ("{stem.x}.tif", "has {stem.x}, which is not known"),
        ("{}.tif", "has {}, which is not known"),
        ("{stem.tif", "expected '}' before end of string"),
        ("all.tif", "would give all outputs one name"),
        ("../{stem}.tif", "has a folder in it"),
    ],
)
def test_names_that_are_none(pattern: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        Naming(pattern, "median")
    assert message in str(error.value)
    assert error.value.hint


def test_two_of_one_name() -> None:
    with pytest.raises(UsageError, match="would all be written to out/a_m") as error:
        targets("raw", name=Naming("{stem}_{method}.tif", "m"))
    assert "--name, which has {stem}, {suffix} and {method}" in error.value.hint
    found = targets("raw", name=Naming("{stem}_{suffix}.tif", "m"))
    assert [*found.values()] == ["out/a_png.tif", "out/a_tif.tif"]


def test_outputs_beside_inputs_are_no_inputs_of_the_next_run() -> None:
    name = Naming("{stem}_{suffix}_{method}.tif", "m")
    first = targets("raw", output="raw", name=name)
    assert [*first.values()] == ["raw/a_png_m.tif", "raw/a_tif_m.tif"]
    for path in first.values():
        Path(path).touch()
    assert targets("raw", output="raw", name=name) == first
    # Nor those of another method, which the journal knows
    Path("raw/a_tif_k.tif").touch()
    journal = Journal(Path("raw"))
    pair = (Path("raw/a.tif"), Path("raw/a_tif_k.tif"))
    journal.begin([pair], [pair], Shard(1, 1))
    journal._add(event="done", target="a_tif_k.tif")
    journal.end()
    assert targets("raw", output="raw", name=name) == first


def test_a_name_needs_a_folder() -> None:
    with pytest.raises(UsageError, match="--name is for outputs in a folder") as error:
        targets("raw/a.tif", output="b.tif", name=Naming("{stem}.tif", "m"))
    assert error.value.hint == "end the folder with a slash: -o restored/"


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_shards_are_all_files_once_in_any_order(of: int) -> None:
    pairs = paired([Path("raw")], "out", recursive=True)
    shards = [Shard(number + 1, of) for number in range(of)]
    parts = [shard.share(pairs) for shard in shards]
    assert sorted(pair for part in parts for pair in part) == sorted(pairs)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert [shard.share(pairs[::-1]) for shard in shards] == parts


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "1/0", "a/b", "-1/2", "1/2/3", ""])
def test_shards_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="counted from 1") as error:
        Shard.parse(text)
    assert error.value.hint == "for example --shard 2/8, of 1/8 to 8/8"


@pytest.mark.parametrize(
    "content",
    [
        b"a.tif\nb c.tif\n",
        b"a.tif\r\n\r\nb c.tif\r\na.tif",
        b"\xef\xbb\xbfa.tif\nb c.tif",
        b"a.tif\0b c.tif\0",
        "\ufeffa.tif\nb c.tif\n".encode("utf-16-le"),
    ],
)
def test_lists_of_paths(content: bytes) -> None:
    Path("list").write_bytes(content)
    assert read_paths(Path("list")) == [Path("a.tif"), Path("b c.tif")]


@pytest.mark.skipif(os.name != "posix", reason="names of bytes")
def test_lists_of_names_that_are_no_text() -> None:
    Path("list").write_bytes(b"\xff.tif\n")
    assert os.fsencode(read_paths(Path("list"))[0]) == b"\xff.tif"


def test_ten_thousand_files_are_paired_at_once() -> None:
    found = targets(listed=[Path(f"raw/{number}.tif") for number in range(10_000)])
    assert len(found) == 10_000
