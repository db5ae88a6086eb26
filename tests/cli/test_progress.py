"""Lines that say how far a run is, where no bar can move, and what is told of files."""

import json
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from w2s_cli.batch.jobs import each_file
from w2s_cli.cli import progress
from w2s_cli.cli.progress import Lines
from w2s_cli.cli.reports import Form, tell
from w2s_cli.errors import InputError

TILES = ["restore", "cell.tif", "-o", "x.tif", "--method", "identity", "--tile", 32]


def test_long_runs_say_how_far_they_are(w2s, here, monkeypatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0)
    done = w2s(*TILES)
    *lines, last = done.stderr.splitlines()
    assert lines == [f"cell.tif: {n} of 8, about 0 s left" for n in range(1, 8)]
    assert last.startswith("cell.tif -> x.tif: ")
    assert w2s(*TILES, "--overwrite", "--quiet").stderr == ""


def test_short_runs_say_nothing_on_the_way(w2s, here: Path) -> None:
    assert len(w2s(*TILES).stderr.splitlines()) == 1


def test_a_line_every_half_a_minute(monkeypatch, capsys) -> None:
    now = 0.0
    monkeypatch.setattr(progress, "monotonic", lambda: now)
    lines = Lines("net", lambda size: f"{size} MB")
    for second in range(101):
        now = float(second)
        lines.reach(40 + second, 340)  # the first 40 were there before
    assert capsys.readouterr().err.splitlines() == [
        "net: 70 MB of 340 MB, about 4 min left",
        "net: 100 MB of 340 MB, about 4 min left",
        "net: 130 MB of 340 MB, about 4 min left",
    ]


def test_what_was_told_of_files_holds_no_planes(capsys: pytest.CaptureFixture[str]):
    planes: list[weakref.ref[Any]] = []

    def fail(path: Path) -> Any:
        plane = np.zeros(9)
        planes.append(weakref.ref(plane))
        raise InputError(f"{path} is broken")

    found = each_file([Path("a"), Path("b")], fail)
    reports = tell(found, print, Form(as_json=True))
    assert [one() for one in planes] == [None, None]
    said = json.loads(capsys.readouterr().out)
    assert [one["source"] for one in said] == ["a", "b"]
    assert [one["error"] for one in said] == ["a is broken", "b is broken"]
    assert len(reports) == 2
    assert tell(each_file([], fail), print, Form(as_json=True)) == []
    assert capsys.readouterr().out == "[]\n"
