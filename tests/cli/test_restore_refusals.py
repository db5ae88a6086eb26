"""Every way in which `w2s restore` says that it cannot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from w2s_cli.methods.filters import Gaussian

NOISY = ["--method", "pure-let"]  # needs a noise model
SMOOTH = ["--method", "gaussian"]  # doesn't


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".w2s")


REFUSALS = """
$ cell.tif -o cell.tif
2 the output cell.tif is an input
hint: the
$ cell.tif -o ./cell.tif --overwrite
2 the output cell.tif is an input
hint: the original is never replaced
$ cell.tif -o x.tif --method gausian
2 no method is called 'gausian'
hint: did you mean 'gaussian'?
$ cell.tif -o x.tif --method gaussian -O sigm=2
2 no option of gaussian is called 'sigm'
hint: did you mean 'sigma'?
$ cell.tif -o x.tif --method gaussian -O sigma=much
2 option sigma must be a number, found 'much'
hint: sigma: standard deviation, in pixels; 1.0 by default
$ cell.tif -o x.tif --method gaussian --weights w.safetensors
2 1 weight files for 0 methods that take one
hint: --weights belongs to
$ cell.tif -o x.tif --offset 100
2 --offset and --read-noise mean nothing without --gain
hint: give --gain too
$ cell.tif -o x.tif --gain 2 --noise n.json
2 --gain and --noise both give a noise model
hint: drop one
$ cell.tif -o x.tif --gain -2
2 impossible noise model: gain -2, offset 0, read noise 0
hint: the gain is above 0
$ cell.tif -o x.tif --noise n.json
2 cannot read the noise model n.json: No such file
$ cell.tif -o - --json
2 --json and the image cannot both go to standard output
hint: name an output file
$ cell.tif -o x.tif --method gaussian --channel 3
2 there is no channel '3' among 1
hint: channels are counted from 1, as in Fiji: 1
$ cell.tif -o x.jpg --method gaussian
2 cannot tell the format of x.jpg from its suffix '.jpg'
hint: use one of .tif
$ empty/ -o out
3 no image in the folder empty
hint: images end in
$ *.png -o out
3 nothing matches *.png
hint: is it the right
$ no.tif -o x.tif --method gaussian
4 there is no file no.tif
hint: check
$ cell.tif -o x.tif --method gaussian --axes TCYX
4 axes 'TCYX' name 4 dimensions, but cell.tif has shape (2, 60, 50)
hint: name every axis longer than 1
$ cell.tif -o x.tif --method gaussian --axes YXT
4 cell.tif: axes 'YXT' do not end in 'YX'
hint: planes must be stored whole
$ cell.tif -o x.tif --method denoise --weights no.st
5
$ cell.tif -o old.tif --method gaussian
7 old.tif exists
hint: replace
$ cell.tif -o gone/x.tif --method gaussian
7 there is no folder gone to write x.tif into
hint: make the folder first
$ cell.tif -o old.tif/x/ --method gaussian
7 cannot make the folder old.tif/x: Not a directory
hint: give another one with -o
$ cell.tif -o /proc/x.tif --method gaussian
7
"""


@pytest.mark.parametrize("case", REFUSALS.split("\n$ ")[1:])
def test_refusals(w2s, here: Path, case: str) -> None:
    (here / "empty").mkdir()
    (here / "old.tif").write_bytes(b"old")
    words, told, *hints = case.splitlines()
    code, _, error = told.partition(" ")
    result = w2s("restore", *words.split(), code=int(code))
    said, *more = result.stderr.splitlines()
    assert said.startswith("error: ")
    assert error in said
    assert not hints or more[0].startswith(hints[0])
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
        (_text, SMOOTH, "bad.tif is not a TIFF, PNG"),
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
def test_bad_images(w2s, here, make, method, message) -> None:
    make(here / "bad.tif")
    result = w2s("restore", "bad.tif", "-o", "out.tif", *method, code=4)
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert "bad.tif" in error
    assert message in error
    assert hint.startswith("hint: ")
    assert names(here) == ["bad.tif", "cell.tif"]


@pytest.mark.parametrize("value", [0, 7])
def test_a_constant_image_is_fine_where_no_noise_is_estimated(w2s, here, value) -> None:
    tifffile.imwrite("flat.tif", np.full((64, 64), value, np.uint16))
    assert w2s("restore", "flat.tif", "-o", "a.tif", *SMOOTH).exit_code == 0
    assert w2s("restore", "flat.tif", "-o", "b.tif", *NOISY, "--gain", 1).exit_code == 0
    assert (tifffile.imread("a.tif") == value).all()


def test_one_bad_file_among_three(w2s, here: Path) -> None:
    _truncated(here / "bad.tif")
    np.save("last.npy", np.ones((20, 20), np.uint8))
    words = ["cell.tif", "bad.tif", "last.npy", "-o", "out", *SMOOTH]
    result = w2s("restore", *words, code=1)
    assert "bad.tif" in result.stderr
    assert names(here / "out") == ["cell.tif", "last.npy"]


def test_out_of_memory(w2s, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Gaussian, blocks: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(Gaussian, "__call__", full)
    result = w2s("restore", "cell.tif", "-o", "out.tif", *SMOOTH, code=6)
    assert result.stderr.startswith("error: cell.tif: out of memory on a plane of 60 x")
    assert names(here) == ["cell.tif"]


def test_a_bug_shows_its_traceback(w2s, here: Path, monkeypatch) -> None:
    def wrong(self: Gaussian, blocks: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Gaussian, "__call__", wrong)
    result = w2s("restore", "cell.tif", "-o", "out.tif", *SMOOTH, code=70)
    first, *_, error, hint = result.stderr.splitlines()
    assert first == "Traceback (most recent call last):"
    assert error == "error: cell.tif: a bug in w2s: ZeroDivisionError"
    assert hint == "hint: please report it with the lines above"
    assert names(here) == ["cell.tif"]


def test_an_empty_standard_input(w2s, here: Path) -> None:
    result = w2s("restore", "-", "-o", "out.tif", *SMOOTH, stdin=b"", code=4)
    assert result.stderr.startswith("error: standard input is empty: 0 bytes")
