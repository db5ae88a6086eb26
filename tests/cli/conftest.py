"""An image to give to the command line."""

from pathlib import Path

import numpy as np
import pytest
import tifffile


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with `cell.tif`: 2 frames of 60 x 50 noisy uint16 pixels."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    light = np.linspace(20, 400, 50) * np.ones((2, 60, 1))
    counts = (rng.poisson(light) * 2 + 100).astype(np.uint16)
    tifffile.imwrite("cell.tif", counts, imagej=True, metadata={"axes": "TYX"})
    return tmp_path
