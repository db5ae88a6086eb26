"""Scripts for engines of clusters, run by the engines where they are installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def raw(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two images, and the command `w2s` for scripts."""
    for name in ("a/cell.tif", "it's b.tif"):
        (target := here / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("cell.tif", target)
    (command := here / "bin" / "w2s").parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m w2s_cli "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return here / "raw"


def outputs(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.tif"))


@pytest.mark.skipif(os.name == "nt", reason="a script of bash")
def test_the_tasks_of_an_array_do_all_files(w2s, raw: Path) -> None:
    words = ["--tasks", "3", "raw", "-o", "out put", "--method", "gaussian"]
    made = w2s("batch", "slurm", *words, "-O", "sigma=2", "--recursive", "--gpu")
    assert made.exit_code == 0, made.stderr
    for line in ("--array=1-3", "--mem=8G", "--time=04:00:00", "--gres=gpu:1"):
        assert f"#SBATCH {line}\n" in made.stdout
    Path("w2s.sh").write_text(made.stdout)
    for task in "123":  # the third has no file
        done = subprocess.run(
            ["bash", "w2s.sh"],
            env={**os.environ, "SLURM_ARRAY_TASK_ID": task},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    assert outputs(Path("out put")) == ["a/cell.tif", "it's b.tif"]
    status = w2s("batch", "status", "out put")
    assert (status.exit_code, status.stdout) == (
        *(0, "out put: 2 done, 0 failed, 0 missing\n"),
    )


def test_snakemake_does_all_files(w2s, raw: Path) -> None:
    snakemake = shutil.which("snakemake")
    if not snakemake:
        pytest.skip("snakemake is not installed")
    words = ["--tasks", "2", "raw", "-o", "out put", "--method", "gaussian", "-r"]
    made = w2s("batch", "snakemake", *words, "--container", "docker://lab/w2s:1")
    Path("Snakefile").write_text(made.stdout)
    lint = subprocess.run([snakemake, "--lint"], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stderr
    done = subprocess.run(
        [snakemake, "--cores", "2"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert outputs(Path("out put")) == ["a/cell.tif", "it's b.tif"]


def test_what_a_snakefile_says(w2s, here: Path) -> None:
    words = ["raw", "-o", "o", "--name", '{stem}_"x".tif', "--gpu", "--hours", "0.5"]
    said = w2s("batch", "snakemake", *words).stdout
    assert "runtime=30,\n        gpu=1,\n" in said
    assert "w2s restore raw -o o --name '{{stem}}_\\\"x\\\".tif' " in said
    compile(said.split("rule all")[0], "Snakefile", "exec")


def test_what_a_workflow_of_nextflow_says(w2s, here: Path) -> None:
    words = ["it's raw/", "-o", "o/", "-r", "-O", "sigma=2", "--method", "gaussian"]
    said = w2s("batch", "nextflow", *words, "--container", "lab/w2s:1").stdout
    assert "params.input = 'it\\'s raw'\nparams.outdir = 'o'\n" in said
    assert "params.args = '-O sigma=2 --method gaussian'\n" in said
    assert "    container 'lab/w2s:1'\n" in said
    for part in (
        "tag",
        "input:",
        "output:",
        "when:",
        "script:",
        "stub:",
        "versions.yml",
    ):
        assert part in said
    assert said.count("{") == said.count("}")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("slurm raw -o out --resume", "--resume is not for a script"),
        ("slurm raw -o out --shard 1/2", "--shard is not for a script"),
        ("slurm raw -o out.tif", "out.tif is no folder"),
        ("slurm raw -o out --metod x", "No such option: --metod"),
        ("slurm raw", "Missing option '--output'"),
        ("snakemake raw -o o{u}t", "Snakemake has no use for braces"),
        ("nextflow raw more -o out", "Nextflow takes one folder of inputs, without "),
        ("nextflow --files list -o out", "Nextflow takes one folder of inputs, "),
    ],
)
def test_what_no_script_can_do(w2s, here: Path, words: str, message: str) -> None:
    refused = w2s("batch", *words.split(), code=2)
    assert message in refused.output
    assert "#SBATCH" not in refused.stdout
