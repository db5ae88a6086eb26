"""The README, and what else says something of the whole, is true."""

import re
import shlex
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import w2s_cli
from w2s_cli.cli import app
from w2s_cli.io import write_image
from w2s_cli.microscope.simulation import simulate_scene
from w2s_cli.stack import Stack

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def _commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("w2s ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("readme")
    scene = simulate_scene(0, side=128)
    write_image(Stack(scene.seen, "YX"), path / "cell.tif")
    (path / "raw").mkdir()
    shutil.copy(path / "cell.tif", path / "raw" / "one.tif")
    np.save(path / "raw" / "two.npy", scene.seen)
    return path


def test_there_are_commands() -> None:
    assert len(_commands()) >= 5


def test_commands_of_the_readme_run_in_their_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, which has loaded everything; nothing but `>` needs a shell."""
    monkeypatch.chdir(folder)
    for command in _commands():
        line, _, printed = command.partition(" > ")
        assert not set("|&;<>$`*?\\") & {*line, *printed}
        words = shlex.split(line, comments=True)[1:]
        done = CliRunner().invoke(app, words, prog_name="w2s", catch_exceptions=False)
        assert done.exit_code == 0, f"{command}: {done.stderr}"
        if printed:
            Path(*shlex.split(printed, comments=True)).write_text(done.stdout)


def test_python_of_the_readme_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    [code] = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    exec(code, {})
    assert (folder / "from_python.tif").is_file()


def test_the_tree_of_the_readme_is_that_of_the_layers() -> None:
    tree = README.read_text().partition("importing only those below it:\n\n")[2]
    rows = re.findall(
        r"^    (\w+(?: \| \w+)*)", tree.partition("\n- ")[0], re.MULTILINE
    )
    shown = {name for row in rows for name in row.split(" | ")}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    layers = contracts["importlinter"]["contracts"][0]["layers"]
    known = [re.findall(r"w2s_cli\.(\w+)", layer) for layer in layers]
    assert rows[:-1] == [" | ".join(names) for names in known[:-2]]
    package = {
        path.stem for path in (ROOT / "w2s_cli").iterdir() if path.suffix in ("", ".py")
    }
    assert shown == {name for name in package if not name.startswith("_")}


def test_the_citation_is_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {w2s_cli.__version__}\n" in citation
