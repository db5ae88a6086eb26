"""`w2s methods` and `w2s info`."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli.methods import METHODS


def test_methods(w2s) -> None:
    found = w2s("methods")
    head, *rows = found.stdout.splitlines()
    assert head.split() == ["name", "scale", "summary"]
    names = [row.split()[0] for row in rows if not row.startswith(" ")]
    assert names == [entry.name for entry in METHODS]
    assert max(map(len, [head, *rows])) <= 80
    whole = " ".join(found.stdout.split())
    assert "vst+bm3d x1 denoise by block matching; licence: non-commercial use" in whole
    assert "dncnn-w2s-avg1 x1 DnCNN of W2S, avg1; licence: not stated" in whole
    assert "n2v-unet x1 Noise2Void's U-Net noise2sr" in whole
    said = "channel attention, W2S's RCAN; compact weights ship; tiles approximate"
    assert f"rcan - {said} rdn" in whole
    assert "w2s methods NAME" in found.stderr


@pytest.mark.parametrize("name", [entry.name for entry in METHODS])
def test_a_method_in_80_columns(w2s, name: str) -> None:
    lines = w2s("methods", name).stdout.splitlines()
    assert lines[0].split() == ["method", name]
    assert max(map(len, lines)) <= 80


def test_what_is_behind_a_method(w2s) -> None:
    text = w2s("methods", "dncnn-fmd").stdout
    assert "needs    weights, fetched at first use\n" in text
    assert "source   Zhang et al., CVPR 2019\n" in text
    assert "licence  MIT\n" in text


def test_methods_as_json(w2s) -> None:
    rows = json.loads(w2s("methods", "--json").stdout)
    assert {row["name"]: row["scale"] for row in rows} == {
        entry.name: entry.scale for entry in METHODS
    }


def test_options_of_a_method(w2s) -> None:
    *_, head, row = w2s("methods", "gaussian").stdout.splitlines()
    assert head.split() == ["option", "value", "default", "help"]
    assert row.split()[:4] == ["sigma", "a", "number", "1.0"]
    assert w2s("methods", "bicubic").stderr == "bicubic has no options\n"
    assert w2s("methods", "bicubic", "--json").stdout == "[]\n"
    wrong = w2s("methods", "bicubik", code=2)
    assert wrong.stderr.splitlines()[1] == "hint: did you mean 'bicubic'?"


def test_a_broken_package_spoils_only_its_own_method(w2s, here, monkeypatch) -> None:
    for name, code in {"broken": "import nowhere", "plain": "class M: pass"}.items():
        (here / f"w2s_{name}.py").write_text(code)
        (here / f"w2s_{name}-1.dist-info").mkdir()
        facts = here / f"w2s_{name}-1.dist-info" / "METADATA"
        facts.write_text(f"Metadata-Version: 2.1\nName: w2s-{name}\nVersion: 1\n")
        points = facts.with_name("entry_points.txt")
        points.write_text(f"[w2s.methods]\n{name} = w2s_{name}:M\n")
    monkeypatch.syspath_prepend(here)
    why = {
        "broken": "ModuleNotFoundError: No module named 'nowhere'",
        "plain": "w2s_plain:M is no dataclass",
    }
    listed = w2s("methods", code=0)
    for name, reason in why.items():
        said = f"the method {name} of the package w2s-{name} cannot be loaded: {reason}"
        assert f"warning: {said}\n" in listed.stderr
        assert f"\n{name} " not in listed.stdout
        for words in ("methods", "restore cell.tif -o x.tif --method"):
            failed = w2s(*words.split(), name, code=2)
            assert failed.stderr.splitlines() == [
                f"error: {said}",
                f"hint: mend or remove the package: pip uninstall w2s-{name}",
            ]
    done = w2s("restore", "cell.tif", "-o", "y.tif", "--method", "median", "-q")
    assert (done.exit_code, done.stderr) == (0, "")


def test_entry_points_that_cannot_be_read_are_none(w2s, here, monkeypatch) -> None:
    package = here / "torn-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: torn\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[w2s.methods]\nno equals sign\n")
    monkeypatch.syspath_prepend(here)
    listed = w2s("methods", code=0)
    assert "warning" not in listed.stderr


def test_info(w2s, here: Path) -> None:
    w2s("restore", "cell.tif", "-o", "big.tif", "--method", "gaussian+bicubic")
    before, after = (
        json.loads(w2s("info", name, "--json").stdout)
        for name in ("cell.tif", "big.tif")
    )
    assert before["history"] == []
    assert (before["axes"], before["dtype"]) == ("TYX", "uint16")
    assert after["shape"] == [2, 120, 100]
    [step] = after["history"]
    assert (step["tool"], step["method"]) == ("w2s", "gaussian+bicubic")
    text = w2s("info", "big.tif").stdout
    assert "axes            TYX\nshape           2 x 120 x 100\n" in text
    assert "\nstep 1\n  by         w2s " in text
    assert "  method     gaussian+bicubic\n" in text
    assert "links" not in text
    assert "guess" not in text
    verbose = w2s("info", "big.tif", "--verbose").stdout
    assert "method gaussian, options sigma 1; method bicubic, options -\n" in verbose


def test_info_says_what_a_biologist_asks(w2s, here: Path) -> None:
    np.save("stack.npy", np.zeros((3, 40, 40), np.uint16))
    guessed = w2s("info", "stack.npy").stdout
    assert "axes            TYX, a guess: where it is wrong, say --axes\n" in guessed
    noise = ["--gain", 2, "--offset", 100, "--read-noise", 3]
    words = ["--method", "pure-let", *noise, "--channel", "1"]
    w2s("restore", "cell.tif", "-o", "clean.tif", *words)
    text = w2s("info", "clean.tif").stdout
    assert "  channel    1\n" in text
    assert "  noise      gain 2, offset 100, read noise 3\n" in text
    assert "sha256" not in text
    w2s("restore", "cell.tif", "-o", "auto.tif", "--method", "auto+bicubic", *noise)
    text = w2s("info", "auto.tif").stdout
    assert re.search(r"\n  method     \S+\+bicubic, chosen by auto\n", text)


def test_info_of_pixel_sizes(w2s, here: Path) -> None:
    tifffile.imwrite(
        "sized.ome.tif",
        tifffile.imread("cell.tif"),
        metadata={
            "axes": "TYX",
            "PhysicalSizeX": 0.1,
            "PhysicalSizeY": 0.1,
            "TimeIncrement": 2.5,
            "TimeIncrementUnit": "s",
        },
    )
    text = w2s("info", "sized.ome.tif").stdout
    assert "pixel size (um) X 0.1, Y 0.1\n" in text
    assert "time step (s)   2.5\n" in text


def test_info_of_no_image(w2s, here: Path) -> None:
    result = w2s("info", "no.tif", code=4)
    assert result.stderr.startswith("error: there is no file no.tif")
