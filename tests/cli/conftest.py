"""The command line as a user meets it, and images to give it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner, Result

from w2s_cli.cli import app

W2S = Callable[..., Result]


@pytest.fixture
def w2s(monkeypatch: pytest.MonkeyPatch) -> W2S:
    """Run one command; a bug's traceback is raised."""
    monkeypatch.setenv("COLUMNS", "100")
    runner = CliRunner()

    def run(*words: str | Path, stdin: bytes | None = None) -> Result:
        return runner.invoke(
            app,
            [str(word) for word in words],
            input=stdin,
            catch_exceptions=False,
            prog_name="w2s",
        )

    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with `cell.tif`: 2 frames of 60 x 50 noisy uint16 pixels."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    light = np.linspace(20, 400, 50) * np.ones((2, 60, 1))
    counts = (rng.poisson(light) * 2 + 100).astype(np.uint16)
    tifffile.imwrite("cell.tif", counts, imagej=True, metadata={"axes": "TYX"})
    return tmp_path
