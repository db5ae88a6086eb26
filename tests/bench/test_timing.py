from itertools import product
from pathlib import Path

import numpy as np
import pytest

from w2s_cli.bench import timing
from w2s_cli.bench.timing import SpeedConfig, gflop_by_precision, measure
from w2s_cli.errors import OutOfMemoryError, UnknownNameError
from w2s_cli.methods.build import build
from w2s_cli.methods.filters import Identity
from w2s_cli.microscope.simulation import simulate_scene
from w2s_cli.networks.inference import gflop


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plane") / "96.npy"
    np.save(path, simulate_scene(0, side=96).seen)
    return path


def test_a_classical_method_has_no_flops(plane: Path) -> None:
    timed = measure(SpeedConfig("gaussian", seconds=0.05), 96, plane)
    assert (timed.method, timed.side, timed.error) == ("gaussian", 96, "")
    assert 1 <= len(timed.times) <= 25
    assert 0 < timed.best <= timed.median
    assert timed.megapixels == pytest.approx(96**2 / 1e6 / timed.best)
    assert timed.memory >= timed.baseline > 0
    assert timed.gflop is timed.speed is timed.share({}) is None


def test_runs_end_with_the_budget_but_there_is_one(plane: Path) -> None:
    assert len(measure(SpeedConfig("identity", seconds=0), 96, plane).times) == 1
    assert len(measure(SpeedConfig("identity", seconds=60), 96, plane).times) == 25


def test_a_network_has_the_work_of_its_tiles(plane: Path) -> None:
    how = {"device": "cpu", "precision": "fp32", "tile": 40, "seconds": 0}
    config = SpeedConfig("denoise-fast", **how)
    timed = measure(config, 96, plane)
    [link] = config.chain().links
    assert (link.traits.margin, link.traits.multiple_of) == (48, 8)
    sides = (88, 96, 64)  # 40 + 48, all, and 96 less 80 - 48
    by_hand = sum(
        gflop(link.traits.network.network, *both) for both in product(sides, sides)
    )
    assert timed.work == {"fp32": pytest.approx(by_hand)}
    assert timed.share({"fp32": 2 * timed.speed}) == pytest.approx(0.5)


def test_networks_of_a_chain_add_up_on_the_pixels_that_they_see() -> None:
    net = "denoise-fast"
    one, two, larger = (
        sum(gflop_by_precision(build(method), 64, 512).values())
        for method in (f"{net}+bicubic", f"{net}+{net}", f"bicubic+{net}")
    )
    assert two == pytest.approx(2 * one)
    assert larger == pytest.approx(4 * one)


def test_smaller_tiles_are_told(plane: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fails_above(monkeypatch, 80)
    timed = measure(SpeedConfig("identity", tile=128, seconds=0), 96, plane)
    assert timed.note == "took smaller tiles, for lack of memory"
    assert timed.times


def test_a_failure_is_told(plane: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_, **__) -> None:
        raise OutOfMemoryError("out of memory on a plane of 96 x 96 pixels")

    monkeypatch.setattr(timing, "restore_stack", fail)
    timed = measure(SpeedConfig("identity"), 96, plane)
    assert timed.error == "out of memory on a plane of 96 x 96 pixels"
    assert timed.times == ()
    assert timed.best is timed.median is timed.megapixels is None


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="no method is called 'gausian'"):
        SpeedConfig("gausian").chain()


def _fails_above(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    def call(self: Identity, blocks: np.ndarray) -> np.ndarray:
        if max(blocks.shape) > side:
            raise MemoryError
        return blocks

    monkeypatch.setattr(Identity, "__call__", call)
