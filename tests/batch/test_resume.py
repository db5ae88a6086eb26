"""An output is kept if it is the very result, and made anew otherwise."""

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from w2s_cli.cli import app
from w2s_cli.io import write_image
from w2s_cli.io.atomic_files import own_prefix, remove_strays
from w2s_cli.stack import Stack

WORDS = ["restore", "raw", "-o", "out", "--resume", "--method", "gaussian"]


def image(seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 999, (24, 20)).astype(np.uint16)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an image of each format, restored."""
    folder = tmp_path_factory.mktemp("template")
    with contextlib.chdir(folder):
        Path("raw").mkdir()
        for name in ("a.tif", "b.ome.tif", "c.png", "d.npy"):
            write_image(Stack(image(), "YX"), Path("raw", name))
        assert CliRunner().invoke(app, WORDS, prog_name="w2s").exit_code == 0
    return folder


@pytest.fixture(autouse=True)
def done(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, bytes]:
    """Go to a copy of it; return the outputs."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return outputs()


def outputs() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("out").glob("[!.]*")}


def test_what_a_killed_run_has_left_beside_its_notes_goes(w2s) -> None:
    host = own_prefix().removeprefix(".w2s-").rsplit("-", 3)[0]
    stray = Path("out/.w2s") / f".w2s-{host}-{2**22 + 1}-0123abcd-01.tmp"
    stray.touch()
    remove_strays.cache_clear()
    assert set(again(w2s)[0].values()) == {"kept"}
    assert not stray.exists()


def again(w2s, *words: str | Path) -> tuple[dict[str, str], str]:
    """Return what became of each file, and what was said."""
    result = w2s(*WORDS, *words, "--json", code=0)
    rows = json.loads(result.stdout)
    found = {Path(row["target"]).name: row.get("redone", row["status"]) for row in rows}
    return found, result.stderr


def test_what_is_there_is_kept(w2s, done: dict[str, bytes]) -> None:
    times = {path: path.stat().st_mtime_ns for path in Path("out").glob("[!.]*")}
    found, said = again(w2s)
    assert found == dict.fromkeys(done, "kept")
    assert said == "there already: 4\n"
    assert {path: path.stat().st_mtime_ns for path in times} == times
    result = w2s(*[{"--resume": "--skip-existing"}.get(word, word) for word in WORDS])
    assert (result.exit_code, result.stderr) == (0, "there already: 4\n")
    planned = w2s(*WORDS, "--dry-run")
    assert planned.stdout.splitlines()[0] == "out/a.tif is there already"


def test_without_resume_they_exist(w2s) -> None:
    result = w2s(*[word for word in WORDS if word != "--resume"], code=1)
    assert "out/a.tif exists" in result.stderr


