"""Files for Fiji: run by ImageJ where it is installed, by Python where it is not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tifffile

from w2s_cli.cli.fiji import NAMES, text_of

IJ = Path("/usr/share/java/ij.jar")  # of Debian
REPOSITORY = str(Path(__file__).parents[2])


@pytest.fixture
def plugins(w2s, here: Path) -> Path:
    Path("Fiji.app/plugins").mkdir(parents=True)
    done = w2s("fiji", "install", "Fiji.app", code=0)
    assert done.stderr == "start Fiji again: Plugins > w2s > Restore with w2s\n"
    place = here / "Fiji.app/plugins/w2s"
    assert sorted(path.name for path in place.iterdir()) == sorted(NAMES)
    return place


def test_install_replaces_nothing_unasked(w2s, plugins: Path) -> None:
    again = w2s("fiji", "install", "Fiji.app", code=7)
    assert "Restore_with_w2s.ijm exists\nhint: replace it with --over" in again.stderr
    assert w2s("fiji", "install", "Fiji.app", "--overwrite").exit_code == 0
    elsewhere = w2s("fiji", "install", ".", code=2)
    assert "error: . has no folder plugins\n" in elsewhere.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_files_call_this_w2s(w2s, name: str) -> None:
    printed = w2s("fiji", "print", name)
    assert (printed.exit_code, printed.stdout) == (0, text_of(name))
    assert sys.executable in printed.stdout
    for method in ("jdsr", "denoise+bicubic"):
        assert f'"{method}"' in printed.stdout
    wrong = w2s("fiji", "print", "Restore", code=2)
    assert "no file for Fiji is called 'Restore'" in wrong.stderr


def test_run_says_what_fiji_is_to_show(w2s, here, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", REPOSITORY)
    good = w2s("fiji", "run", "--", "cell.tif", "x.tif", "gaussian", "-O sigma=2")
    assert (good.exit_code, good.stdout, good.stderr) == (0, "", "")
    assert tifffile.imread("x.tif").shape == (2, 60, 50)
    bad = w2s("fiji", "run", "--", "cell.tif", "y.tif", "gaussian", "-O sigma=no")
    assert bad.exit_code == 2
    assert bad.stdout.startswith("error: option sigma must be a number, found 'no'\n")
    assert bad.stderr == ""


@pytest.mark.skipif(
    not (IJ.exists() and shutil.which("xvfb-run")), reason="ImageJ is not installed"
)
def test_the_macro_in_imagej(plugins: Path, here: Path) -> None:
    image = tifffile.imread("cell.tif")
    tifffile.imwrite(
        "own.tif",
        image,
        imagej=True,
        resolution=(10, 10),
        metadata={"axes": "TYX", "unit": "um", "finterval": 3},
    )
    Path("all.ijm").write_text(
        f'open("{here}/own.tif");\n'
        f'runMacro("{plugins}/Restore_with_w2s.ijm", "gaussian+bicubic -O sigma=2");\n'
        "getPixelSize(unit, width, height);\n"
        'print(getTitle(), width, unit, nImages);\nsaveAs("Tiff", "back.tif");\n'
        f'saveAs("Tiff", "{here}/back.tif");\n'
        f'runMacro("{plugins}/Restore_with_w2s.ijm", "nothing");\n'
    )
    done = subprocess.run(
        ["xvfb-run", "-a", "java", "-cp", str(IJ), "ij.ImageJ", "-batch", "all.ijm"],
        env={**os.environ, "PYTHONPATH": REPOSITORY, "TMPDIR": str(here)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "own (gaussian+bicubic) 0.05 µm 2" in done.stdout
    with tifffile.TiffFile("back.tif") as file:
        assert file.series[0].shape == (2, 120, 100)
        assert file.imagej_metadata
        assert file.imagej_metadata["finterval"] == 3


def test_the_script_for_folders(plugins, here, capfd, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", REPOSITORY)
    Path("raw").mkdir()
    shutil.copy("cell.tif", "raw")
    asked = {"folder": here / "raw", "results": here / "out", "method": "gaussian"}
    script = (plugins / "Restore_Folder_with_w2s.py").read_text()
    for _ in range(2):
        exec(compile(script, "script", "exec"), {**asked, "more": "-O sigma=2"})
    said = capfd.readouterr().out
    assert "cell.tif: 2 x 60 x 50, x1" in said
    assert "there already: 1" in said
    exec(compile(script, "script", "exec"), {**asked, "more": "-O sigma=no"})
    assert "w2s ended with the exit code 2: man w2s says" in capfd.readouterr().out
