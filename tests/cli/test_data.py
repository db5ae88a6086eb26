"""`w2s data`."""

import json
import os
import subprocess
import sys
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from w2s_cli.cli.arguments import numbers
from w2s_cli.cli.data import prepare
from w2s_cli.datasets.preparation import GRAYS_PER_COUNT
from w2s_cli.datasets.w2s import FIELDS, LEVELS


def test_all_of_w2s_is_made_unless_less_is_asked_for() -> None:
    unless = {key: one.default for key, one in signature(prepare).parameters.items()}
    assert unless["grays_per_count"] == GRAYS_PER_COUNT
    assert numbers(unless["levels"], "--levels") == [*LEVELS]
    assert numbers(unless["fields"], "--fields") == [*FIELDS]


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """W2S as recorded, in the working folder: field 81, 4 x 6 pixels."""
    folder = tmp_path / "raw" / "Image081"
    folder.mkdir(parents=True)
    for channel in range(3):
        captures = np.arange(400 * 24, dtype=np.uint16).reshape(400, 4, 6)
        np.save(folder / f"wf_channel{channel}.npy", captures)
        np.save(folder / f"sim_channel{channel}.npy", np.ones((8, 12), np.uint16))
    monkeypatch.chdir(tmp_path)
    return folder


def test_prepare_and_check(w2s, raw: Path) -> None:
    made = w2s("data", "prepare", "w2s", "raw", "--fields", "80-81", code=0)
    assert made.stdout == ""
    assert made.stderr == (
        "warning: raw lacks SIM, level 1, level 2, level 4, level 8, level 16, "
        "level 400 of 80\nraw -> data: 21 files made, 0 there already\n"
    )
    again = w2s("data", "prepare", "w2s", "raw", "--fields", "81", "-q", "--json")
    assert json.loads(again.stdout) == {
        "made": 0,
        "kept": 21,
        "missing": [],
        "failed": [],
    }
    assert again.stderr == ""
    found = w2s("data", "check", "data", code=0)
    assert found.stdout.splitlines() == [
        "kind       w2s-normalized: W2S, averages as z-scores",
        "place      data/normalized",
        "unit       z = 66.02846 in the values of the images",
        "fields     1: 81",
        "pairs      all 3, train 0, validation 0, test 3, published 0",
        "checksums  21 files compared",
        "",
        "part       there  missing",
        *(f"level {n:<3}  3      1-80, 82-120" for n in (1, 2, 4, 8, 16, 400)),
        *(f"truth x{n}   3      1-80, 82-120" for n in (1, 2)),
    ]


def test_options_of_prepare(w2s, raw: Path) -> None:
    words = ["--form", "png", "--levels", "1-2", "--no-sim", "--grays-per-count", "1"]
    done = w2s("data", "prepare", "w2s", "raw", "-o", "out", "--fields", "81", *words)
    assert done.stderr == "raw -> out: 6 files made, 0 there already\n"
    assert w2s("data", "check", "out", "--kind", "w2s-png").exit_code == 0
    assert w2s("data", "check", "out", "--kind", "fmd").exit_code == 4


def test_what_is_broken(w2s, raw: Path) -> None:
    path = raw / "wf_channel1.npy"
    path.write_bytes(path.read_bytes()[:-8])
    found = w2s("data", "check", "raw", code=4)
    assert "wf_channel1.npy is truncated: 19320 bytes of 19328" in found.stderr
    facts = json.loads(w2s("data", "check", "raw", "--json").stdout)
    assert [fault["file"] for fault in facts["broken"]] == [
        "raw/Image081/wf_channel1.npy"
    ]
    assert (facts["kind"], facts["fields"]) == ("w2s-raw", ["081"])
    words = ["data", "prepare", "w2s", "raw", "--fields", "81", "--json"]
    made = w2s(*words, code=1)
    assert "error: 081_1: raw/Image081/wf_channel1.npy is truncated" in made.stderr
    assert [one["image"] for one in json.loads(made.stdout)["failed"]] == ["081_1"]
    for channel in (0, 2):
        (raw / f"wf_channel{channel}.npy").write_bytes(b"")
    assert w2s(*words, "-o", "other").exit_code == 4


def test_a_pair_of_folders(w2s, raw: Path) -> None:
    for name in ("a", "b"):
        Path(name).mkdir()
        np.save(f"{name}/one.npy", np.ones((4, 6), np.float32))
    found = w2s("data", "check", "a", "--truth", "b", code=0)
    assert "pairs   all 1\n" in found.stdout


def test_list(w2s) -> None:
    text = w2s("data", "list").stdout
    assert text.splitlines()[0].split() == ["name", "summary", "source", "known", "by"]
    rows = json.loads(w2s("data", "list", "--json").stdout)
    assert [row["name"] for row in rows] == [
        *("w2s-raw", "w2s-normalized", "w2s-png"),
        *("fmd", "fmd-simulated", "video-rate", "folders", "simulated"),
        *("simulated-averages", "simulated-video-rate"),
    ]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["check", "none"], 4, "there is no file or folder none"),
        (["check", "odd"], 4, "odd is no data set that w2s knows: it holds inside"),
        (["check", "empty"], 4, "the folder is empty\nhint: expected one of: w2s-raw"),
        (["check", "empty", "--kind", "fdm"], 2, "did you mean 'fmd'?"),
        (["prepare", "fmd", "raw"], 2, "'w2s'"),
        (["prepare", "w2s", "raw", "--levels", "1,x"], 2, "--levels is a list of num"),
        (["prepare", "w2s", "raw", "--fields", "9-1"], 2, "such as --fields 1-3,7"),
        (["prepare", "w2s", "raw", "--fields", "121"], 2, "W2S has no field 121"),
        (["prepare", "w2s", "raw", "--fields", "1"], 3, "none of the images asked for"),
        (["prepare", "w2s", "raw", "--form", "pgn"], 2, "did you mean 'png'?"),
        (["prepare", "w2s", "empty"], 4, "the folder is empty"),
    ],
)
def test_nonsense(w2s, raw: Path, words, code: int, message: str) -> None:
    Path("empty").mkdir()
    Path("odd/inside").mkdir(parents=True)
    result = w2s("data", *words, code=code)
    assert message in result.output


def test_help_and_list_cost_little() -> None:
    heavy = {"torch", "scipy", "skimage", "tifffile", "PIL", "pooch"}
    code = (
        "import sys; from w2s_cli.cli import app\n"
        "try: app(sys.argv[1:])\n"
        f"except SystemExit: pass\nprint('loaded', *{heavy} & {{*sys.modules}})"
    )
    for words in (["data", "prepare", "-h"], ["data", "list"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            env=os.environ,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "loaded"


def test_simulated_noise(w2s, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "FMD" / "TwoPhoton_MICE" / "gt" / "19" / "avg50.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(np.full((8, 10), 90, np.uint8)).save(path)
    words = ["data", "simulate", "FMD", "-o", "out", "--noise", "gaussian-15"]
    made = w2s(*words)
    assert (made.exit_code, made.stdout) == (0, "")
    assert made.stderr == "FMD -> out: 3 files made, 0 there already\n"
    again = w2s(*words, "--json", "-q")
    assert json.loads(again.stdout)["kept"] == 3
    found = w2s("data", "check", "out")
    assert "pairs      all 2, test 2" in found.stdout
    wrong = w2s("data", "simulate", "FMD", "--noise", "gauss-3")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "'gauss-3' is no noise that can be added" in wrong.stderr
    assert not (tmp_path / "fmd-simulated").exists()
    assert w2s("data", "simulate", "out").exit_code == 3
