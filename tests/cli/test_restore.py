"""`w2s restore`: what it makes, and every way to be told that it cannot."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from w2s_cli.io import open_image
from w2s_cli.methods.bm3d import Bm3d
from w2s_cli.methods.filters import Gaussian

NOISY = ["--method", "pure-let"]  # needs a noise model
SMOOTH = ["--method", "gaussian"]  # doesn't


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".w2s")


def test_file_to_file(w2s, here: Path) -> None:
    result = w2s("restore", "cell.tif", "-o", "big.tif", "--method", "bicubic")
    assert result.exit_code == 0
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
def test_what_cannot_be_meant_is_refused(
    w2s, here: Path, words: list[Any], message: str, hint: str
) -> None:
    result = w2s("restore", "cell.tif", "-o", "a.tif", *words)
    assert result.exit_code == 2
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
        result = w2s("restore", *words, *method)
        assert result.exit_code == 2
        assert "2 noise models for an image of 1 channel" in result.stderr


def test_what_is_slow_or_doubtful_is_said_before(
    w2s, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    result = w2s("restore", "cell.tif", "other.npy", "-o", "new/out", *SMOOTH)
    assert result.exit_code == 0
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
    result = w2s(*words, "--dry-run", "--tile", 32)
    assert result.exit_code == 0
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


@pytest.mark.parametrize(
    ("words", "code", "error", "hint"),
    [
        (["cell.tif", "-o", "cell.tif"], 2, "the output cell.tif is an input", "the"),
        (
            ["cell.tif", "-o", "./cell.tif", "--overwrite"],
            2,
            "the output cell.tif is an input",
            "the original is never replaced",
        ),
        (
            ["cell.tif", "-o", "x.tif", "--method", "gausian"],
            2,
            "no method is called 'gausian'",
            "did you mean 'gaussian'?",
        ),
        (
            ["cell.tif", "-o", "x.tif", *SMOOTH, "-O", "sigm=2"],
            2,
            "no option of gaussian is called 'sigm'",
            "did you mean 'sigma'?",
        ),
        (
            ["cell.tif", "-o", "x.tif", *SMOOTH, "-O", "sigma=much"],
            2,
            "option sigma must be a number, found 'much'",
            "sigma: standard deviation, in pixels; 1.0 by default",
        ),
        (
            ["cell.tif", "-o", "x.tif", *SMOOTH, "--weights", "w.safetensors"],
            2,
            "1 weight files for 0 methods that take one",
            "--weights belongs to",
        ),
        (
            ["cell.tif", "-o", "x.tif", "--offset", "100"],
            2,
            "--offset and --read-noise mean nothing without --gain",
            "give --gain too",
        ),
        (
            ["cell.tif", "-o", "x.tif", "--gain", "2", "--noise", "n.json"],
            2,
            "--gain and --noise both give a noise model",
            "drop one",
        ),
        (
            ["cell.tif", "-o", "x.tif", "--gain", "-2"],
            2,
            "impossible noise model: gain -2, offset 0, read noise 0",
            "the gain is above 0",
        ),
        (
            ["cell.tif", "-o", "x.tif", "--noise", "n.json"],
            2,
            "cannot read the noise model n.json: No such file",
            "",
        ),
        (
            ["cell.tif", "-o", "-", "--json"],
            2,
            "--json and the image cannot both go to standard output",
            "name an output file",
        ),
        (
            ["cell.tif", "-o", "x.tif", *SMOOTH, "--channel", "3"],
            2,
            "there is no channel '3' among 1",
            "channels are counted from 1, as in Fiji: 1",
        ),
        (
            ["cell.tif", "-o", "x.jpg", *SMOOTH],
            2,
            "cannot tell the format of x.jpg from its suffix '.jpg'",
            "use one of .tif",
        ),
        (["empty/", "-o", "out"], 3, "no image in the folder empty", "images end in"),
        (["*.png", "-o", "out"], 3, "nothing matches *.png", "is it the right"),
        (["no.tif", "-o", "x.tif", *SMOOTH], 4, "there is no file no.tif", "check"),
        (
            ["cell.tif", "-o", "x.tif", *SMOOTH, "--axes", "TCYX"],
            4,
            "axes 'TCYX' name 4 dimensions, but cell.tif has shape (2, 60, 50)",
            "name every axis longer than 1",
        ),
        (
            ["cell.tif", "-o", "x.tif", *SMOOTH, "--axes", "YXT"],
            4,
            "cell.tif: axes 'YXT' do not end in 'YX'",
            "planes must be stored whole",
        ),
        (
            ["cell.tif", "-o", "x.tif", "--method", "denoise", "--weights", "no.st"],
            5,
            "",
            "",
        ),
        (
            ["cell.tif", "-o", "old.tif", *SMOOTH],
            7,
            "old.tif exists",
            "replace",
        ),
        (
            ["cell.tif", "-o", "gone/x.tif", *SMOOTH],
            7,
            "there is no folder gone to write x.tif into",
            "make the folder first",
        ),
        (
            ["cell.tif", "-o", "old.tif/x/", *SMOOTH],
            7,
            "cannot make the folder old.tif/x: Not a directory",
            "give another one with -o",
        ),
        (["cell.tif", "-o", "/proc/x.tif", *SMOOTH], 7, "", ""),
    ],
)
def test_refusals(
    w2s, here: Path, words: list[str], code: int, error: str, hint: str
) -> None:
    (here / "empty").mkdir()
    (here / "old.tif").write_bytes(b"old")
    result = w2s("restore", *words)
    assert result.exit_code == code, result.output
    said, *more = result.stderr.splitlines()
    assert said.startswith(f"error: {error}") or error in said
    assert not hint or more[0].startswith(f"hint: {hint}")
    assert result.stdout == ""
    assert names(here) == ["cell.tif", "empty", "old.tif"]
    assert (here / "old.tif").read_bytes() == b"old"


def _text(path: Path) -> None:
    path.write_text("hello")


def _truncated(path: Path) -> None:
    tifffile.imwrite(path, np.ones((9, 64, 64), np.uint16))
    path.write_bytes(path.read_bytes()[: 64 * 64 * 2])


def _pixels(array: Any, **how: Any) -> Callable[[Path], None]:
    return lambda path: tifffile.imwrite(path, array, **how)


COLOURS = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
FLAT = np.full((64, 64), 7, np.uint16)
BROKEN = np.ones((64, 64), np.float32)
BROKEN[3, 4] = np.nan


@pytest.mark.parametrize(
    ("make", "method", "message"),
    [
        (Path.touch, SMOOTH, "bad.tif is empty: 0 bytes"),
        (
            _text,
            SMOOTH,
            "bad.tif is not a TIFF, PNG",
        ),
        (_truncated, SMOOTH, "bad.tif"),
        (_pixels(BROKEN), NOISY, "every pixel of the image is 1"),
        (_pixels(BROKEN * np.nan), NOISY, "no pixel of the image is a number"),
        (_pixels(FLAT), NOISY, "every pixel of the image is"),
        (_pixels(FLAT * 0), NOISY, "every pixel of the image is"),
        (
            _pixels(FLAT.astype(np.complex64)),
            SMOOTH,
            "type complex64, which w2s does not",
        ),
        (
            _pixels(COLOURS, photometric="rgb"),
            SMOOTH,
            "bad.tif is a colour picture: 3 samples a pixel",
        ),
    ],
)
def test_bad_images(
    w2s, here: Path, make: Callable[[Path], None], method: list[str], message: str
) -> None:
    make(here / "bad.tif")
    result = w2s("restore", "bad.tif", "-o", "out.tif", *method)
    assert result.exit_code == 4, result.output
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert "bad.tif" in error
    assert message in error
    assert hint.startswith("hint: ")
    assert names(here) == ["bad.tif", "cell.tif"]


@pytest.mark.parametrize("value", [0, 7])
def test_a_constant_image_is_fine_where_no_noise_is_estimated(
    w2s, here: Path, value: int
) -> None:
    tifffile.imwrite("flat.tif", np.full((64, 64), value, np.uint16))
    assert w2s("restore", "flat.tif", "-o", "a.tif", *SMOOTH).exit_code == 0
    assert w2s("restore", "flat.tif", "-o", "b.tif", *NOISY, "--gain", 1).exit_code == 0
    assert (tifffile.imread("a.tif") == value).all()


def test_one_bad_file_among_three(w2s, here: Path) -> None:
    _truncated(here / "bad.tif")
    np.save("last.npy", np.ones((20, 20), np.uint8))
    words = ["cell.tif", "bad.tif", "last.npy", "-o", "out", *SMOOTH]
    result = w2s("restore", *words)
    assert result.exit_code == 1
    assert "bad.tif" in result.stderr
    assert names(here / "out") == ["cell.tif", "last.npy"]


def test_out_of_memory(w2s, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Gaussian, blocks: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(Gaussian, "__call__", full)
    result = w2s("restore", "cell.tif", "-o", "out.tif", *SMOOTH)
    assert result.exit_code == 6
    assert result.stderr.startswith("error: cell.tif: out of memory on a plane of 60 x")
    assert names(here) == ["cell.tif"]


def test_overwrite(w2s, here: Path) -> None:
    (here / "old.tif").write_bytes(b"old")
    result = w2s("restore", "cell.tif", "-o", "old.tif", *SMOOTH, "--overwrite")
    assert result.exit_code == 0
    assert tifffile.imread("old.tif").shape == (2, 60, 50)


def test_a_bug_shows_its_traceback(w2s, here: Path, monkeypatch) -> None:
    def wrong(self: Gaussian, blocks: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Gaussian, "__call__", wrong)
    result = w2s("restore", "cell.tif", "-o", "out.tif", *SMOOTH)
    assert result.exit_code == 70
    first, *_, error, hint = result.stderr.splitlines()
    assert first == "Traceback (most recent call last):"
    assert error == "error: cell.tif: a bug in w2s: ZeroDivisionError"
    assert hint == "hint: please report it with the lines above"
    assert names(here) == ["cell.tif"]


def test_an_empty_standard_input(w2s, here: Path) -> None:
    result = w2s("restore", "-", "-o", "out.tif", *SMOOTH, stdin=b"")
    assert result.exit_code == 4
    assert result.stderr.startswith("error: standard input is empty: 0 bytes")


def test_the_noise_of_several_channels_is_told_by_their_names(w2s, here: Path) -> None:
    pixels = np.stack([tifffile.imread("cell.tif")[0]] * 2)
    channels = {"axes": "CYX", "Channel": {"Name": ["DAPI", "actin"]}}
    tifffile.imwrite("c.ome.tif", pixels, photometric="minisblack", metadata=channels)
    noise = ["--gain", 2, "--offset", 100, "--read-noise", 3]
    done = w2s("restore", "c.ome.tif", "-o", "d.tif", "--method", "pure-let", *noise)
    each = "gain 2, offset 100, read noise 3"
    assert f"noise given (DAPI: {each}; actin: {each})" in done.stderr
