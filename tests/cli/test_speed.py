"""`w2s speed` as a user meets it."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from typer.testing import Result

from w2s_cli.bench import run_speed
from w2s_cli.bench.run_speed import SpeedResult
from w2s_cli.bench.timing import MethodSpeed
from w2s_cli.cli.speed import print_json

W2S = Callable[..., Result]


@pytest.fixture
def speed(w2s: W2S, here: Path) -> W2S:
    return partial(w2s, "speed")


def test_measure_then_compare(speed: W2S, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = ("identity", "--sizes", "64")
    done = speed(*quick, "-o", "a.json", code=0)
    said, _, table = done.stdout.partition("\n\n")
    assert said.startswith("machine: system ")
    assert "with the noise known" in said
    head, line = table.strip().splitlines()
    assert head.split()[:3] == ["method", "pixels", "seconds"]
    assert line.split()[:2] == ["identity", "64"]
    assert line.split()[-3:] == ["-", "-", "-"]
    assert "--against a.json" in done.stderr
    record = json.loads(Path("a.json").read_text())
    assert record["rows"][0]["seconds"] > 0

    # That it takes a process for each method has been seen; threads start sooner.
    monkeypatch.setattr(
        run_speed, "ProcessPoolExecutor", lambda *_, **__: ThreadPoolExecutor(1)
    )
    done = speed(*quick[:1], "bicubic", *quick[1:], "--against", "a.json")
    _, _, table = done.stdout.partition("\n\n")
    head, line, new = table.strip().splitlines()
    assert "seconds before  ratio  memory ratio" in head
    assert new.split()[-3:] == ["-", "-", "-"]


def test_ratios_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    before, now = (
        SpeedResult(
            [MethodSpeed("identity", 64, (took,))], {}, {}, {}, {}, 0.1, "2026-01-01"
        )
        for took in (0.2, 0.5)
    )
    print_json(now, before)
    (ratio,) = json.loads(capsys.readouterr().out)["ratios"]
    assert (ratio["seconds"], ratio["verdict"]) == (2.5, "slower")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--sizes", "512,big"), 2, "--sizes is a list of numbers and spans, found"),
        (("--sizes", "8"), 2, "a plane of 8 pixels a side cannot be timed"),
        (("--data", "W2S"), 2, "No such option: --data"),
        (("--against", "none.json"), 4, "cannot read none.json: No such file"),
        (("--against", "cell.tif"), 4, "cell.tif is not what `w2s speed`"),
        (("-o", "cell.tif"), 7, "cell.tif exists"),
        (("gausian",), 2, "did you mean 'gaussian'?"),
        (("rrdb",), 5, "rrdb has no weights of its own"),
        (("--weights", "dncnn=a.pth"), 2, "given for dncnn, which is not among"),
    ],
)
def test_words_that_make_no_sense(speed, words, code, message) -> None:
    done = speed(*words, code=code)
    assert message in done.stderr
