"""A place for batches that are hit by faults; see `fault_bench`."""

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fault_bench import KINDS, OUTPUTS, Bench, Forks, contents, make_inputs


@pytest.fixture(
    scope="package", params=["files", pytest.param("zarr", marks=pytest.mark.faults)]
)
def template(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Forks, Path, float]]:
    if request.param == "zarr":
        pytest.importorskip("zarr")
    folder = tmp_path_factory.mktemp("template")
    folder.chmod(0o755)
    make_inputs(folder / "raw")
    forks = Forks(folder / "raw", KINDS[request.param])
    assert forks.run(folder) == 0, (folder / "log").read_text()
    shutil.move(folder / "out", folder / "first")
    begun = time.perf_counter()
    assert forks.run(folder) == 0
    seconds = time.perf_counter() - begun
    assert contents(folder / "first") == contents(folder / "out")
    outputs = {name.split(".zarr")[0] for name in contents(folder / "out")}
    assert len(outputs) == OUTPUTS
    yield forks, folder, seconds
    forks.end()


@pytest.fixture
def bench(template: tuple[Forks, Path, float], count: int) -> Iterator[Bench]:
    # Where another user can go, unlike the folders of pytest
    with tempfile.TemporaryDirectory(prefix="w2s-faults-") as folder:
        Path(folder).chmod(0o755)
        found = Bench(*template, Path(folder), dice=random.Random(count))
        yield found
    print(dict(found.counts))
