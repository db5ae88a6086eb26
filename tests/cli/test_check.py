"""`w2s check` and `w2s restore --check`: verdicts, exit codes, reports, masks."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from w2s_cli.io import open_image
from w2s_cli.microscope.simulation import simulate_scene

PLAIN = ["--method", "gaussian", "-O", "sigma=0.6"]
SMOOTH = ["--method", "gaussian", "-O", "sigma=3"]
CAMERA = ["--gain", 2.2, "--offset", 100, "--read-noise", 3]


@pytest.fixture(scope="module")
def scene():
    return simulate_scene(2, photons=100, side=128)


@pytest.fixture
def cell(here: Path, scene) -> Path:
    """A working folder with `cell.tif`, `true.tif`, and `fake.tif` at twice the size.

    `fake.tif` has a filament that the cell has not.
    """
    tifffile.imwrite("cell.tif", scene.seen)
    tifffile.imwrite("true.tif", scene.clean)
    fake = scene.truth.copy()
    fake[38:43, 20:80] += 80
    tifffile.imwrite("fake.tif", fake)
    return here


def test_an_output_finds_its_input_and_agrees(w2s, cell: Path) -> None:
    (cell / "out").mkdir()
    for output in "soft.tif", "out/soft.tif":
        assert w2s("restore", "cell.tif", "-o", output, *PLAIN).exit_code == 0
        done = w2s("check", output, code=0)
        first, _, head, *rows = done.stdout.splitlines()
        assert first.startswith(f"{output}: consistent with the input, but not denoi")
        assert head.split() == ["worst", "plane", "cell.tif"]
        assert [row.split("  ")[0] for row in rows][:2] == [
            "noise taken away",
            "contrast over that of the input",
        ]
        assert w2s("check", output, "-q").stdout == f"{first}\n"


def test_what_does_not_agree_ends_with_8(w2s, cell: Path) -> None:
    done = w2s("check", "fake.tif", "--against", "cell.tif", *CAMERA, code=8)
    assert done.stdout.startswith("fake.tif: not consistent with the input: in ")
    assert "where it has light that the input lacks" in done.stdout
    assert done.stderr == (
        "warning: fake.tif: made by another program, or its record is lost: nothing is "
        "known of the method\n"
    )
    told = w2s("check", "true.tif", "--against", "cell.tif", code=0)
    assert told.stderr.endswith("the noise is estimated from the input\n")


def test_several_files_and_json(w2s, cell: Path) -> None:
    w2s("restore", "cell.tif", "-o", "a.tif", *PLAIN)
    w2s("restore", "cell.tif", "-o", "b.tif", *SMOOTH)
    done = w2s("check", "a.tif", "b.tif", "--json", code=8)
    good, bad = json.loads(done.stdout)
    assert (good["source"], good["against"], good["method"]) == (
        *("a.tif", "cell.tif"),
        "gaussian",
    )
    assert (good["verdict"], bad["verdict"]) == ("consistent", "not consistent")
    [plane] = bad["every_plane"]
    assert not plane["consistent"]
    assert plane["reasons"][0] == (
        "it is smoother than the input: fine structure was taken away"
    )
    [worst] = bad["worst"]
    assert worst["rsp"] < good["worst"][0]["rsp"]
    assert {"resolution_in", "resolution_out", "frc_in", "light_ratio"} <= worst.keys()
    assert good["noise"][0]["gain"] == pytest.approx(2.2, rel=0.4)
    lines = w2s("check", "a.tif", "b.tif", "--json-lines").stdout.splitlines()
    assert [json.loads(line)["verdict"] for line in lines] == [
        "consistent",
        "not consistent",
    ]
    failed = w2s("check", "a.tif", "missing.tif", code=1)
    assert "a.tif: consistent" in failed.stdout


def test_what_the_input_is_must_be_known(w2s, cell: Path) -> None:
    done = w2s("check", "true.tif", code=2)
    assert done.stderr == (
        "error: true.tif does not say what it was made from\n"
        "hint: name the input: --against IN\n"
    )
    w2s("restore", "cell.tif", "-o", "soft.tif", *PLAIN)
    Path("cell.tif").rename("moved.tif")
    done = w2s("check", "soft.tif", code=2)
    assert done.stderr.startswith(
        "error: soft.tif was made from cell.tif, which is neither beside it, nor a "
        "folder above, nor here\n"
    )
    assert w2s("check", "soft.tif", "--against", "moved.tif").stderr == ""
    tifffile.imwrite("cell.tif", tifffile.imread("moved.tif")[::-1])
    done = w2s("check", "soft.tif", code=8)
    assert "is it of another image?" in done.stdout
    assert done.stderr == (
        "warning: soft.tif: cell.tif is not the file that it was made from, or was "
        "changed since\n"
    )


def test_other_units_are_hinted_at(w2s, cell: Path) -> None:
    tifffile.imwrite("unit.tif", (tifffile.imread("true.tif") - 90) / 1000)
    words = ["check", "unit.tif", "--against", "cell.tif", "-q"]
    done = w2s(*words, code=8)
    told = "unit.tif: not consistent with the input: its contrast is 0.00"
    assert done.stdout.startswith(told)
    assert done.stderr.endswith(
        "hint: --rescaled, if the program that made it writes other units\n"
    )
    assert w2s(*words, "--rescaled").exit_code == 0


def test_what_does_not_fit_each_other_is_refused(w2s, cell: Path) -> None:
    swapped = w2s("check", "cell.tif", "--against", "fake.tif", code=4)
    assert swapped.stderr == (
        "error: cell.tif is YX 128 x 128 and fake.tif YX 256 x 256: an output has the "
        "same planes, as large or a whole number of times as large\n"
        "hint: are they swapped? the output comes first\n"
    )
    np.save("two.npy", np.zeros((2, 128, 128), np.uint16))
    planes = w2s("check", "two.npy", "--against", "cell.tif", code=4)
    assert "--channel, --series, --axes" in planes.stderr
    tifffile.imwrite("flat.tif", np.full((128, 128), 7, np.uint16))
    w2s("check", "true.tif", "--against", "flat.tif", code=4)


@pytest.mark.parametrize("option", ["--against", "--mask", "--report"])
def test_some_options_are_about_one_file(w2s, cell: Path, option: str) -> None:
    done = w2s("check", "true.tif", "fake.tif", option, "cell.tif", code=2)
    assert done.stderr == (
        f"error: {option} is about one output, not 2\n"
        "hint: check them one by one with it\n"
    )


def test_mask_and_report(w2s, cell: Path) -> None:
    words = ["check", "fake.tif", "--against", "cell.tif", *CAMERA]
    words += ["--mask", "mask.tif", "--report", "page.html"]
    done = w2s(*words, code=8)
    assert done.stderr.endswith("look at page.html\nlook at mask.tif\n")
    mask = tifffile.imread("mask.tif")
    assert (mask.shape, mask.dtype) == ((256, 256), np.uint8)
    assert {*np.unique(mask)} == {0, 255}
    assert mask[39:42, 30:70].mean() > 200
    page = Path("page.html").read_text("utf-8")
    assert page.count("<img src=") == 3
    assert "<strong>not consistent with the input: in " in page
    again = w2s(*words, code=7)
    assert "mask.tif exists" in again.stderr
    assert w2s(*words[:-1], "p.png", "--overwrite").exit_code == 8
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")
    wrong = w2s("check", "fake.tif", "--against", "cell.tif", "--report", "p.pdf")
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("error: the report p.pdf is no .html file\n")
    w2s(*words[:4], "--mask", "cell.tif", "--overwrite", code=2)


def test_restore_checks_what_it_writes(w2s, cell: Path) -> None:
    good = w2s("restore", "cell.tif", "-o", "a.tif", *PLAIN, "--check", code=0)
    assert "\ncell.tif: consistent with the input" in f"\n{good.stderr}"
    assert "warning" not in good.stderr
    bad = w2s("restore", "cell.tif", "-o", "b.tif", *SMOOTH, "--check", "--json")
    assert bad.exit_code == 8
    assert "warning: cell.tif: not consistent with the input: it is smo" in bad.stderr
    assert bad.stderr.count("with the input") == 1
    [told] = json.loads(bad.stdout)
    assert (told["status"], told["consistent"]) == ("done", False)
    for name, verdict in ("a.tif", "consistent"), ("b.tif", "not consistent"):
        with open_image(Path(name)) as stack:
            [record] = stack.history
        assert record["check"]["verdict"] == verdict
        assert record["input"] == "cell.tif"
        later = json.loads(w2s("check", name, "--json").stdout)[0]
        assert later["sentence"] == record["check"]["sentence"]
        assert record["check"]["sentence"] in w2s("info", name).stdout
    w2s("restore", "cell.tif", "-o", "c.tif", *SMOOTH, code=0)
    assert (tifffile.imread("c.tif") == tifffile.imread("b.tif")).all()
    w2s("restore", "cell.tif", "-o", "x/", *SMOOTH, "--check", "--jobs", 2, code=8)


def test_channels_frames_and_one_channel(w2s, cell: Path, scene) -> None:
    seen = np.stack([scene.seen, scene.seen[:, ::-1]] * 2).reshape(2, 2, 128, 128)
    tifffile.imwrite("c.tif", seen, imagej=True, metadata={"axes": "TCYX"})
    w2s("restore", "c.tif", "-o", "all.tif", *PLAIN)
    w2s("restore", "c.tif", "-o", "one.tif", *PLAIN, "--channel", 2)
    both = w2s("check", "all.tif", code=0)
    assert "in 4 of 4 planes" in both.stdout
    assert "channel 1, frame" in both.stdout
    assert "channel 2, frame" in both.stdout
    assert w2s("check", "one.tif").exit_code == 0
    pixels = tifffile.imread("all.tif")
    pixels[1, 0] = gaussian_filter(pixels[1, 0], 4)
    tifffile.imwrite("bad.tif", pixels, imagej=True, metadata={"axes": "TCYX"})
    bad = w2s("check", "bad.tif", "--against", "c.tif", "-q", code=8)
    assert "1 of 4 planes, most channel 1, frame 2: " in bad.stdout
