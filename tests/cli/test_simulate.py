"""`w2s simulate`, from a truth to images that look measured."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli.microscope.simulation import simulate_field

LENS = ["--na", "1.4", "--wavelength", "0.525"]
FINE = ["--pixel-size", "0.0325"]


@pytest.fixture
def truth(here: Path) -> Path:
    """A working folder with `truth.tif` and `kernel.tif`."""
    field = simulate_field(256, np.random.default_rng(0))
    tifffile.imwrite("truth.tif", field)
    y, x = np.mgrid[-8:9, -8:9]
    tifffile.imwrite("kernel.tif", np.exp(-(y**2 + x**2) / 12).astype(np.float32))
    for name, value in (("dark", 0.0), ("broken", np.nan), ("flat", 1.0)):
        tifffile.imwrite(f"{name}.tif", np.full((64, 64), value, np.float32))
    tifffile.imwrite("tiny.tif", field[:8, :8])
    tifffile.imwrite("odd.tif", field[:63, :64])
    tifffile.imwrite("stack.tif", np.stack([field] * 2), metadata={"axes": "ZYX"})
    Path("text.tif").write_text("no image")
    return here


def test_from_a_lens_with_its_sim_image(w2s, truth: Path) -> None:
    words = ["truth.tif", "-o", "low.tif", *LENS, *FINE, "--photons", "200"]
    result = w2s("simulate", *words, "--sim", "sim.tif")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("truth.tif -> low.tif: 128 x 128, ")
    assert "photons a camera pixel where the truth is 1" in result.stderr
    low, sim = tifffile.imread("low.tif"), tifffile.imread("sim.tif")
    assert (low.dtype, low.shape) == (np.uint16, (128, 128))
    assert (sim.dtype, sim.shape) == (np.float32, (256, 256))
    assert low.mean() == pytest.approx(sim.mean(), rel=0.01)
    said = json.loads(w2s("info", "low.tif", "--json").stdout)
    assert said["pixel_size"]["X"] == pytest.approx(0.065)
    [step] = said["history"]
    assert (step["command"], step["na"], step["photons"]) == ("simulate", 1.4, 200)


def test_from_a_kernel_and_json(w2s, truth: Path) -> None:
    words = ["truth.tif", "-o", "low.tif", "--kernel", "kernel.tif", "--scale", "1"]
    camera = ["--gain", "2", "--offset", "50", "--read-noise", "3", "--seed", "7"]
    result = w2s("simulate", *words, *camera, "--photons", "30", "--emccd", "--json")
    known = json.loads(result.stdout)
    assert (known["source"], known["target"]) == ("truth.tif", "low.tif")
    assert (known["shape"], known["saturated"]) == ([256, 256], 0)
    [step] = json.loads(w2s("info", "low.tif", "--json").stdout)["history"]
    assert step["noise"] == {"gain": 2, "offset": 50, "read_noise": 3}
    assert (step["kernel"], step["seed"], step["multiplied"]) == ("kernel.tif", 7, True)


def test_the_noise_is_estimated_from_what_was_simulated(w2s, truth: Path) -> None:
    ramp = np.linspace(0, 1, 512, dtype=np.float32) * np.ones((512, 1), np.float32)
    tifffile.imwrite("ramp.tif", ramp)
    words = ["ramp.tif", "-o", "low.tif", "--kernel", "kernel.tif", "--gain", "2.2"]
    w2s("simulate", *words, "--photons", "100", "--read-noise", "3")
    [found] = json.loads(w2s("estimate-noise", "low.tif", "--json").stdout)
    [channel] = found["channels"]
    assert channel["gain"] == pytest.approx(2.2, rel=0.1)


def test_a_constant_truth_is_a_flat_field(w2s, truth: Path) -> None:
    words = ["flat.tif", "-o", "low.tif", "--kernel", "kernel.tif"]
    assert w2s("simulate", *words, "--photons", "100").exit_code == 0
    assert tifffile.imread("low.tif").mean() == pytest.approx(200, abs=2)


def test_saturation_is_warned_of(w2s, truth: Path) -> None:
    words = ["flat.tif", "-o", "low.tif", "--kernel", "kernel.tif"]
    result = w2s("simulate", *words, "--photons", "1e25", code=0)
    assert result.stderr.startswith("warning: low.tif: 1024 pixels are saturated")


def test_axes_can_be_named(w2s, truth: Path) -> None:
    words = ["stack.tif", "-o", "low.tif", "--kernel", "kernel.tif", "--axes", "TYX"]
    assert w2s("simulate", *words).exit_code == 0
    assert json.loads(w2s("info", "low.tif", "--json").stdout)["axes"] == "TYX"


KERNEL = ["--kernel", "kernel.tif"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["truth.tif"], 2, "the blur of the microscope is not given, or only half"),
        (["truth.tif", "--na", "1.4"], 2, "the blur of the microscope is not given"),
        (["truth.tif", *KERNEL, *LENS], 2, "--kernel leaves nothing for --na"),
        (["truth.tif", *LENS], 4, "the truth does not say how large its pixels are"),
        (["truth.tif", *LENS, "--pixel-size", "0.2"], 2, "pixels of 0.2 um are too c"),
        (["truth.tif", *LENS, "--pixel-size", "65"], 2, "a wavelength or a pixel of 6"),
        (["truth.tif", *LENS[:3], "525"], 2, "a wavelength or a pixel of 525 um"),
        (["truth.tif", *FINE, "--na", "2", *LENS[2:]], 2, "no objective has a numeri"),
        (["truth.tif", *FINE, "--na", "-1", *LENS[2:]], 2, "no objective has a numeri"),
        (["truth.tif", *KERNEL, "--photons", "-5"], 2, "--photons must be 0 or more"),
        (["truth.tif", *KERNEL, "--background", "-5"], 2, "--background must be 0"),
        (["truth.tif", *KERNEL, "--haze", "-1"], 2, "--haze must be 0 or more"),
        (["truth.tif", *KERNEL, "--offset", "-1"], 2, "--offset must be 0 or more"),
        (["truth.tif", *KERNEL, "--gain", "-1"], 2, "impossible noise model: gain -1"),
        (["truth.tif", *KERNEL, "--gain", "0"], 2, "impossible noise model: gain 0"),
        (["truth.tif", *KERNEL, "--read-noise", "-1"], 2, "impossible noise model"),
        (["no.tif", *KERNEL], 4, "there is no file no.tif"),
        (["text.tif", *KERNEL], 4, "text.tif is not a TIFF"),
        (["tiny.tif", *KERNEL], 4, "the truth has planes of 8 x 8 pixels"),
        (["odd.tif", *KERNEL], 4, "planes of 63 x 64 pixels cannot be halved"),
        (["dark.tif", *KERNEL, "--photons", "9"], 4, "the truth is dark"),
        (["broken.tif", *KERNEL], 4, "4096 pixels are NaN or infinite"),
        (["truth.tif", "--kernel", "no.tif"], 4, "there is no file no.tif"),
        (["truth.tif", "--kernel", "text.tif"], 4, "text.tif is not a TIFF"),
        (["truth.tif", "--kernel", "dark.tif"], 4, "dark.tif is no kernel: its values"),
        (["truth.tif", "--kernel", "flat.tif"], 4, "flat.tif is no kernel: its peak"),
        (["truth.tif", "--kernel", "broken.tif"], 4, "broken.tif is no kernel: it ho"),
        (["truth.tif", "--kernel", "stack.tif"], 4, "stack.tif is no kernel: it has"),
        (["truth.tif", *KERNEL, "--axes", "TYX"], 4, "axes 'TYX' name 3 dimensions"),
        (["truth.tif", *KERNEL, "--sim", "low.tif"], 2, "--sim and -o both name low"),
        (["truth.tif", *KERNEL, "--sim", "a.png"], 4, "a.png cannot hold this image"),
        (["truth.tif", *KERNEL, "--sim", "a.jpg"], 2, "cannot tell the format of a.j"),
        (["truth.tif", *KERNEL, "--sim", "no/a.tif"], 7, "there is no folder no"),
    ],
)
def test_wrong_words(w2s, truth, words, code, message) -> None:
    result = w2s("simulate", *words, "-o", "low.tif", code=code)
    assert result.stderr.startswith(f"error: {message}")
    assert "\nhint: " in result.stderr
    assert not Path("low.tif").exists()


@pytest.mark.parametrize("words", [["--seed", "-1"], ["--scale", "3"], ["--na", "x"]])
def test_words_that_are_no_option(w2s, truth: Path, words: list[str]) -> None:
    result = w2s("simulate", "truth.tif", "-o", "low.tif", *words, code=2)
    assert words[0] in result.stderr


def test_inputs_and_outputs_are_spared(w2s, truth: Path) -> None:
    words = ["simulate", "truth.tif", *KERNEL, "--overwrite", "-o"]
    for target in ("truth.tif", "kernel.tif"):
        result = w2s(*words, target, code=2)
        assert result.stderr.startswith(f"error: the output {target} is an input")
    Path("low.tif").touch()
    result = w2s("simulate", "truth.tif", *KERNEL, "-o", "low.tif")
    assert (result.exit_code, Path("low.tif").stat().st_size) == (7, 0)
    assert w2s(*words, "low.tif").exit_code == 0
