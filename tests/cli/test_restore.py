"""`w2s restore`: what it makes, and what it says of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli.io import open_image
from w2s_cli.methods.bm3d import Bm3d

NOISY = ["--method", "pure-let"]  # needs a noise model
SMOOTH = ["--method", "gaussian"]  # doesn't


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".w2s")


def test_file_to_file(w2s, here: Path) -> None:
    result = w2s("restore", "cell.tif", "-o", "big.tif", "--method", "bicubic", code=0)
    assert result.stdout == ""
    assert result.stderr.startswith("cell.tif -> big.tif: 2 x 120 x 100, x2, ")
    assert tifffile.imread("big.tif").shape == (2, 120, 100)
    assert names(here) == ["big.tif", "cell.tif"]


def test_quiet(w2s, here: Path) -> None:
    result = w2s("restore", "cell.tif", "-o", "s.tif", *SMOOTH, "--quiet")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            ["--method", "gaussian", "--method", "median"],
            "--method is given more than once",
            "joined: --method denoise+bicubic",
        ),
        (["-o", "b.tif", *SMOOTH], "--output is given more than once", "once"),
        (
            ["--method", "jdsr+denoise-fast"],
            "denoise-fast cannot come after jdsr in jdsr+denoise-fast: it expects",
            "jdsr denoises as well: --method jdsr",
        ),
        (
            ["--method", "bicubic+gaussian+pure-let"],
            "pure-let cannot come after bicubic",
            "denoise first: --method pure-let+bicubic",
        ),
        (["--gain", 2, "--gain", 3, *SMOOTH], "--gain is given more", "give it once"),
    ],
)
def test_what_cannot_be_meant_is_refused(w2s, here, words, message, hint) -> None:
    result = w2s("restore", "cell.tif", "-o", "a.tif", *words, code=2)
    error, hinted = result.stderr.splitlines()
    assert error.startswith(f"error: {message}")
    assert hint in hinted
    assert names(here) == ["cell.tif"]


def test_two_noise_models_for_one_channel_are_refused_by_every_method(
    w2s, here: Path
) -> None:
    model = {"gain": 2.0, "offset": 100.0, "read_noise": 1.0}
    Path("noise.json").write_text(json.dumps({"channels": [model, model]}))
    words = ["cell.tif", "-o", "a.tif", "--noise", "noise.json"]
    for method in (SMOOTH, NOISY):
        result = w2s("restore", *words, *method, code=2)
        assert "2 noise models for an image of 1 channel" in result.stderr


def test_what_is_slow_or_doubtful_is_said_before(w2s, here, monkeypatch) -> None:
    from w2s_cli.networks import inference

    monkeypatch.setattr(
        inference, "is_slow", lambda device, precision: precision == "bf16"
    )
    words = ["--gain", 2, "--offset", 100, "--device", "cpu", "--dry-run"]
    chain = ["--method", "gaussian+denoise-fast", "--precision", "bf16"]
    result = w2s("restore", "cell.tif", "-o", "a.tif", *words, *chain)
    made, slow = result.stderr.splitlines()
    assert made.startswith("warning: denoise-fast is made for the noise of the camera")
    assert slow == (
        "warning: this processor only imitates bf16, about ten times as slow as fp32: "
        "leave --precision out"
    )


@pytest.fixture
def quick_bm3d(monkeypatch: pytest.MonkeyPatch) -> None:
    """BM3D as the command line knows it, but its pixels stay as they are."""
    monkeypatch.setattr(Bm3d, "__call__", lambda _, blocks: blocks)


@pytest.mark.usefixtures("quick_bm3d")
def test_a_foreign_licence_is_told_once_a_run(w2s, here: Path) -> None:
    np.save("other.npy", tifffile.imread("cell.tif")[0])
    words = ["--method", "vst+bm3d+vst+bm3d", "--gain", 2, "--offset", 100]
    result = w2s("restore", "cell.tif", "other.npy", "-o", "out/", *words)
    first, *others = result.stderr.splitlines()
    assert first == (
        "vst+bm3d: licence: non-commercial use only "
        "(Dabov et al. 2007; the bm3d package)"
    )
    assert len(others) == 2
    assert "non-commercial" not in "".join(others)


@pytest.mark.usefixtures("quick_bm3d")
def test_quiet_silences_licences(w2s, here: Path) -> None:
    words = ["--method", "vst+bm3d", "--gain", 2, "--offset", 100, "--quiet"]
    result = w2s("restore", "cell.tif", "-o", "s.tif", *words)
    assert (result.exit_code, result.stderr) == (0, "")


def test_quiet_does_not_silence_warnings(w2s, here: Path) -> None:
    counts = tifffile.imread("cell.tif")[0]
    counts[:5] = 65535
    counts[5:8] = [[40000], [10000], [2000]]  # light is blurred
    tifffile.imwrite("full.tif", counts)
    words = [*NOISY, "--gain", 2, "--offset", 100, "-q"]
    result = w2s("restore", "full.tif", "-o", "s.tif", *words)
    assert result.stderr.startswith("warning: full.tif: 8.3% of the pixels are satur")
    assert len(result.stderr.splitlines()) == 1
    with open_image(Path("s.tif")) as stack:
        [warning] = stack.history[-1]["warnings"]
    assert warning in result.stderr


def test_many_files_go_to_a_folder(w2s, here: Path) -> None:
    np.save("other.npy", tifffile.imread("cell.tif"))
    result = w2s("restore", "cell.tif", "other.npy", "-o", "new/out", *SMOOTH, code=0)
    assert names(here / "new/out") == ["cell.tif", "other.npy"]
    first, guessed, second = result.stderr.splitlines()
    assert first.startswith("cell.tif -> ")
    assert "other.npy: it does not say what its 2 planes are" in guessed
    assert second.startswith("other.npy -> ")


def test_a_given_noise_model_is_used_and_recorded(w2s, here: Path) -> None:
    Path("noise.json").write_text('{"gain": 2, "offset": 100}')
    words = ["restore", "cell.tif", *NOISY]
    assert w2s(*words, "-o", "a.tif", "--noise", "noise.json").exit_code == 0
    assert w2s(*words, "-o", "b.tif", "--gain", 2, "--offset", 100).exit_code == 0
    assert Path("a.tif").read_bytes() == Path("b.tif").read_bytes()
    with open_image(Path("a.tif")) as stack:
        assert stack.history[-1]["noise"] == [
            {"gain": 2.0, "offset": 100.0, "read_noise": 0.0, "origin": "given"}
        ]


def test_json(w2s, here: Path) -> None:
    result = w2s("restore", "cell.tif", "no.tif", "-o", "out", *SMOOTH, "--json")
    assert result.exit_code == 1
    done, failed = json.loads(result.stdout)
    assert (done["source"], done["target"]) == ("cell.tif", "out/cell.tif")
    assert done["output_shape"] == done["input_shape"] == [2, 60, 50]
    assert (done["scale"], done["clipped_pixels"], done["dtype"]) == (1, 0, "uint16")
    assert done["warnings"] == done["record"]["noise"] == []
    assert failed == {
        "schema": 1,
        "status": "failed",
        "source": "no.tif",
        "target": "out/no.tif",
        "error": "there is no file no.tif",
        "hint": "check the spelling and the folder",
        "exit_code": 4,
    }


def test_dry_run(w2s, here: Path) -> None:
    words = ["restore", "cell.tif", "-o", "new/", "--method", "median+bicubic"]
    result = w2s(*words, "--dry-run", "--tile", 32, code=0)
    assert result.stdout.startswith(
        "cell.tif -> new/cell.tif: TYX 2 x 60 x 50 to 2 x 120 x 100 uint16, "
        "median+bicubic, 8 tiles of 32, about "
    )
    [plan] = json.loads(w2s(*words, "-n", "--json").stdout)
    assert (plan["tiles"], plan["output_shape"]) == (2, [2, 120, 100])
    assert plan["memory_bytes"] > 1 << 20
    assert names(here) == ["cell.tif"]


def test_dry_run_of_a_bad_file(w2s, here: Path) -> None:
    result = w2s("restore", "no.tif", "-o", "out.tif", *SMOOTH, "-n")
    assert (result.exit_code, result.stdout) == (4, "")


def test_axes_and_channel(w2s, here: Path) -> None:
    result = w2s(
        "restore", "cell.tif", "-o", "c.tif", *SMOOTH, "--axes", "CYX", "--channel", 2
    )
    assert result.exit_code == 0
    assert tifffile.imread("c.tif").shape == (60, 50)


def test_overwrite(w2s, here: Path) -> None:
    (here / "old.tif").write_bytes(b"old")
    w2s("restore", "cell.tif", "-o", "old.tif", *SMOOTH, "--overwrite", code=0)
    assert tifffile.imread("old.tif").shape == (2, 60, 50)


def test_the_noise_of_several_channels_is_told_by_their_names(w2s, here: Path) -> None:
    pixels = np.stack([tifffile.imread("cell.tif")[0]] * 2)
    channels = {"axes": "CYX", "Channel": {"Name": ["DAPI", "actin"]}}
    tifffile.imwrite("c.ome.tif", pixels, photometric="minisblack", metadata=channels)
    noise = ["--gain", 2, "--offset", 100, "--read-noise", 3]
    done = w2s("restore", "c.ome.tif", "-o", "d.tif", "--method", "pure-let", *noise)
    each = "gain 2, offset 100, read noise 3"
    assert f"noise given (DAPI: {each}; actin: {each})" in done.stderr
