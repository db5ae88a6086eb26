"""The README and the pages of docs/ are true: each command, and what it is to print.

Here cells are of 128 x 128 pixels, and numbers may be others; `pytest -m quality -rP`
holds every line to what it says, but for seconds.
"""

import contextlib
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from w2s_cli.cli import app
from w2s_cli.io import write_image
from w2s_cli.microscope import simulation
from w2s_cli.stack import Stack

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
SECONDS = r"\b\d+\.\d+ s\b|(?<=  )\d+\.\d+$"  # at the end of the row of a table, too


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in an empty folder, where no scores are kept from before."""
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


needs_a_shell = pytest.mark.skipif(sys.platform == "win32", reason="cp is not there")


def run(command: str) -> str:
    """Run a line of a page here, and return what it prints."""
    line, _, comment = command.partition("  # ")
    if not line.startswith("w2s "):
        subprocess.run(line, shell=True, check=True)
        return ""
    line, _, target = line.partition(" > ")
    assert not set("|&;<>$`*?\\") & {*line, *target}
    words = shlex.split(line, comments=True)[1:]
    done = CliRunner().invoke(app, words, prog_name="w2s", catch_exceptions=False)
    expected = int(comment.removeprefix("exit code ")) if comment else 0
    assert done.exit_code == expected, f"{command}: {done.output}"
    if target:
        Path(*shlex.split(target, comments=True)).write_text(done.stdout, "utf-8")
    return done.output


def follow(page: Path, unlike: str, changed: dict[str, str]) -> None:
    """Do what a page says; lines are as expected, but for what `unlike` finds."""
    content = page.read_text("utf-8")
    for written, instead in changed.items():
        content = content.replace(f"\n{written} ", f"\n{instead} ")
    printed: list[str] = []
    for kind, text in re.findall(r"```(\w+)\n(.*?)```", content, re.DOTALL):
        if kind == "sh":
            printed = [run(line) for line in text.splitlines()]
        elif kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as shown:
                exec(text, {})
            printed = [shown.getvalue()]
        else:
            lines = [re.sub(unlike, "#", one) for one in "".join(printed).splitlines()]
            for line in text.splitlines():
                assert re.sub(unlike, "#", line) in lines, f"{page.name}: {line}"


@needs_a_shell
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_a_page_run_in_an_empty_folder(page, monkeypatch) -> None:
    monkeypatch.setattr(
        simulation, "simulate_scene", partial(simulation.simulate_scene, side=128)
    )
    follow(page, r"[+-]?\d[\d.]* *", {"w2s bench": "w2s bench --fields 005,006"})


def test_commands_of_the_readme_run_in_their_order(monkeypatch) -> None:
    scene = simulation.simulate_scene(0, side=128)
    write_image(Stack(scene.seen, "YX"), Path("cell.tif"))
    Path("raw").mkdir()
    shutil.copy("cell.tif", "raw/one.tif")
    np.save("raw/two.npy", scene.seen)
    readme = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    commands = [line for line in lines if line.startswith("w2s ")]
    assert len(commands) >= 5
    for command in commands:
        run(command)
    [code] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    exec(code, {})
    assert Path("from_python.tif").is_file()


@needs_a_shell
@pytest.mark.quality
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_say_what_is_printed(page: Path) -> None:
    follow(page, SECONDS, {})


def test_the_notebook_runs() -> None:
    book = json.loads((ROOT / "docs" / "python.ipynb").read_text("utf-8"))
    cells = [one for one in book["cells"] if one["cell_type"] == "code"]
    known: dict[str, Any] = {}
    for cell in cells:
        assert not cell["outputs"]
        exec("".join(cell["source"]), known)
    assert known["after"] > known["before"] + 5
    assert known["found"].consistent
    assert known["result"].image.pixel_size == {"Y": 0.04, "X": 0.04}


@pytest.mark.quality
def test_the_picture_of_the_readme_is_what_demo_draws() -> None:
    assert CliRunner().invoke(app, ["demo"]).exit_code == 0
    shown, drawn = (
        np.asarray(Image.open(path).convert("L"), float)
        for path in (ROOT / ".github" / "demo.png", Path("demo.png"))
    )
    assert shown.shape == drawn.shape
    # Processors differ by a grey here and there; other weights by more.
    assert np.abs(shown - drawn).mean() < 0.2
