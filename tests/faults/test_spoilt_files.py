"""Disks that are full, folders that close, files that change beneath a run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fault_bench import Bench

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0,
    reason="it forks, and becomes another user",
)


NOBODY = 65534


def injections(few: int, many: int) -> pytest.MarkDecorator:
    """Give a test a few injections, and many where faults are asked for."""
    counts = [few, pytest.param(many, marks=pytest.mark.faults)]
    return pytest.mark.parametrize("count", counts)


@injections(1, 15)
def test_files_too_large_for_the_quota(bench: Bench, count: int) -> None:
    """A limit on the size of a file, as some clusters have it, fails what is larger."""
    for _ in range(count):
        folder = bench.fresh()
        code = bench.forks.run(folder, most=bench.dice.randint(5_000, 40_000))
        assert code in (0, 1, 7), (folder / "log").read_text()
        bench.counts["failed" if code else "fitted"] += 1
        bench.check_whole(folder)
        bench.check_completed(folder)


@pytest.mark.faults
@pytest.mark.parametrize("count", [20])
def test_full_disk(bench: Bench, count: int) -> None:
    for _ in range(count):
        folder = bench.fresh()
        (folder / "out").mkdir()
        size = bench.dice.randint(12, 150) * 1024
        words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder / "out"]
        if subprocess.run(words, check=False, capture_output=True).returncode:
            pytest.skip("no small disk can be had")
        try:
            code = bench.forks.run(folder)
            said = (folder / "log").read_text()
            assert code in (0, 7), said
            assert not code or "the disk is full" in said
            bench.counts["full" if code else "fitted"] += 1
            bench.check_whole(folder)
            subprocess.run(
                ["mount", "-o", "remount,size=9m", folder / "out"], check=True
            )
            bench.check_completed(folder)
        finally:
            subprocess.run(["umount", folder / "out"], check=True)


@pytest.mark.faults
@pytest.mark.parametrize("count", [15])
def test_folder_becomes_read_only(bench: Bench, count: int) -> None:
    for _ in range(count):
        folder = bench.fresh()
        (folder / "out").mkdir()
        (folder / "log").touch()
        for path in (folder / "out", folder / "log"):
            os.chown(path, NOBODY, NOBODY)
        process = bench.forks.start(folder, user=NOBODY)
        bench.moment()
        folders = [path for path in (folder / "out").rglob("*") if path.is_dir()]
        for path in (folder / "out", *folders):
            os.chown(path, 0, 0)
            path.chmod(0o755)
        code = bench.forks.wait(process)
        assert code in (0, 1, 7), (folder / "log").read_text()
        bench.counts["failed" if code else "too late"] += 1
        bench.check_whole(folder)
        bench.check_completed(folder)
        assert bench.forks.run(folder, user=NOBODY) == 0  # all is there


def cut(path: Path, bench: Bench) -> None:
    os.truncate(path, bench.dice.randrange(path.stat().st_size))


def swap(path: Path, bench: Bench) -> None:
    """Replace by another image, of the same size and time."""
    times = path.stat()
    other = path.with_name(".other")
    content = bytearray(path.read_bytes())
    content[-500:-400] = bytes(100)
    other.write_bytes(content)
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)


def remove(path: Path, bench: Bench) -> None:
    path.unlink()


@pytest.mark.faults
@pytest.mark.parametrize("spoil", [cut, swap, remove])
@pytest.mark.parametrize("count", [10])
def test_inputs_change(bench, count, spoil) -> None:
    for _ in range(count):
        folder = bench.fresh()
        name = bench.dice.choice(["0.tif", "2.tif", "plate/well/0.tif"])
        process = bench.forks.start(folder)
        bench.moment()
        spoil(folder / "raw" / name, bench)
        code = bench.forks.wait(process)
        assert code in (0, 1), (folder / "log").read_text()
        bench.counts[f"{spoil.__name__}: {'failed' if code else 'read before'}"] += 1
        # An output is of the old content, or of the new one.
        changed = bench.output(folder, name)
        if changed and changed != bench.output(bench.template, name):
            assert bench.forks.run(folder) in (0, 1)
            assert bench.output(folder, name) == changed
        shutil.copy2(bench.template / "raw" / name, folder / "raw" / name)
        bench.check_completed(folder)


def flip(path: Path, bench: Bench) -> None:
    content = bytearray(path.read_bytes())
    content[bench.dice.randrange(len(content))] ^= 1 << bench.dice.randrange(8)
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [cut, flip, remove])
@injections(1, 10)
def test_outputs_are_spoilt(bench, count, spoil) -> None:
    folder = bench.fresh()
    bench.check_completed(folder)
    for _ in range(count):
        name = bench.dice.choice(sorted(bench.clean))
        spoil(folder / "out" / name, bench)
        bench.check_completed(folder)
        bench.counts[spoil.__name__] += 1
