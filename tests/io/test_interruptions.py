"""An interruption between any two lines leaves nothing behind."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from w2s_cli.io import atomic_files
from w2s_cli.io.atomic_files import (
    claimed,
    remove_own,
    remove_strays,
    replacing,
    temporary_folder,
)

WATCHED = {atomic_files.__file__, contextlib.__file__}


def of_garbage(frame: FrameType | None) -> bool:
    """Return whether an object is being deleted, where Python hides interruptions."""
    while frame and frame.f_code.co_name != "__del__":
        frame = frame.f_back
    return frame is not None


@contextmanager
def interrupted_at(number: int) -> Iterator[list[int]]:
    """Interrupt at the start of a line, or at the end of a function, so many on."""
    count = [0]

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in WATCHED:
            return None
        if event != "exception":
            count[0] += 1
            if count[0] == number and not of_garbage(frame):
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(before)


def write_file(folder: Path) -> None:
    with claimed(folder / "a"), replacing(folder / "a") as temporary:
        temporary.write_text("new")


def write_folder(folder: Path) -> None:
    with replacing(folder / "a", folder=True) as temporary:
        (temporary / "new").touch()


def spool(folder: Path) -> None:
    with temporary_folder(folder) as temporary:
        (temporary / "new").touch()


def fail(folder: Path) -> None:
    with suppress(ValueError), replacing(folder / "a"):
        raise ValueError


@pytest.mark.parametrize("work", [write_file, write_folder, spool, fail])
def test_nothing_is_left_and_nothing_is_lost(tmp_path, work) -> None:
    remove_strays(tmp_path)  # which is done once, and waits for locks
    target = tmp_path / "a"
    number, events, left = 0, 1, 0
    while number <= events:
        number += 1
        if work is write_folder:
            target.mkdir(exist_ok=True)
        else:
            target.touch()
        held = None
        try:
            with interrupted_at(number) as count:
                work(tmp_path)
        except KeyboardInterrupt as error:
            held = error  # and with it the frames, so that nothing ends by itself
        events = count[0]
        left += bool([*tmp_path.glob(".w2s-*")])
        remove_own()
        assert [one.name for one in tmp_path.iterdir()] == ["a"], number
        del held
    assert number > 20
    assert left  # where only what comes last can help


def test_a_process_removes_its_own_at_its_end_and_nobody_elses(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; from w2s_cli.io.atomic_files import *\n"
        "one = replacing(pathlib.Path(sys.argv[1], 'a')); one.__enter__()\n"
        "if os.fork() == 0: remove_own(); os._exit(0)\n"
        "os.wait(); print(len(os.listdir(sys.argv[1])))"
    )
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    words = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert not [*tmp_path.iterdir()]