@pytest.mark.parametrize("how", ["cut", "flipped", "foreign", "empty", "removed"])
def test_a_spoilt_output_is_made_anew(w2s, done: dict[str, bytes], how: str) -> None:
    for name, before in done.items():
        path, content = Path("out", name), bytearray(before)
        # Of a PNG a text's check sum, of which its readers take no notice
        content[-13 if name.endswith(".png") else len(content) // 2] ^= 4
        path.unlink()
        if how == "foreign":
            write_image(Stack(image(1), "YX"), path)
        elif how != "removed":
            spoilt = {"cut": content[:-9], "flipped": content, "empty": b""}
            path.write_bytes(spoilt[how])
    found, _ = again(w2s)
    assert found.keys() == done.keys()
    assert not {"kept", "failed"} & {*found.values()}
    assert outputs() == done


@pytest.mark.parametrize(
    "words", [["-O", "sigma=2"], ["--dtype", "float32"], ["--gain", "2"]]
)
def test_an_output_of_other_options_is_made_anew(w2s, words: list[str]) -> None:
    Path("raw/c.png").unlink()
    found, _ = again(w2s, *words)
    assert {*found.values()} == {"it was made with other options, weights or noise"}
    assert {*again(w2s, *words)[0].values()} == {"kept"}


def test_an_output_of_another_method_or_version(w2s, done, monkeypatch) -> None:
    other = [{"gaussian": "median"}.get(word, word) for word in WORDS]
    said = w2s(*other).stderr.splitlines()
    assert len(said) == 4
    assert all("in place of what was there: it was made by gaussian" in x for x in said)
    assert {*again(w2s)[0].values()} == {"it was made by median"}
    assert outputs() == done
    for module in ("pipeline.request", "pipeline.restoration", "batch.resume"):
        monkeypatch.setattr(f"w2s_cli.{module}.__version__", "9.9")
    assert {*again(w2s)[0].values()} == {"it was made by version 0.1.0"}


def test_files_are_known_by_their_content(w2s) -> None:
    """A map of defects, as any file that is named, may change under its name."""
    flaws = np.zeros((24, 20), np.uint8)
    flaws[3, 4] = 1
    tifffile.imwrite("map.tif", flaws)
    words = ["--defects", "map.tif"]
    assert "kept" not in again(w2s, *words)[0].values()
    Path("map.tif").rename("moved.tif")
    assert {*again(w2s, "--defects", "moved.tif")[0].values()} == {"kept"}
    flaws[9, 9] = 2
    tifffile.imwrite("map.tif", flaws)
    assert "kept" not in again(w2s, *words)[0].values()


def test_inputs_of_the_same_size_and_time(w2s, done: dict[str, bytes]) -> None:
    for name in done:
        path = Path("raw", name)
        times = path.stat()
        pixels = image()
        pixels[:, 0] += 1
        write_image(Stack(pixels, "YX"), path, overwrite=True)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    found, _ = again(w2s)
    assert found == dict.fromkeys(done, "its input has changed since")


def test_an_input_that_is_gone_leaves_its_output(w2s, done: dict[str, bytes]) -> None:
    Path("raw/a.tif").unlink()
    assert len(again(w2s)[0]) == 3
    assert outputs() == done


def test_one_file_without_a_journal(w2s) -> None:
    words = ["restore", "raw/a.tif", "-o", "a.tif", "--method", "gaussian", "--resume"]
    assert w2s(*words).stderr.startswith("raw/a.tif -> a.tif: ")
    assert w2s(*words).stderr == "there already: 1\n"
    assert not Path(".w2s").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--overwrite"], "--overwrite does all anew, and --resume what is missing"),
        (["-"], "standard input has no name to write under in a folder"),
    ],
)
def test_what_makes_no_sense(w2s, words: list[str], message: str) -> None:
    result = w2s(*WORDS, *words, code=2)
    assert message in result.stderr


def test_standard_streams_are_not_resumed(w2s) -> None:
    result = w2s("restore", "raw/a.tif", "-o", "-", "--resume", "--method", "gaussian")
    assert result.exit_code == 2
    assert "--resume needs files, not standard input or output" in result.stderr


def test_all_images_of_a_file(w2s) -> None:
    with tifffile.TiffWriter("raw/many.ome.tif", ome=True) as file:
        for name in ("left", "right"):
            file.write(image(), metadata={"Name": name, "axes": "YX"})
    words = ["--series", "all"]
    found, _ = again(w2s, *words)
    assert found["many_1-left.ome.tif"] == found["many_2-right.ome.tif"] == "done"
    Path("out/many_2-right.ome.tif").unlink()
    found, _ = again(w2s, *words)
    assert found["many_1-left.ome.tif"] == "kept"
    assert found["many_2-right.ome.tif"] == "done"


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_outputs_that_were_moved_and_linked_are_kept(w2s) -> None:
    Path("out/a.tif").rename("archived.tif")
    Path("out/a.tif").symlink_to("../archived.tif")
    assert {*again(w2s)[0].values()} == {"kept"}


def test_a_line_cut_in_a_journal_and_no_journal_do_no_harm(w2s) -> None:
    for path in Path("out/.w2s").glob("*.jsonl"):
        path.write_bytes(path.read_bytes()[:-20])
    assert {*again(w2s)[0].values()} == {"kept"}
    for path in Path("out/.w2s").glob("*.jsonl"):
        path.unlink()
    assert {*again(w2s)[0].values()} == {"kept"}
    Path("out/.w2s").rename("elsewhere")
    Path("out/.w2s").touch()
    found, said = again(w2s)
    assert found.pop("d.npy") == "it does not say how it was made"
    assert {*found.values()} == {"kept"}
    assert "there is no journal of this run: out/.w2s: File exists" in said


def test_what_killed_runs_have_left_is_removed(w2s) -> None:
    from w2s_cli.io.atomic_files import own_prefix, remove_strays

    name = own_prefix().replace(f"-{os.getpid()}-", "-999999999-")
    Path("out", f"{name}.tmp").touch()
    Path("out", ".w2s-0123456789abcdef.lock").touch()
    remove_strays.cache_clear()
    again(w2s)
    assert [path.name for path in Path("out").glob(".w2s*")] == [".w2s"]
