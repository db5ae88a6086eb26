"""`w2s methods` and `w2s info`."""

import json
from pathlib import Path

import tifffile

from w2s_cli.methods import METHODS


def test_methods(w2s) -> None:
    head, *rows = w2s("methods").stdout.splitlines()
    assert head.split() == ["name", "scale", "needs", "summary", "source", "licence"]
    assert [row.split()[0] for row in rows] == [entry.name for entry in METHODS]
    [bm3d] = [row for row in rows if row.startswith("vst+bm3d ")]
    assert "non-commercial use only" in bm3d
    [fmd] = [row for row in rows if row.startswith("dncnn-fmd ")]
    assert " x1 " in fmd
    assert "weights, fetched at first use" in fmd
    assert "Zhang et al., CVPR 2019 " in fmd
    assert fmd.endswith(" MIT")
    [ours] = [row for row in rows if row.startswith("dncnn-w2s-avg1 ")]
    assert ours.endswith("not stated")
    [rcan] = [row for row in rows if row.startswith("rcan ")]
    assert rcan.split()[1] == "-"
    assert "tiles approximate" in rcan


def test_methods_as_json(w2s) -> None:
    rows = json.loads(w2s("methods", "--json").stdout)
    assert {row["name"]: row["scale"] for row in rows} == {
        entry.name: entry.scale for entry in METHODS
    }


def test_options_of_a_method(w2s) -> None:
    head, row = w2s("methods", "gaussian").stdout.splitlines()
    assert head.split() == ["option", "value", "default", "help"]
    assert row.split()[:4] == ["sigma", "a", "number", "1.0"]
    assert w2s("methods", "bicubic").output == "bicubic has no options\n"
    assert w2s("methods", "bicubic", "--json").stdout == "[]\n"
    wrong = w2s("methods", "bicubik")
    assert wrong.exit_code == 2
    assert wrong.stderr.splitlines()[1] == "hint: did you mean 'bicubic'?"


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
    assert "shape           2, 120, 100\n" in text
    assert "\nstep 1\n" in text
    assert "method gaussian, options sigma 1; method bicubic, options -\n" in text


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
    result = w2s("info", "no.tif")
    assert result.exit_code == 4
    assert result.stderr.startswith("error: there is no file no.tif")
