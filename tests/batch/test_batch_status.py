"""`w2s batch status`: what journals tell."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from typer.testing import Result

W2S = Callable[..., Result]
WORDS = ["restore", "raw", "-o", "out", "--method", "gaussian"]


@pytest.fixture(autouse=True)
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    for name in "abcd":
        tifffile.imwrite(f"raw/{name}.tif", np.full((24, 20), 9, np.uint16))
    return tmp_path / "raw"


def status(w2s: W2S, code: int) -> dict[str, Any]:
    result = w2s("batch", "status", "out", "--json", code=code)
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["complete"] == (code == 0)
    return found


def test_all_is_done(w2s: W2S) -> None:
    assert w2s(*WORDS).exit_code == 0
    found = status(w2s, 0)
    assert (found["done"], found["runs"], found["running"]) == (4, 1, 0)
    assert w2s("batch", "status", "out").stdout == "out: 4 done, 0 failed, 0 missing\n"
    Path("out").rename("moved")
    assert w2s("batch", "status", "moved").exit_code == 0
    assert w2s("batch", "status", "raw").exit_code == 3


def test_what_failed_and_what_is_gone(w2s: W2S) -> None:
    Path("raw/b.tif").write_bytes(b"no image")
    assert w2s(*WORDS).exit_code == 1
    [failed] = status(w2s, 1)["failed"]
    assert (failed["source"], failed["target"]) == ("raw/b.tif", "b.tif")
    assert failed["error"].startswith("raw/b.tif is not a TIFF")
    assert failed["exit_code"] == 4
    said = w2s("batch", "status", "out").stdout.splitlines()
    assert said[0] == "out: 3 done, 1 failed, 0 missing"
    assert said[1].startswith("failed  raw/b.tif  raw/b.tif is not a TIFF")
    assert said[-1] == "do what is missing: the same command again, with --resume"
    Path("raw/b.tif").unlink()
    assert status(w2s, 1)["failed"]  # until a run goes without it
    assert w2s(*WORDS, "--resume").exit_code == 0
    assert [one["target"] for one in status(w2s, 0)["gone"]] == ["b.tif"]


def test_what_became_of_outputs_since(w2s: W2S) -> None:
    w2s(*WORDS)
    Path("out/a.tif").unlink()
    os.truncate("out/b.tif", 100)
    size = Path("out/c.tif").stat().st_size
    missing = status(w2s, 1)["missing"]
    assert [one["why"] for one in missing] == [
        "done, but the output is there no longer",
        f"done, but the output has 100 bytes instead of {size} since",
    ]
    assert w2s(*WORDS, "--resume").exit_code == 0
    assert status(w2s, 0)["done"] == 4


def test_a_run_that_finds_all_there_changes_nothing(w2s: W2S) -> None:
    w2s(*WORDS)
    assert w2s(*WORDS).exit_code == 1  # they exist
    assert status(w2s, 0)["done"] == 4


def test_shards(w2s: W2S) -> None:
    assert w2s(*WORDS, "--shard", "1/3").exit_code == 0
    assert status(w2s, 1)["doubts"] == ["shards that have not run: 2/3, 3/3"]
    assert w2s(*WORDS, "--shard", "2/3").exit_code == 0
    tifffile.imwrite("raw/0.tif", np.full((24, 20), 9, np.uint16))
    assert w2s(*WORDS, "--shard", "3/3", "--resume").exit_code == 0
    [doubt] = status(w2s, 1)["doubts"]
    assert doubt.startswith("the 3 shards were not given the same files: run once more")
    assert w2s(*WORDS, "--resume").exit_code == 0
    found = status(w2s, 0)
    assert (found["done"], found["doubts"]) == (5, [])


def test_of_a_billion_shards_few_are_named(w2s: W2S) -> None:
    assert w2s(*WORDS, "--shard", "2/999999999").exit_code == 0
    [doubt] = status(w2s, 1)["doubts"]
    assert (
        doubt == "shards that have not run: 1/999999999, 3/999999999, 4/999999999 "
        "and 999999995 more"
    )


FOREIGN = [
    '{"event": "run", "started": "soon", "shard": "1/1"}',
    '{"event": "run", "started": 1, "shard": "1/x"}',
    '{"event": "run", "started": 1, "shard": ["1/1"]}',
    '{"event": "planned", "target": "a.tif"}',
    '{"event": "planned", "source": 1, "target": "a.tif"}',
    '{"event": "failed", "target": "a.tif"}',
    '{"event": "done", "target": {"a": 1}}',
    '{"event": ["done"]}',
    '{"event": "done", "target": "a\\u0000b"}',
    '{"event": "done", "target": "' + "b" * 300 + '"}',
    "[" * 100_000,
    "\xff\x00",
]


@pytest.mark.parametrize("alone", [True, False])
def test_lines_that_another_program_wrote_are_no_events(w2s: W2S, alone: bool) -> None:
    w2s(*WORDS)
    [journal] = Path("out/.w2s").glob("*.jsonl")
    if alone:
        for number, line in enumerate(FOREIGN):
            Path(f"out/.w2s/{number}.jsonl").write_text(line)
    else:
        first, *rest = journal.read_text().splitlines()
        journal.write_text("\n".join([first, *FOREIGN, *rest, ""]))
    Path("out/.w2s/folder.jsonl").mkdir()
    assert status(w2s, 0)["done"] == 4
    assert w2s(*WORDS, "--resume", "--name", "{stem}.tif").exit_code == 0


def test_a_shard_of_fewer_files_than_shards(w2s: W2S) -> None:
    assert w2s(*WORDS, "--shard", "9/9").exit_code == 0
    assert not Path("out").exists()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_run_that_was_killed(w2s: W2S) -> None:
    tifffile.imwrite("raw/b.tif", np.zeros((40, 512, 512), np.uint16))
    slow = ["--method", "median", "-O", "size=15"]
    running = subprocess.Popen(
        [sys.executable, "-m", "w2s_cli", *WORDS[:4], *slow], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not Path("out/a.tif").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    found = status(w2s, 1)
    assert found["running"] == 1
    assert {one["why"] for one in found["missing"]} == {"not done yet: the run goes on"}
    running.send_signal(signal.SIGKILL)
    running.wait()
    found = status(w2s, 1)
    assert (found["running"], found["done"]) == (0, 1)
    assert [one["target"] for one in found["missing"]] == ["b.tif", "c.tif", "d.tif"]
    assert {one["why"] for one in found["missing"]} == {"not done when the run ended"}


def test_journals_that_are_spoilt(w2s: W2S) -> None:
    w2s(*WORDS)
    [journal] = Path("out/.w2s").glob("*.jsonl")
    text = journal.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [one["event"] for one in lines] == [
        *("run", *["planned"] * 4, *["done"] * 4, "end")
    ]
    assert {"input_sha256", "request", "bytes"} <= lines[5].keys()
    journal.write_text(text + '[1]\n"x"\n{"event": "done"}\n{"event": "do')
    Path("out/.w2s/empty.jsonl").touch()
    Path("out/.w2s/odd.jsonl").write_bytes(b"\xff\n")
    assert status(w2s, 0)["done"] == 4
