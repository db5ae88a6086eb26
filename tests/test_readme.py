"""The commands of the README do what it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from w2s_cli.io import write_image
from w2s_cli.microscope.simulation import simulate_scene
from w2s_cli.stack import Stack

README = Path(__file__).parents[1] / "README.md"


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


@pytest.mark.parametrize("command", _commands())
def test_command_of_the_readme_runs(command: str, folder: Path) -> None:
    script = f'w2s() {{ "{sys.executable}" -m w2s_cli "$@"; }}; {command}'
    done = subprocess.run(
        script, cwd=folder, capture_output=True, text=True, shell=True
    )
    assert done.returncode == 0, done.stderr
