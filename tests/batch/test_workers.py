"""Several processes for many files."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli import errors
from w2s_cli.batch.jobs import EndedError

W2S = [sys.executable, "-m", "w2s_cli"]


@pytest.fixture(autouse=True)
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    rng = np.random.default_rng(0)
    for name in "abcde":
        pixels = rng.integers(0, 99, (2, 64, 64)).astype(np.uint16)
        tifffile.imwrite(f"raw/{name}.tif", pixels, imagej=True)


def test_outputs_are_those_of_one_process_and_one_bad_file_fails(w2s) -> None:
    Path("raw/bad.tif").write_bytes(b"no image")
    words = ("restore", "raw", "--method", "gaussian", "-o")
    assert w2s(*words, "one").exit_code == 1
    done = w2s(*words, "two", "--jobs", "2", "--json", code=1)
    rows = {Path(row["source"]).name: row for row in json.loads(done.stdout)}
    assert len(rows) == 6
    bad = rows.pop("bad.tif")
    assert (bad["status"], bad["exit_code"]) == ("failed", 4)
    assert "hint: export it as OME-TIFF" in done.stderr
    assert {row["status"] for row in rows.values()} == {"done"}
    for name in rows:
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()
    again = w2s(*words, "two", "--jobs", "3", "--resume", "--json-lines")
    statuses = [json.loads(line)["status"] for line in again.stdout.splitlines()]
    assert sorted(statuses) == [*["failed"], *["kept"] * 5]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("victim", ["worker", "parent"])
def test_a_process_is_killed(victim: str) -> None:
    tifffile.imwrite("raw/c.tif", np.zeros((60, 512, 512), np.uint16))
    words = ["restore", "raw", "-o", "out", "--method", "median", "-O", "size=15"]
    running = subprocess.Popen(
        [*W2S, *words, "--jobs", "2"], stderr=subprocess.PIPE, text=True
    )
    deadline, strays = time.monotonic() + 60, list[Path]()
    while (
        len([*Path("out").glob("[a-e].tif")]) < 4 or len(strays) != 1
    ) and time.monotonic() < deadline:
        time.sleep(0.02)
        strays = [*Path("out").glob(".w2s-*.tmp")]
    [stray] = strays
    busy = int(stray.name.split("-")[-3])
    os.kill(busy if victim == "worker" else running.pid, signal.SIGKILL)
    _, said = running.communicate(timeout=60)
    if victim == "worker":
        assert running.returncode == 1
        assert "raw/c.tif: the process that had it in hand ended by signal 9" in said
        assert "hint: it may have run out of memory: take fewer --jobs" in said
    else:
        deadline = time.monotonic() + 30
        while Path("/proc", str(busy)).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not [*Path("out").glob(".w2s-*")]  # it has cleaned up


@pytest.mark.parametrize(
    "error",
    [
        errors.UnknownNameError("method", "gausian", ["gaussian"]),
        errors.InputError("bad", hint="good"),
        EndedError("interrupted", 143),
        errors.BusyError("busy"),
    ],
)
def test_errors_reach_another_process(error: errors.W2SError) -> None:
    import pickle

    found = pickle.loads(pickle.dumps(error))
    assert type(found) is type(error)
    assert (str(found), found.hint) == (str(error), error.hint)
    assert found.exit_code == error.exit_code
