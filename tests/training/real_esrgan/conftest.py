from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from w2s_cli.io import write_image
from w2s_cli.stack import Stack

Save = Callable[[str, np.ndarray], Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Return a function that writes an image by its path under `tmp_path`."""

    def saved(name: str, pixels: np.ndarray) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(Stack(pixels, "CYX"[-pixels.ndim :]), path)
        return path

    return saved


@pytest.fixture
def scene() -> Callable[..., np.ndarray]:
    """Return a function that gives 8-bit structure, another for each seed."""

    def made(seed: int, side: int = 48, brightest: int = 255) -> np.ndarray:
        y, x = np.mgrid[:side, :side] / 9
        waves = np.sin(x + seed) * np.cos(y * (1 + seed % 3)) * 0.5 + 0.5
        return (waves * brightest).astype(np.uint8 if brightest < 256 else np.uint16)

    return made
