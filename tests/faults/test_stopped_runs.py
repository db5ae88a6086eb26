"""Runs that are killed, stopped and two at once: nothing is lost or done twice.

`pytest -m faults -n 0 -rP` does over 500 injections, and counts.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from fault_bench import Bench, contents

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or os.geteuid() != 0,
        reason="it forks, and becomes another user",
    ),
]


def stopped(bench: Bench, number: signal.Signals, code: int) -> None:
    """Stop a run up to three times, each at a random moment, and complete it."""
    folder = bench.fresh()
    for _ in range(bench.dice.randint(1, 3)):
        process = bench.forks.start(folder)
        bench.moment()
        os.kill(process, number)
        ended = bench.forks.wait(process)
        # Python dies of SIGTERM until the program hears it.
        assert ended in (code, 0, -number), (folder / "log").read_text()
        bench.counts["hit" if ended else "too late"] += 1
        bench.check_whole(folder)
    if number != signal.SIGKILL:
        assert not [*folder.rglob(".w2s-*")], "temporary files stay"
    bench.check_completed(folder)
    bench.check_once(folder)


@pytest.mark.parametrize("count", [40])
def test_killed(bench: Bench, count: int) -> None:
    for _ in range(count):
        stopped(bench, signal.SIGKILL, -9)


@pytest.mark.parametrize("count", [25])
def test_terminated(bench: Bench, count: int) -> None:
    for _ in range(count):
        stopped(bench, signal.SIGTERM, 143)


@pytest.mark.parametrize("count", [25])
def test_interrupted(bench: Bench, count: int) -> None:
    for _ in range(count):
        stopped(bench, signal.SIGINT, 130)


@pytest.mark.parametrize("count", [20])
def test_two_at_once(bench: Bench, count: int) -> None:
    for _ in range(count):
        folder = bench.fresh()
        both = [bench.forks.start(folder)]
        bench.moment()
        both.append(bench.forks.start(folder))
        assert [bench.forks.wait(one) for one in both] == [0, 0]
        bench.counts["two at once"] += 1
        bench.check_whole(folder)
        bench.check_completed(folder)
        bench.check_once(folder)


@pytest.mark.parametrize("count", [15])
def test_shards_at_once_one_killed(bench: Bench, count: int) -> None:
    for _ in range(count):
        folder = bench.fresh()
        parts = [
            bench.forks.start(folder, *bench.forks.words, "--shard", f"{number}/3")
            for number in (1, 2, 3)
        ]
        bench.moment(0.6)
        os.kill(bench.dice.choice(parts), signal.SIGKILL)
        ended = [bench.forks.wait(one) for one in parts]
        assert {*ended} <= {0, -9}
        bench.counts["shard killed" if -9 in ended else "too late"] += 1
        bench.check_whole(folder)
        bench.check_completed(folder)
        bench.check_once(folder)


@pytest.mark.parametrize("count", [10])
def test_workers_are_killed(bench: Bench, count: int) -> None:
    for _ in range(count):
        folder = bench.fresh()
        running = subprocess.Popen(
            [sys.executable, "-m", "w2s_cli", *bench.forks.words, "--jobs", "2"],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not contents(folder / "out") and time.monotonic() < deadline:
            time.sleep(0.01)
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text()
        with suppress(ProcessLookupError):
            os.kill(int(bench.dice.choice(children.split())), signal.SIGKILL)
        _, said = running.communicate(timeout=120)
        assert running.returncode in (0, 1), said
        assert not running.returncode or "ended by signal 9" in said
        bench.counts["worker killed" if running.returncode else "idle"] += 1
        bench.check_whole(folder)
        bench.check_completed(folder)
        bench.check_once(folder)


@pytest.mark.parametrize("count", [10])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_with_workers_is_stopped(bench, count, number) -> None:
    for _ in range(count):
        folder = bench.fresh()
        running = subprocess.Popen(
            [sys.executable, "-m", "w2s_cli", *bench.forks.words, "--jobs", "2"],
            cwd=folder,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        deadline = time.monotonic() + 60
        while not contents(folder / "out") and time.monotonic() < deadline:
            time.sleep(0.01)
        bench.moment(0.3)
        running.send_signal(number)
        running.wait(60)
        bench.counts["stopped" if running.returncode else "too late"] += 1
        bench.check_whole(folder)
        bench.check_completed(folder)
        bench.check_once(folder)
