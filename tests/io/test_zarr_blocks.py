"""Blocks of an image of OME-Zarr, written by one process or by several."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import w2s_cli as w2s
from w2s_cli.errors import InputError, OutputError, UsageError
from w2s_cli.io import ome_zarr_writing

pytest.importorskip("zarr")
SIGMA = {"sigma": 1.0}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ome_zarr_writing, "_CHUNK", 16)


# Restores every nth block, as one worker of several does.
WORKER = """
import sys
import w2s_cli as w2s
from w2s_cli.io import ome_zarr_writing

ome_zarr_writing._CHUNK = 16
image, output = w2s.imread(sys.argv[1]), w2s.ZarrOutput(sys.argv[2])
blocks = output.blocks[int(sys.argv[3]) :: int(sys.argv[4])]
for block in blocks:
    counts, inside = output.context(image, block, margin=12, multiple_of=4)
    made = w2s.restore_block(counts, "gaussian+bicubic", options={"sigma": 1.0})
    output.write(block, made[inside])
print(len(blocks))
"""


def start(source: Path, output: Path, part: int) -> subprocess.Popen[str]:
    worker = [sys.executable, "-c", WORKER, source, output, str(part), "2"]
    return subprocess.Popen(worker, stdout=subprocess.PIPE, text=True)


def content(path: Path) -> dict[str, bytes]:
    files = [one for one in path.rglob("*") if one.is_file()]
    return {str(one.relative_to(path)): one.read_bytes() for one in files}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_two_processes_fill_what_one_does(
    version: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pixels = np.random.default_rng(0).integers(0, 60000, (2, 90, 117), np.uint16)
    image = w2s.Stack(pixels, "ZYX", {"Y": 0.1, "X": 0.1})
    w2s.imwrite(source := tmp_path / "a.ome.zarr", image)
    one, two = tmp_path / "one.zarr", tmp_path / "two.zarr"
    for path in (one, two):
        w2s.ZarrOutput.create(path, image, scale=2, version=version)
        with pytest.raises(InputError, match="is not finished: blocks of it may"):
            w2s.imread(path)
    workers = [start(source, two, part) for part in range(2)]
    monkeypatch.setattr(sys, "argv", ["", str(source), str(one), "0", "1"])
    exec(WORKER, {})
    alone = int(capsys.readouterr().out)
    shared = sum(int(worker.communicate()[0]) for worker in workers)
    assert alone == shared == len(w2s.ZarrOutput(one).blocks)
    for path in (one, two):
        w2s.ZarrOutput(path).finish(({"tool": "w2s"},))
    assert content(one) == content(two)
    found = w2s.imread(one)
    assert not found.warnings
    assert found.pixel_size == {"Y": 0.05, "X": 0.05}
    whole = w2s.restore(image, "gaussian+bicubic", options=SIGMA, dtype="uint16")
    difference = np.asarray(found).astype(int) - np.asarray(whole.image)
    assert np.abs(difference).max() <= 1  # where a half is rounded


def test_only_what_create_has_made_is_written(tmp_path: Path) -> None:
    image = w2s.Stack(np.ones((20, 30), np.uint8), "YX")
    w2s.imwrite(tmp_path / "a.zarr", image)
    for name in ("a.zarr", "b.zarr"):
        with pytest.raises(OutputError, match="is no image that is being written"):
            w2s.ZarrOutput(tmp_path / name)
    with pytest.raises(UsageError, match=r"OME-NGFF '0\.9' is not written"):
        w2s.ZarrOutput.create(tmp_path / "c.zarr", image, version="0.9")
