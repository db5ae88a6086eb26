"""Runs that are killed, stopped or in each other's way, and a full disk."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from errno import ENOSPC
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from w2s_cli.cli.commands import stoppable
from w2s_cli.interruptions import Stopped
from w2s_cli.io import tiff
from w2s_cli.io.atomic_files import remove_strays
from w2s_cli.methods.filters import Gaussian

W2S = [sys.executable, "-m", "w2s_cli"]
SMOOTH = ["--method", "gaussian"]
SLOW = ["--method", "median", "-O", "size=15"]
posix = pytest.mark.skipif(os.name != "posix", reason="signals")


def _start(words: list[str], **how: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*W2S, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background may have been told to ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **how,
    )


def _wait_for(pattern: str, folder: Path) -> None:
    deadline = time.monotonic() + 30
    while not list(folder.glob(pattern)) and time.monotonic() < deadline:
        time.sleep(0.005)


def _strays(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.glob(".w2s-*")]


@pytest.fixture
def batch(here: Path) -> Path:
    """A folder with a small image, and a large one after it."""
    (here / "raw").mkdir()
    (here / "cell.tif").rename(here / "raw" / "a.tif")
    tifffile.imwrite("raw/b.tif", np.zeros((64, 512, 512), np.uint16))
    tifffile.imwrite("raw/c.tif", np.zeros((8, 8), np.uint16))
    return here


@pytest.fixture
def handlers() -> Iterator[None]:
    """Give the signals back to pytest afterwards."""
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    print_dropped = sys.unraisablehook
    # Tests that run in the background may have been told to ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)
    sys.unraisablehook = print_dropped


@posix
@pytest.mark.usefixtures("handlers")
def test_a_signal_is_heard_that_comes_in_a_destructor(capfd) -> None:
    class Lock:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    def forget(lock: Lock) -> None:
        del lock
        time.sleep(10)

    with pytest.raises(Stopped, match=str(int(signal.SIGTERM))), stoppable():
        forget(Lock())
    assert capfd.readouterr() == ("", "")


@posix
@pytest.mark.parametrize(
    ("number", "code", "option"),
    [(signal.SIGTERM, 143, "--json"), (signal.SIGINT, 130, "--json-lines")],
)
@pytest.mark.usefixtures("handlers")
def test_a_stopped_batch_says_what_is_done(
    batch: Path,
    w2s,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    code: int,
    option: str,
) -> None:
    def stopped(self: Gaussian, blocks: Any) -> Any:
        if blocks.shape[-1] > 60:
            try:
                signal.raise_signal(number)
            finally:
                signal.raise_signal(number)  # the first is enough
        return blocks

    monkeypatch.setattr(Gaussian, "__call__", stopped)
    with stoppable():
        done = w2s("restore", "raw", "-o", "out", *SMOOTH, option)
    out, said = done.stdout, done.stderr
    assert done.exit_code == code, said
    rows = json.loads(out) if option == "--json" else map(json.loads, out.splitlines())
    one, two, three = rows
    assert [row["status"] for row in (one, two, three)] == [
        *("done", "failed", "not begun")
    ]
    assert (two["error"], two["exit_code"]) == ("interrupted", code)
    assert three["error"] == "not begun: interrupted"
    assert said.splitlines()[-2:] == [
        "not done: 2 of 3 files: raw/b.tif, raw/c.tif",
        "interrupted",
    ]
    assert sorted(path.name for path in (batch / "out").iterdir()) == [".w2s", "a.tif"]


@posix
def test_a_stopped_run_leaves_no_spooled_input(batch: Path) -> None:
    (batch / "tmp").mkdir()
    with (batch / "raw/b.tif").open("rb") as image:
        running = _start(
            ["restore", "-", "-o", "out.tif", *SLOW],
            stdin=image,
            env={**os.environ, "TMPDIR": str(batch / "tmp")},
        )
        _wait_for(".w2s-*", batch)
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=20)
    assert (running.returncode, said) == (143, "interrupted\n")
    assert not [*(batch / "tmp").iterdir(), *_strays(batch)]


@posix
def test_other_commands_end_on_sigterm_too(batch: Path) -> None:
    for number in range(500):
        os.link("raw/a.tif", f"raw/{number}.tif")
    running = _start(["estimate-noise", "raw", "--json-lines"])
    assert running.stdout
    first = running.stdout.readline()
    running.send_signal(signal.SIGTERM)
    out, said = running.communicate(timeout=20)
    assert running.returncode == 143
    assert said.splitlines()[-1] == "interrupted"
    assert json.loads(first)["status"] == "done"
    assert json.loads(out.splitlines()[-1])["status"] == "not begun"


@posix
def test_a_killed_run_is_in_nobodys_way(batch: Path, w2s) -> None:
    first = _start(["restore", "raw/b.tif", "-o", "b.tif", *SLOW])
    _wait_for(".w2s-*.tmp", batch)
    second = w2s("restore", "raw/b.tif", "-o", "b.tif", *SMOOTH, code=7)
    assert second.stderr.splitlines() == [
        "error: b.tif is being written by another process",
        "hint: wait for it, or name another folder with -o",
    ]
    first.kill()
    os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)  # a zombie counts as dead
    remove_strays.cache_clear()
    assert w2s("restore", "raw/a.tif", "-o", "a.tif", *SMOOTH).exit_code == 0
    first.communicate()
    assert w2s("restore", "raw/b.tif", "-o", "b.tif", *SMOOTH).exit_code == 0
    assert not _strays(batch)


def test_two_processes_on_a_folder(here: Path, w2s) -> None:
    for number in range(12):
        tifffile.imwrite(f"{number}.tif", np.zeros((2, 64, 64), np.uint16))
    words = ["restore", ".", "-o", "out", *SMOOTH, "--json"]
    other = _start(words)
    _wait_for("out/*.tif", here)
    rows = [
        json.loads(w2s(*words).stdout),
        json.loads(other.communicate(timeout=60)[0]),
    ]
    done = [row["target"] for row in rows[0] + rows[1] if row["status"] == "done"]
    assert sorted(done) == sorted({*done})
    assert len(done) == len(list(here.glob("*.tif"))) == len([*here.glob("out/*.tif")])


def test_a_target_that_appears_meanwhile_stays(w2s, here, monkeypatch) -> None:
    def meanwhile(self: Gaussian, blocks: Any) -> Any:
        (here / "out.tif").write_bytes(b"somebody else's")
        return blocks

    monkeypatch.setattr(Gaussian, "__call__", meanwhile)
    result = w2s("restore", "cell.tif", "-o", "out.tif", *SMOOTH, code=7)
    assert "out.tif exists: it appeared in the meantime, and stays" in result.stderr
    assert (here / "out.tif").read_bytes() == b"somebody else's"
    assert not _strays(here)
    assert w2s("restore", "cell.tif", "-o", "out.tif", *SMOOTH, "--overwrite").stderr
    assert tifffile.imread("out.tif").shape == (2, 60, 50)


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_replaced_file_keeps_its_mode(w2s, here: Path, mode: int) -> None:
    (here / "out.tif").write_bytes(b"old")
    (here / "out.tif").chmod(mode)
    w2s("restore", "cell.tif", "-o", "out.tif", *SMOOTH, "--overwrite", code=0)
    assert (here / "out.tif").stat().st_mode & 0o777 == mode
    w2s("restore", "cell.tif", "-o", "new.tif", *SMOOTH)
    assert (here / "new.tif").stat().st_mode == (here / "cell.tif").stat().st_mode


@pytest.mark.parametrize(
    "error",
    [OSError(ENOSPC, "No space left on device"), OSError("4096 requested, 0 written")],
)
def test_a_full_disk_ends_the_batch(w2s, batch, monkeypatch, error) -> None:
    write, probe = tiff.write, OSError(ENOSPC, "No space left on device")

    def full(stack: Any, path: Path, *more: Any, **how: Any) -> None:
        if stack.data.shape[-1] == 512:
            path.write_bytes(b"a part")
            raise error
        write(stack, path, *more, **how)

    monkeypatch.setattr(tiff, "write", full)
    monkeypatch.setattr("w2s_cli.io.atomic_files._write_more", lambda path: probe)
    result = w2s("restore", "raw", "-o", "out", *SMOOTH, "--json", "-q", code=7)
    assert result.stderr.splitlines() == [
        "error: cannot write out/b.tif: the disk is full",
        "hint: make room, and run it again",
        "not done: 2 of 3 files: raw/b.tif, raw/c.tif",
    ]
    assert [row["status"] for row in json.loads(result.stdout)] == [
        *("done", "failed", "not begun")
    ]
    assert sorted(path.name for path in (batch / "out").iterdir()) == [".w2s", "a.tif"]
