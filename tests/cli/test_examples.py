"""The scripts of w2s-examples(7), as they stand there but for what costs time."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

MAN = Path(__file__).parents[2] / "man"
SCRIPTS = {
    section.partition("\n")[0]: re.sub(
        r"(method\W+)denoise", r"\1gaussian", script[1]
    ).replace("--jobs 2", "--jobs 1")
    for section in (MAN / "w2s-examples.md").read_text().split("\n# ")
    if (script := re.search(r"```\n(#!.+?)```", section, re.DOTALL))
}

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not shutil.which("bash"), reason="there is no bash"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the program, and with an image in `raw` and in `truth`."""
    program = tmp_path / "bin" / "w2s"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m w2s_cli "$@"\n')
    program.chmod(0o755)
    rng = np.random.default_rng(0)
    light = np.linspace(20, 400, 64) * np.ones((64, 1))
    for place, noisy in (("raw", True), ("truth", False)):
        (tmp_path / place).mkdir()
        counts = (rng.poisson(light) if noisy else light) * 2 + 100
        path = tmp_path / place / "a dim cell.tif"
        tifffile.imwrite(path, counts.astype(np.uint16))
    return tmp_path


def run(folder: Path, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder."""
    path = folder / "script.sh"
    path.write_text(SCRIPTS[name])
    shell = "bash" if "bash" in SCRIPTS[name].partition("\n")[0] else sys.executable
    places = (str(folder / "bin"), os.environ["PATH"])
    known = {**os.environ, "PATH": os.pathsep.join(places)}
    paths = (str(MAN.parent), os.environ.get("PYTHONPATH", ""))
    known["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return subprocess.run(
        [shell, str(path), *words],
        **{"cwd": folder, "env": known, "capture_output": True, "text": True},
        check=False,
    )


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".w2s")


def test_every_script_is_run_here() -> None:
    tested = ["A BATCH WITH A DECISION FOR EACH FILE", "SEVERAL FILES AT ONCE"]
    tested += ["EVERY NIGHT", "WORKERS THAT SLURM STARTS"]
    tested += ["ONE CAMERA FOR ALL", "SCORES AS A TABLE"]
    assert [*SCRIPTS] == tested
    assert (MAN / "w2s-examples.md").read_text().count("\n#!/") == len(tested)


def test_a_batch_goes_on_after_a_bad_file_and_where_it_was(folder: Path) -> None:
    (folder / "raw" / "bad.tif").write_bytes(b"no image")
    name = "A BATCH WITH A DECISION FOR EACH FILE"
    done = run(folder, name, "raw", "clean")
    assert done.returncode == 1
    assert "failed: raw/bad.tif" in done.stderr
    assert written(folder / "clean") == ["a dim cell.tif"]
    (folder / "raw" / "bad.tif").unlink()
    before = (folder / "clean" / "a dim cell.tif").stat().st_mtime_ns
    assert run(folder, name, "raw", "clean").returncode == 0
    assert (folder / "clean" / "a dim cell.tif").stat().st_mtime_ns == before


@pytest.mark.skipif(not shutil.which("xargs"), reason="there is no xargs")
def test_several_files_at_once(folder: Path) -> None:
    (folder / "raw" / "bad.tif").write_bytes(b"no image")
    assert run(folder, "SEVERAL FILES AT ONCE").returncode == 123
    assert written(folder / "clean") == ["a dim cell.tif"]


def test_every_night(folder: Path) -> None:
    (folder / "raw" / "day").mkdir()
    bad = folder / "raw" / "day" / "bad.tif"
    bad.write_bytes(b"no image")
    assert run(folder, "EVERY NIGHT").returncode == 1
    assert '"raw/day/bad.tif"' in (folder / "clean.json").read_text()
    shutil.copy(folder / "raw" / "a dim cell.tif", bad)
    assert run(folder, "EVERY NIGHT").returncode == 0
    assert written(folder / "clean") == ["a dim cell.tif", "day"]


def test_one_camera_for_all(folder: Path) -> None:
    done = run(folder, "ONE CAMERA FOR ALL")
    assert done.returncode == 0, done.stderr
    assert written(folder / "known") == ["a dim cell.tif"]


def test_scores_as_a_table(folder: Path) -> None:
    done = run(folder, "SCORES AS A TABLE")
    assert done.returncode == 0, done.stderr
    for method in ("gaussian", "median"):
        assert len((folder / f"{method}.csv").read_text().splitlines()) == 2
        assert "psnr" in (folder / f"{method}.txt").read_text()


def test_workers_that_a_queue_starts(folder, monkeypatch) -> None:
    """Without SLURM, the jobs of dask-jobqueue are processes of this machine."""
    pytest.importorskip("dask_jobqueue")
    name = "WORKERS THAT SLURM STARTS"
    here = (("import SLURM", "local import Local"), ("SLURM", "Local"), ("=20", "=2"))
    script = SCRIPTS[name]
    for theirs, ours in (*here, ('    walltime="04:00:00",\n', "")):
        assert theirs in script
        script = script.replace(theirs, ours)
    script = script.replace("dask_jobqueue local import", "dask_jobqueue.local import")
    monkeypatch.setitem(SCRIPTS, name, script)
    done = run(folder, name)
    assert done.returncode == 0, done.stderr
    assert written(folder / "clean") == ["a dim cell.tif"]
