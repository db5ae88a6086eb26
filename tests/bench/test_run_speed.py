import json
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from w2s_cli.bench import machine
from w2s_cli.bench import run_speed as speed
from w2s_cli.bench.run_speed import (
    SpeedResult,
    differences,
    ratios,
    read_speeds,
    write_speeds,
)
from w2s_cli.bench.timing import MethodSpeed, SpeedConfig
from w2s_cli.errors import InputError, UsageError

MIB = 1 << 20
SPEEDS = SpeedResult(
    [
        MethodSpeed(
            "denoise", 512, (0.4, 0.2, 0.3), 300 * MIB, 9 * MIB, None, {"bf16": 20}
        ),
        MethodSpeed("gaussian", 512, (0.01,), 80 * MIB, 70 * MIB),
        MethodSpeed("vst+bm3d", 512, error="out of memory"),
    ],
    {"bf16": 200.0},
    {512: 0.1},
    {"processor": "a", "cores": 2, "torch": "2.4"},
    {"device": "auto", "tile": 512},
    0.1,
    "2026-01-01T00:00:00+00:00",
)


def _with_times(*times: float, **changes: Any) -> SpeedResult:
    rows = [replace(SPEEDS.rows[0], times=times), *SPEEDS.rows[1:]]
    return replace(SPEEDS, rows=rows, **changes)


def test_a_run_measures_each_method_at_each_size(monkeypatch) -> None:
    """In threads, which start sooner; `w2s speed` is tested with processes."""
    started: list[int] = []

    def threads(workers: int, **_: Any) -> ThreadPoolExecutor:
        started.append(workers)
        return ThreadPoolExecutor(workers)

    monkeypatch.setattr(speed, "ProcessPoolExecutor", threads)
    said: list[str] = []
    configs = [SpeedConfig(name, seconds=0) for name in ("identity", "bicubic")]
    found = speed.run_speed(configs, [96, 64], on_row=said.append)
    assert [(row.method, row.side) for row in found.rows] == [
        *[("identity", 64), ("identity", 96)],
        *[("bicubic", 64), ("bicubic", 96)],
    ]
    assert all(row.times and row.memory and not row.error for row in found.rows)
    assert [*found.estimates] == [64, 96]
    assert found.machine["cores"] >= 1
    assert "bicubic, 96 pixels" in said
    assert started == [1, 1]


def test_the_methods_that_ship() -> None:
    names = speed.shipped()
    assert {"jdsr", "denoise", "vst+bm3d", "identity"} <= {*names}
    assert not {"auto", "rcan", "dncnn-fmd"} & {*names}


def test_a_process_that_dies_is_told(tmp_path: Path) -> None:
    class Dead:
        def submit(self, *_: Any) -> None:
            raise BrokenProcessPool

    timed = speed._timed(Dead(), SpeedConfig("identity"), 64, tmp_path / "p.npy", {})
    assert timed.error == "its process was ended, mostly for lack of memory"


@pytest.mark.parametrize("side", [0, 63, 20_000])
def test_sizes_that_make_no_sense(side: int) -> None:
    with pytest.raises(UsageError, match=f"a plane of {side} pixels a side cannot be"):
        speed.run_speed([SpeedConfig("identity")], [64, side])


def test_figures_follow_from_the_times() -> None:
    row = SPEEDS.rows[0].as_json(SPEEDS.peaks)
    assert row["seconds"] == 0.2
    assert row["median_seconds"] == 0.3
    assert row["megapixels_per_second"] == pytest.approx(512**2 / 1e6 / 0.2)
    assert row["gflop_per_second"] == pytest.approx(100)
    assert row["share_of_peak"] == pytest.approx(0.5)


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    write_speeds(SPEEDS, tmp_path / "s.json", overwrite=False)
    assert read_speeds(tmp_path / "s.json") == SPEEDS


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "no", '{"kind": "other"}', '{"kind": "w2s speed"}']
)
def test_a_file_of_something_else(text: str, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(InputError, match="is not what `w2s speed` writes"):
        read_speeds(tmp_path / "s.json")


def test_a_file_that_lost_its_rows(tmp_path: Path) -> None:
    record = SPEEDS.as_json() | {"rows": [{"method": "denoise"}]}
    (tmp_path / "s.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="is not what"):
        read_speeds(tmp_path / "s.json")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*none\.json: No such file"):
        read_speeds(tmp_path / "none.json")


def test_a_share_above_the_peak_is_not_believed() -> None:
    assert not any("mismeasured" in one for one in _with_times(0.099).remarks)
    (remark,) = (one for one in _with_times(0.08).remarks if "mismeasured" in one)
    assert remark.startswith("denoise at 512 pixels reached 1.25 of the peak")


def test_a_busy_machine_is_told() -> None:
    remarks = replace(SPEEDS, load=1.5).remarks
    assert remarks[0].startswith("the machine was busy when this began (load 1.5)")
    assert SPEEDS.remarks == ["vst+bm3d at 512 pixels: out of memory"]
    assert not machine.busy(None)


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0.23, "slower"), (0.21, ""), (0.19, ""), (0.1, "faster")]
)
def test_ratios(seconds: float, verdict: str) -> None:
    network, classical = ratios(_with_times(9.0, seconds), SPEEDS)
    assert network.before == 0.2
    assert network.seconds == pytest.approx(seconds / 0.2)
    assert (network.memory, network.verdict) == (1, verdict)
    assert (classical.method, classical.seconds) == ("gaussian", 1)


def test_what_else_has_changed() -> None:
    assert differences(SPEEDS, SPEEDS) == []
    moved = replace(
        SPEEDS,
        rows=SPEEDS.rows[:1],
        machine=SPEEDS.machine | {"cores": 8},
        settings=SPEEDS.settings | {"tile": 64},
    )
    assert differences(moved, replace(SPEEDS, load=3.0)) == [
        "measured on another machine or system before: cores 2, now 8",
        "measured on other settings before: tile 512, now 64",
        "the machine was busy before (load 3.0): doubt the ratios",
        "measured before, but not now: gaussian at 512, vst+bm3d at 512",
    ]


def test_a_machine_says_no_name() -> None:
    found = machine.machine("cpu")
    assert found["device"] == "cpu"
    assert found["processor"]
    assert {*found} == {
        *("system", "processor", "cores", "threads", "device", "python", "torch")
    }
