"""A small bench with all that a report must cope with, and the report of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from w2s_cli.bench.config import BenchConfig, MethodConfig
from w2s_cli.bench.report.report_file import write_report
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.run_bench import MethodResult, Selection, run_bench
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import simulate_scene

FIELDS, SIDE = 5, 64


class Plane:
    """An image in memory."""

    where = "memory"

    def __init__(self, pixels: NDArray[np.float32]) -> None:
        self.pixels = pixels

    def shape(self) -> tuple[int, int]:
        return self.pixels.shape

    def read(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        valid = np.ones(self.pixels.shape, bool)
        valid[:4, :4] = False
        return self.pixels, valid


def data_set() -> DataSet:
    scenes = {f"{n}<b>": simulate_scene(n, side=SIDE) for n in range(FIELDS)}
    rng = np.random.default_rng(0)
    inputs = {}
    for level in (1, 4):
        model = NoiseModel(8.0 / level, 100.0)
        inputs[level] = {
            name: Plane(
                model.sample(model.photons(scene.clean), rng).astype(np.float32)
            )
            for name, scene in scenes.items()
        }
    return DataSet(
        name="made",
        title="cells <i>made</i> & simulated",
        place="memory",
        unit="counts",
        per_unit=1,
        inputs=inputs,
        truths={
            1: {name: Plane(scene.clean) for name, scene in scenes.items()},
            2: {name: Plane(scene.truth) for name, scene in scenes.items()},
        },
        splits={"test": [*scenes]},
    )


def refused(measured: MethodResult, number: int) -> MethodResult:
    """Return a row with an image that a method does not want."""
    images = list(measured.images)
    images[number] = replace(images[number], scores={}, error="it is too dark & small")
    return replace(measured, images=images)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> BenchResult:
    """Four groups: two levels, two scales; `median` refused one image at level 1."""
    selection = Selection(data_set(), "test")
    config = MethodConfig(metrics=("rmse", "ssim"))
    rows = [
        *BenchConfig(["gaussian", "median"], levels=(1, 4)).rows(),
        *BenchConfig(["gaussian"], ["bicubic"], levels=(1, 4)).rows(),
    ]
    found = [*run_bench(rows, selection, config, tmp_path_factory.mktemp("cache"))]
    names = [(one.row.name, one.row.level) for one in found]
    at = names.index(("median", 1))
    found[at] = refused(found[at], 2)
    return BenchResult(found, selection, config, "plain", with_papers=True)


@pytest.fixture(scope="session")
def report(bench: BenchResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page; its figures are beside."""
    path = tmp_path_factory.mktemp("report") / "out.html"
    write_report(bench, path)
    return path
