"""A small bench with all that a report must cope with, and the report of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from w2s_cli.datasets import DataSet
from w2s_cli.evaluation.bench.measured import Measured
from w2s_cli.evaluation.bench.rows import Contest
from w2s_cli.evaluation.bench.run import Selection, run
from w2s_cli.evaluation.bench.standings import Standings
from w2s_cli.evaluation.bench.trial import Trial
from w2s_cli.evaluation.report.write import write_report
from w2s_cli.physics.noise import NoiseModel
from w2s_cli.physics.scene import simulate_scene

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
        offset=0,
        inputs=inputs,
        truths={
            1: {name: Plane(scene.clean) for name, scene in scenes.items()},
            2: {name: Plane(scene.truth) for name, scene in scenes.items()},
        },
        splits={"test": [*scenes]},
    )


def refused(measured: Measured, number: int) -> Measured:
    """Return a row with an image that a method does not want."""
    images = list(measured.images)
    images[number] = replace(images[number], scores={}, error="it is too dark & small")
    return replace(measured, images=images)


@pytest.fixture(scope="session")
def standings(tmp_path_factory: pytest.TempPathFactory) -> Standings:
    """Four groups: two levels, two scales; `median` refused one image at level 1."""
    selection = Selection(data_set(), "test")
    trial = Trial(metrics=("rmse", "ssim"))
    rows = [
        *Contest(["gaussian", "median"], levels=(1, 4)).rows(),
        *Contest(["gaussian"], ["bicubic"], levels=(1, 4)).rows(),
    ]
    found = [*run(rows, selection, trial, tmp_path_factory.mktemp("cache"))]
    names = [(one.row.name, one.row.level) for one in found]
    at = names.index(("median", 1))
    found[at] = refused(found[at], 2)
    return Standings(found, selection, trial, "plain", with_papers=True)


@pytest.fixture(scope="session")
def report(standings: Standings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page; its figures are beside."""
    path = tmp_path_factory.mktemp("report") / "out.html"
    write_report(standings, path)
    return path
