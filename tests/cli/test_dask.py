"""Files on the workers of a dask cluster; where dask is installed, a killed one too."""

import os
import pickle
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

import w2s_cli as w2s
from w2s_cli.batch import dask_restore
from w2s_cli.batch.dask_cluster import checked_address
from w2s_cli.batch.restore_work import RestoreWork
from w2s_cli.batch.resume import Kept
from w2s_cli.errors import BugError, BusyError, ExistsError, OutputError, UsageError
from w2s_cli.io.atomic_files import claimed
from w2s_cli.pipeline.file_restoration import FileReport
from w2s_cli.pipeline.spec import RestoreSpec

RESTORE = [sys.executable, "-m", "w2s_cli", "restore"]


@pytest.mark.parametrize("where", ["local:2", "tcp://10.0.0.5:8786", "tls://head:1"])
def test_where_workers_are(where: str) -> None:
    assert checked_address(where) == where


@pytest.mark.parametrize("where", ["", "4", "local", "local:0", "head:8786", "/tmp/x"])
def test_where_no_workers_are(where: str) -> None:
    with pytest.raises(
        UsageError, match=r"--dask is local:N or the address of a"
    ) as no:
        checked_address(where)
    assert no.value.hint


@pytest.mark.parametrize(("more", "word"), [(["-j", "2"], "--jobs"), ([], "--preview")])
def test_what_goes_without_dask(w2s, here: Path, more: list[str], word: str) -> None:
    words = more or ["--preview", "look.png"]
    refused = w2s("restore", "cell.tif", "-o", "x.tif", "--dask", "local:2", *words)
    assert refused.exit_code == 2
    assert f"error: --dask and {word} do not go together\n" in refused.stderr


def test_dask_may_be_missing(w2s, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = ("restore", "cell.tif", "-o", "x.tif", "--method", "gaussian")
    refused = w2s(*words, "--dask", "local:2", code=2)
    assert refused.stderr.splitlines() == [
        "error: --dask needs the package distributed",
        "hint: pip install 'w2s-cli[dask]'",
    ]


def test_an_output_that_appears_meanwhile_stays(here: Path) -> None:
    """As without dask; the very result was made by a worker that died before its word.

    What was there when the file was given to a worker is there in any case.
    """
    spec = RestoreSpec("gaussian")
    work, source, target = (
        RestoreWork(spec, spec.chain()),
        Path("cell.tif"),
        Path("x.tif"),
    )

    def answer(work: RestoreWork, *, there: bool) -> object:
        return dask_restore._do(pickle.dumps(work), source, target, there, False)

    target.write_bytes(b"another's")
    for there in (False, True):
        assert isinstance(answer(work, there=there), ExistsError)
        assert target.read_bytes() == b"another's"
    replacing = RestoreWork(replace(spec, overwrite=True), work.chain)
    assert isinstance(answer(replacing, there=True), FileReport)
    assert isinstance(answer(work, there=False), Kept)
    assert isinstance(answer(work, there=True), ExistsError)
    with claimed(target):
        target.unlink()
        assert isinstance(answer(work, there=False), BusyError)
    assert not target.exists()


def test_what_a_run_that_was_ended_has_removed_is_no_bug(here, capsys) -> None:
    pytest.importorskip("zarr")
    image = w2s.Stack(np.ones((9, 9), np.uint16), "YX")
    w2s.ZarrOutput.create(path := Path("x.zarr"), image)
    pickled = pickle.dumps((None, None, path))

    def part(_: bytes, gone: str) -> None:
        (path / gone).unlink(missing_ok=True)
        raise KeyError(gone)

    for gone, error in (("", BugError), ("0/zarr.json", OutputError)):
        found = dask_restore._safely(part, pickled, gone or "nothing")
        assert type(found) is error
        assert bool("Traceback" in capsys.readouterr().err) == (error is BugError)


@pytest.mark.parametrize("words", [["-", "-o", "x.tif"], ["cell.tif", "-o", "-"]])
def test_dask_needs_files(w2s, here: Path, words: list[str]) -> None:
    refused = w2s("restore", *words, "--dask", "local:2", code=2)
    assert refused.stderr.splitlines() == [
        "error: --dask needs files, not standard input or output",
        "hint: name them",
    ]


def run(*words: str) -> str:
    """Run it without dask; return what was said."""
    done = subprocess.run(
        [*RESTORE, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def killed(begun: str, *words: str) -> str:
    """Run it on two workers, one of which is killed when there are such files."""
    psutil = pytest.importorskip("psutil")
    pytest.importorskip("distributed")
    batch = subprocess.Popen(
        [*RESTORE, *words, "--dask", "local:2"], stderr=subprocess.PIPE, text=True
    )
    while batch.poll() is None and not [*Path().glob(begun)]:
        time.sleep(0.01)
    children = psutil.Process(batch.pid).children(recursive=True)
    worker = next(one for one in children if "spawn_main" in " ".join(one.cmdline()))
    os.kill(worker.pid, signal.SIGKILL)
    _, said = batch.communicate(timeout=120)
    assert batch.returncode == 0, said
    return said


def test_a_killed_worker_loses_nothing(here: Path) -> None:
    pytest.importorskip("distributed")
    Path("raw").mkdir()
    image = tifffile.imread("cell.tif")
    names = [f"{number:02}.tif" for number in range(40)]
    for number, name in enumerate(names):
        tifffile.imwrite(Path("raw", name), image + number, photometric="minisblack")
    words = ["raw", "--method", "gaussian", "-o"]
    run(*words, "alone")
    said = killed("spread/*.tif", *words, "spread")
    for name in names:
        assert Path("spread", name).read_bytes() == Path("alone", name).read_bytes()
    kept = re.search(r"there already: (\d+)", said)  # made by the killed one
    assert said.count(" -> ") + int(kept[1] if kept else 0) == len(names)
    again = subprocess.run(
        [*RESTORE, *words, "spread", "--dask", "local:1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 1
    assert again.stderr.count("exists\n") == len(names)
    left = [path.name for path in Path("spread").iterdir() if path.name not in names]
    assert left == [".w2s"]


def test_parts_of_an_image_of_a_killed_worker(here: Path) -> None:
    pytest.importorskip("distributed")
    pytest.importorskip("zarr")
    light = np.random.default_rng(0).poisson(90.0, (2, 12, 600, 128))
    image = w2s.Stack(light.astype(np.uint16), "CZYX", {"Y": 0.1, "X": 0.1})
    w2s.imwrite("big.ome.zarr", image)
    words = ["big.ome.zarr", "--method", "median", "-O", "size=9", "-o"]
    said_alone = run(*words, "alone.ome.zarr")
    said = killed(".w2s-*.tmp/0/c/0/*/*", *words, "spread.ome.zarr")
    ends = [one.splitlines()[-1].partition(" -> ")[0] for one in (said, said_alone)]
    assert ends == ["big.ome.zarr"] * 2
    alone, spread = (
        {
            str(path.relative_to(folder)): path.read_bytes()
            for path in Path(folder).rglob("*")
            if path.is_file()
        }
        for folder in ("alone.ome.zarr", "spread.ome.zarr")
    )
    assert spread == alone
    assert not [*Path().glob(".w2s*")]
