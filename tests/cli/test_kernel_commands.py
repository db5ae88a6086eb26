"""`w2s estimate-kernel` and `w2s make-kernel`."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from w2s_cli.io.psf_file import read_psf
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import widefield_psf
from w2s_cli.microscope.simulation import (
    Exposure,
    camera_counts,
    simulate_field,
    widefield,
)

SIDE = ["--side", "9"]
LENS = widefield_psf(1.4, 0.525, 0.05, 9)
MAKE = ["make-kernel", "--na", "1.4", "--wavelength", "0.525"]


@pytest.fixture
def images(here: Path) -> Path:
    """A working folder with pairs in files and folders, and images without a kernel."""
    rng = np.random.default_rng(0)
    for folder in ("wf", "sim"):
        Path(folder).mkdir()
    for number in range(2):
        field = simulate_field(128, np.random.default_rng(number))
        light = widefield(field, LENS, Exposure(1000, 0.05))
        low = camera_counts(light, NoiseModel(2.2, 100, 3), rng)
        tifffile.imwrite(f"wf/{number}.tif", low)
        tifffile.imwrite(f"sim/{number}.tif", field)
    broken, dark = field.copy(), 0 * low + 65535
    broken[3, 4] = np.nan
    for name, data in (
        ("broken", broken),
        ("full", dark),
        ("tiny", field[:20, :20]),
        ("small", low[:10, :10]),
        ("half", low[:60]),
        ("inverse", 9999 - low),
        ("noise", rng.normal(100, 9, low.shape).astype(np.float32)),
    ):
        tifffile.imwrite(f"{name}.tif", data)
    tifffile.imwrite(
        "two.tif", np.stack([low] * 2), imagej=True, metadata={"axes": "CYX"}
    )
    Path("text.tif").write_text("no image")
    return here


def test_the_kernel_is_written_beside_unless_it_is_said_where(w2s, images) -> None:
    first = w2s("estimate-kernel", "wf/0.tif", "sim/0.tif", *SIDE, code=0)
    assert "kernel          wf/0_kernel.tif\n" in first.stdout
    assert tifffile.imread("wf/0_kernel.tif").sum() == pytest.approx(1, rel=1e-5)
    again = w2s("estimate-kernel", "wf/0.tif", "sim/0.tif", *SIDE, code=7)
    assert again.stderr.startswith("error: wf/0_kernel.tif exists")
    Path("wf/0_kernel.tif").unlink()
    assert w2s("estimate-kernel", "wf/", "sim/", *SIDE).exit_code == 0
    assert Path("wf_kernel.tif").exists()


def test_a_pair(w2s, images: Path) -> None:
    words = ["wf/0.tif", "sim/0.tif", "-o", "k.tif", *SIDE, "--pixel-size", "0.05"]
    result = w2s("estimate-kernel", *words, "--plot", "k.png", code=0)
    assert result.stderr == "look at k.png\n"
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["kernel"] == "k.tif"
    assert lines["size"] == "9 x 9 pixels of 0.05 um"
    assert lines["FWHM"].endswith(" nm")
    assert lines["regularisation"].startswith("noise / kernel power ")
    assert lines["certainty"].endswith(", expected correlation")
    assert lines["pair"].startswith("wf/0.tif, sim/0.tif: shift y ")
    with Image.open("k.png") as picture:
        assert picture.size == (900, 600)
    found = read_psf(Path("k.tif"))
    assert found.pixel_size == pytest.approx(0.05)
    a, b = found.weights.ravel(), LENS.weights.ravel()
    assert a @ b > 0.99 * np.linalg.norm(a) * np.linalg.norm(b)
    [step] = json.loads(w2s("info", "k.tif", "--json").stdout)["history"]
    assert step["command"] == "estimate-kernel"
    assert step["pairs"][0]["low"] == "0.tif"


def test_json_of_files_and_of_folders(w2s, images: Path) -> None:
    files = ["wf/0.tif", "wf/1.tif", "sim/0.tif", "sim/1.tif"]
    words = ["-o", "k.npy", *SIDE, "--json", "--overwrite"]
    one, same = (
        json.loads(w2s("estimate-kernel", *names, *words).stdout)
        for names in (files, ["wf", "sim"])
    )
    assert one == same
    assert len(one["pairs"]) == 2
    assert one["pairs"][1]["shift"] == pytest.approx([0, 0], abs=0.2)
    assert one["fwhm_nm"] is None
    assert one["profile"][0]["weight"] == 1
    assert np.load("k.npy").shape == (9, 9)


def test_csv_is_the_profile(w2s, images: Path) -> None:
    words = ["wf/0.tif", "sim/0.tif", "-o", "k.tif", *SIDE, "--csv"]
    rows = [*csv.DictReader(w2s("estimate-kernel", *words).stdout.splitlines())]
    assert [float(row["radius_pixels"]) for row in rows] == [*np.arange(0, 4.1, 0.25)]
    assert float(rows[0]["weight"]) == 1
    assert rows[0]["radius_um"] == ""


@pytest.mark.parametrize(
    ("how", "number", "enlarged"),
    [("authors", 2500, "linear"), ("paper", 2500, "bicubic"), ("40", 40, "linear")],
)
def test_a_constant(w2s, images: Path, how: str, number: float, enlarged: str) -> None:
    words = ["wf/0.tif", "sim/0.tif", "-o", "k.tif", *SIDE, "--regularisation", how]
    result = w2s("estimate-kernel", *words)
    assert f"regularisation  {number} added to the power of HIGH" in result.stdout
    assert "certainty" not in result.stdout
    [step] = json.loads(w2s("info", "k.tif", "--json").stdout)["history"]
    known = {"kind": "constant", "constant": number, "enlarged": enlarged}
    assert step["regularisation"] == known


@pytest.mark.parametrize("low", ["noise.tif", "inverse.tif", "wf/1.tif"])
def test_images_of_different_fields_are_doubted(w2s, images: Path, low: str) -> None:
    result = w2s("estimate-kernel", low, "sim/0.tif", "-o", "k.tif", *SIDE)
    assert result.exit_code in (0, 4)
    assert "warning: " in result.stderr or "error: " in result.stderr


PAIR = ["wf/0.tif", "sim/0.tif"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["wf/0.tif"], 2, "0 widefield images and 1 sharp ones make no pairs"),
        (["wf", "sim/0.tif"], 2, "2 arguments, 1 of them folders"),
        (["no.tif", "sim/0.tif"], 4, "there is no file no.tif"),
        (["no/*.tif", "sim/0.tif"], 3, "nothing matches no/*.tif"),
        (["wf/0.tif", "text.tif"], 4, "text.tif is not a TIFF"),
        (["wf/0.tif", "broken.tif"], 4, "wf/0.tif, broken.tif: the sharp image holds"),
        (["full.tif", "sim/0.tif"], 4, "full.tif, sim/0.tif: every pixel of the wid"),
        (["small.tif", "tiny.tif"], 4, "small.tif, tiny.tif: a sharp image of 20 x"),
        (["half.tif", "sim/0.tif"], 4, "half.tif, sim/0.tif: the sharp image has 1"),
        (["sim/0.tif", "wf/0.tif"], 4, "sim/0.tif, wf/0.tif: the sharp image has 6"),
        (["two.tif", "sim/0.tif"], 2, "two.tif has 2 channels"),
        (["two.tif", "sim/0.tif", "--channel", "5"], 2, "there is no channel '5'"),
        ([*PAIR, "--axes", "TYX"], 4, "axes 'TYX' name 3 dimensions, but wf/0.tif"),
        ([*PAIR, "--side", "8"], 2, "the side of a kernel must be odd, 5 to 75"),
        ([*PAIR, "--side", "-9"], 2, "the side of a kernel must be odd, 5 to 75"),
        ([*PAIR, "--regularisation", "x"], 2, "--regularisation must be auto, auth"),
        ([*PAIR, "--regularisation", "-1"], 2, "the regularisation must be above 0"),
        ([*PAIR, "--regularisation", "nan"], 2, "the regularisation must be above"),
        ([*PAIR, "--pixel-size", "-1"], 2, "a wavelength or a pixel of -1 um"),
        ([*PAIR, "--pixel-size", "65"], 2, "a wavelength or a pixel of 65 um"),
        ([*PAIR, "--json", "--csv"], 2, "--json and --csv both want standard outp"),
        ([*PAIR, "--plot", "a.jpg"], 2, "the plot a.jpg is no .png file"),
        ([*PAIR, "--plot", "no/a.png"], 7, "there is no folder no"),
    ],
)
def test_wrong_words(w2s, images, words, code, message) -> None:
    if "--side" not in words:
        words = [*words, *SIDE]
    result = w2s("estimate-kernel", *words, "-o", "k.tif", code=code)
    assert result.stderr.startswith(f"error: {message}")
    assert "\nhint: " in result.stderr
    assert not Path("k.tif").exists()


def test_inputs_and_outputs_are_spared(w2s, images: Path) -> None:
    before = Path("wf/0.tif").read_bytes()
    for names in (PAIR, ["wf", "sim"]):
        words = ["estimate-kernel", *names, "-o", "wf/0.tif", "--overwrite", *SIDE]
        result = w2s(*words, code=2)
        assert result.stderr.startswith("error: the output wf/0.tif is an input")
    assert Path("wf/0.tif").read_bytes() == before
    Path("k.tif").touch()
    assert w2s("estimate-kernel", *PAIR, "-o", "k.tif", *SIDE).exit_code == 7
    result = w2s("estimate-kernel", *PAIR, "-o", "k.png", *SIDE, code=2)
    assert "a PNG has whole numbers only" in result.stderr


def test_theory(w2s, here: Path) -> None:
    words = [*MAKE, "--pixel-size", "0.0325", "-o", "k.tif"]
    result = w2s(*words, "--plot", "k.png", code=0)
    assert result.stderr == "look at k.png\n"
    assert "FWHM            5.94 pixels, 193 nm" in result.stdout
    assert "light within    97" in result.stdout
    assert Path("k.png").stat().st_size > 0
    found = read_psf(Path("k.tif"))
    assert found.pixel_size == pytest.approx(0.0325)
    assert found.weights.shape[0] % 2 == 1
    known = json.loads(w2s(*words, "--side", "9", "--json", "--overwrite").stdout)
    assert known["shape"] == [9, 9]
    assert known["light_within"] < 0.9
    assert known["profile"][-1]["radius_pixels"] == 4
    [step] = json.loads(w2s("info", "k.tif", "--json").stdout)["history"]
    assert (step["command"], step["na"]) == ("make-kernel", 1.4)


def test_a_kernel_of_one_pixel(w2s, here: Path) -> None:
    words = [*MAKE, "--pixel-size", "0.05", "--side", "1", "-o", "k.tif"]
    result = w2s(*words, "--plot", "k.png", code=0)
    assert "FWHM            beyond its edge" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--side", "8"], "the side of a kernel must be odd, 1 to 1023 pixels, fo"),
        (["--side", "-3"], "the side of a kernel must be odd, 1 to 1023 pixels, foun"),
        (["--side", "99999"], "the side of a kernel must be odd, 1 to 1023 pixels"),
        (["--na", "0"], "no objective has a numerical aperture of 0"),
        (["--na", "-1.4"], "no objective has a numerical aperture of -1.4"),
        (["--na", "nan"], "no objective has a numerical aperture of nan"),
        (["--na", "2"], "no objective has a numerical aperture of 2"),
        (["--wavelength", "525"], "a wavelength or a pixel of 525 um makes no sense"),
        (["--wavelength", "-1"], "a wavelength or a pixel of -1 um makes no sense"),
        (["--pixel-size", "0.2"], "pixels of 0.2 um are too coarse for a kernel with"),
        (["--pixel-size", "0"], "a wavelength or a pixel of 0 um makes no sense"),
        (["--plot", "k.gif"], "the plot k.gif is no .png file"),
        (["-o", "k.png"], "k.png cannot hold a kernel"),
    ],
)
def test_no_such_microscope(w2s, here: Path, words: list[str], message: str) -> None:
    usual = [*MAKE, "--pixel-size", "0.0325", "-o", "k.tif"]
    if words[0] in usual:  # once: an option given twice is refused
        at = usual.index(words[0])
        del usual[at : at + 2]
    result = w2s(*usual, *words, code=2)
    assert result.stderr.startswith(f"error: {message}")
    assert "\nhint: " in result.stderr
    assert not Path("k.tif").exists()


def test_what_is_missing_is_named(w2s, here: Path) -> None:
    result = w2s("make-kernel", "-o", "k.tif", code=2)
    assert "Missing option '--na'" in result.stderr
