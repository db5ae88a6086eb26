"""A small noisy image, and recipes small enough to train on it in a second."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from w2s_cli.methods import self_supervised
from w2s_cli.training.recipe import Recipe, load

Plane = NDArray[np.float32]
SMALL = (
    *("network.options.levels=2", "network.options.width=8", "precision=fp32"),
    *("patches.side=32", "patches.batch=4", "validation_batches=1", "threads=1"),
    *("device=cpu", "schedule.warm_up=0", "average=0.9", "optimiser.rate=1e-2"),
)


def cell(height: int = 96, width: int = 96) -> Plane:
    """Return stabilised counts without noise: waves and a bright spot."""
    y, x = np.mgrid[:height, :width]
    waves = 1 + np.sin(2 * np.pi * y / 29) * np.sin(2 * np.pi * x / 37)
    spot = np.exp(-((y - 40) ** 2 + (x - 50) ** 2) / 200)
    return np.asarray(4 + 3 * waves + 8 * spot, np.float32)


@pytest.fixture
def truth() -> Plane:
    return cell()


@pytest.fixture
def captures(truth: Plane) -> list[Plane]:
    """Three captures of the same, with noise of standard deviation 1."""
    rng = np.random.default_rng(5)
    return [truth + rng.standard_normal(truth.shape, np.float32) for _ in range(3)]


Small = Callable[..., Recipe]


@pytest.fixture
def small() -> Small:
    def made(name: str, *settings: str) -> Recipe:
        return load(name, (*SMALL, *settings))

    return made


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fitted"


@pytest.fixture
def small_methods(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let the methods be fitted in small steps, into a cache of the test's own."""

    @lru_cache
    def loaded(name: str, settings: Sequence[str]) -> Recipe:
        return load(name, (*SMALL, *settings))

    monkeypatch.setattr(self_supervised, "_recipe", loaded)
    self_supervised._initial_network.cache_clear()
    yield own_cache
    self_supervised._initial_network.cache_clear()
