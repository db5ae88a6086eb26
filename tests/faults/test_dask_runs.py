"""Runs over the workers of a dask cluster that lose workers, or are ended themselves.

`pytest -m faults -n 0 -rP tests/faults/test_dask_runs.py` does 80 runs, and counts.
"""

import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fault_bench import Bench, contents
from w2s_cli.io import write_image
from w2s_cli.stack import Stack

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it kills"),
]
psutil: Any = pytest.importorskip("psutil")
pytest.importorskip("distributed")
W2S = [sys.executable, "-m", "w2s_cli"]
PATIENCE = 180.0  # seconds
WORD = "the workers that had it in hand died"


def workers(client: int) -> list[Any]:
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(client).children(recursive=True)
        return [one for one in children if "spawn_main" in " ".join(one.cmdline())]
    return []


def hit(bench: Bench, folder: Path, words: list[str], begun: str) -> int:
    """Run it on two workers; kill some of these, or stop it, at random moments.

    They come after there are such files as are `begun`.
    """
    with (folder / "log").open("a") as log:
        client = subprocess.Popen(
            [*W2S, *words, "--dask", "local:2"], cwd=folder, stderr=log
        )
    deadline = time.monotonic() + PATIENCE
    while (
        client.poll() is None
        and not [*folder.glob(begun)]
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    there = workers(client.pid)
    number = bench.dice.choice([None, None, None, *STOPS])
    if number:
        bench.moment()
        client.send_signal(number)
    else:
        for _ in range(bench.dice.randint(1, 3)):
            bench.moment()
            if there := workers(client.pid):
                with suppress(psutil.NoSuchProcess):
                    bench.dice.choice(there).kill()
                    bench.counts["workers killed"] += 1
    code = client.wait(PATIENCE)
    _, alive = psutil.wait_procs(there, PATIENCE)
    assert not alive, "workers outlive the run"
    if number:
        bench.counts[f"{number.name}: {'hit' if code else 'too late'}"] += 1
        assert code in (0, 128 + number, -number)
    return code


STOPS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


@pytest.mark.parametrize("count", [20])
def test_files(bench: Bench, count: int) -> None:
    for _ in range(count):
        folder = bench.fresh()
        code = hit(bench, folder, [*bench.forks.words], "out/[!.]*")
        said = (folder / "log").read_text()
        assert code != 1 or WORD in said, said
        bench.check_whole(folder)
        bench.check_completed(folder)
        bench.check_once(folder)
        bench.counts["completed"] += 1


@pytest.mark.parametrize("count", [20])
def test_parts_of_an_image(bench: Bench, count: int) -> None:
    pytest.importorskip("zarr")
    light = np.random.default_rng(0).poisson(90.0, (2, 12, 600, 128))
    source = bench.place / "big.ome.zarr"
    write_image(Stack(light.astype(np.uint16), "CZYX", {"Y": 0.1, "X": 0.1}), source)
    method = ["--method", "median", "-O", "size=9", "--quiet", "--resume"]
    words = ["restore", str(source), *method, "-o"]
    subprocess.run([*W2S, *words, "alone.ome.zarr"], cwd=bench.place, check=True)
    alone = contents(bench.place / "alone.ome.zarr")
    for number in range(count):
        folder = bench.place / f"parts{number}"
        folder.mkdir()
        target = folder / "spread.ome.zarr"
        code = hit(bench, folder, [*words, target.name], ".w2s-*.tmp/0/c/0/*/*")
        if target.exists():
            assert contents(target) == alone
        said = (folder / "log").read_text()
        assert code in (0, -9, 130, 143) or WORD in said, said
        assert "Traceback" not in said, said
        subprocess.run([*W2S, *words, target.name], cwd=folder, check=True)
        assert contents(target) == alone
        assert sorted(one.name for one in folder.iterdir()) == ["log", target.name]
        bench.counts["completed"] += 1
