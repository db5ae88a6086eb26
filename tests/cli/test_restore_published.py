"""`w2s restore` with networks of others, and with `auto`: what a user is told."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from torch import nn

from w2s_cli.io import open_image
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.edsr import RCAN
from w2s_cli.weights import catalogue

FETCHED = ["--method", "dncnn-fmd", "--device", "cpu"]


def _save(path: Path, network: nn.Module) -> Path:
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    torch.save(network.state_dict(), path)
    return path


DOUBT = (
    "dncnn-fmd does not fit this image: it has taken only 0% of the noise away; "
    "compare with --method denoise"
)


@pytest.fixture
def published(publish, tmp_path: Path) -> Any:
    """Publish a DnCNN that predicts no noise under the name of a real one."""
    content = _save(tmp_path / "w.pth", DnCNN(1, 4, 3)).read_bytes()
    (tmp_path / "w.pth").unlink()
    item = publish("dncnn-fmd", content)
    item = replace(item, network="dncnn", units="centred")
    catalogue.WEIGHTS["dncnn-fmd"] = item  # type: ignore[index]
    return item


def test_the_first_use_fetches_and_says_so(w2s, here: Path, published) -> None:
    result = w2s("restore", "cell.tif", "-o", "a.tif", *FETCHED, code=0)
    first, doubt, last = result.stderr.splitlines()
    assert first.startswith("dncnn-fmd: fetching ")
    assert first.endswith(f"kB from {published.url}")
    assert doubt == f"warning: cell.tif: {DOUBT}"
    assert last.startswith("cell.tif -> a.tif: 2 x 60 x 50, x1, ")
    again = w2s("restore", "cell.tif", "-o", "b.tif", *FETCHED)
    assert "fetching" not in again.stderr
    assert (tifffile.imread("a.tif") == tifffile.imread("cell.tif")).all()
    with open_image(Path("a.tif")) as stack:
        [record] = stack.history
    [link] = record["links"]
    assert link["options"] == {"units": "auto", "black": None, "white": None}
    assert (link["units"], link["weights"]) == ("centred", "dncnn-fmd")
    [levels] = record["levels"]
    assert levels["origin"] == "measured"
    assert levels["black"] < levels["white"]
    assert record["noise"] == []


def test_quiet_fetching(w2s, here: Path, published) -> None:
    result = w2s("restore", "cell.tif", "-o", "a.tif", *FETCHED, "-q")
    assert (result.exit_code, result.output) == (0, f"warning: cell.tif: {DOUBT}\n")


def test_a_dry_run_says_that_it_fetches(w2s, here: Path, published) -> None:
    result = w2s("restore", "cell.tif", "-o", "a.tif", *FETCHED, "-n", code=0)
    assert result.stderr.startswith("dncnn-fmd: fetching ")
    assert ", dncnn-fmd, 2 tiles of 1024" in result.stdout


def test_offline(w2s, here: Path, published, monkeypatch) -> None:
    monkeypatch.setenv("W2S_OFFLINE", "1")
    result = w2s("restore", "cell.tif", "-o", "a.tif", *FETCHED, "-q", code=5)
    error, hint = result.stderr.splitlines()
    cache = os.environ["W2S_CACHE_DIR"]
    assert error == (
        f"error: dncnn-fmd needs its weights: dncnn-fmd is not in {cache}, "
        "and W2S_OFFLINE is set"
    )
    assert hint.startswith("hint: w2s fetch dncnn-fmd")
    assert not Path("a.tif").exists()


def test_a_chain_of_two_files(w2s, here: Path) -> None:
    one, two = _save(here / "a.pth", DnCNN(1, 4, 3)), here / "b.pth"
    torch.save({"model": RCAN(4, 1, 1, 2).state_dict()}, two)
    words = ["restore", "cell.tif", "-o", "c.tif", "--method", "dncnn+rcan"]
    words += ["--weights", one, "--weights", two]
    units = ["-O", "dncnn.units=z/255", "-O", "rcan.units=unit", "-O", "rcan.black=100"]
    assert w2s(*words, *units).exit_code == 0
    with open_image(Path("c.tif")) as stack:
        first, second = stack.history[-1]["links"]
        assert stack.data.shape == (2, 120, 100)
    assert (first["units"], second["units"]) == ("z/255", "unit")
    assert second["options"]["black"] == 100.0
    assert second["tiles"].startswith("approximate")
    ambiguous = w2s(*words, "--overwrite", "-O", "units=z", code=2)
    assert "hint: say which: -O dncnn.units=z" in ambiguous.stderr


ERRORS = """
$ dncn-fmd
2 no method is called 'dncn-fmd'
hint: did you mean 'dncnn-fmd'?
$ rrdb
5 rrdb has no weights of its own
hint: give a file with --weights
$ dncnn --weights d.pth
5 d.pth: what numbers its network takes is not said in it
hint: say it: -O dncnn.units=z, z/255, unit or centred
$ memnet --weights d.pth -O units=z
5 d.pth holds the network dncnn, not memnet
hint: use --method dncnn
$ dncnn --weights d.pth -O units=grey
2 option units must be auto or z or z/255 or unit or centred, found 'grey'
hint: units: what the network takes
$ dncnn --weights d.pth -O units=unit -O black=70000
2 cell.tif: white must be above black: black is 70000 counts, white
hint: say both: -O black=COUNTS -O white=COUNTS
$ gaussian+auto
2 auto must come first, found gaussian+auto
hint: it goes by the noise of the camera
"""


@pytest.mark.parametrize("case", ERRORS.split("\n$ ")[1:])
def test_errors(w2s, here: Path, case: str) -> None:
    _save(here / "d.pth", DnCNN(1, 4, 3))
    words, told, hint = case.splitlines()
    code, _, error = told.partition(" ")
    line = ["restore", "cell.tif", "-o", "x.tif", "--method", *words.split()]
    first, second = w2s(*line, code=int(code)).stderr.splitlines()
    assert first.startswith(f"error: {error}")
    assert second.startswith(hint)
    assert not Path("x.tif").exists()


@pytest.mark.parametrize("asked", ["auto", "auto-x2"])
def test_auto_says_what_it_takes(w2s, here: Path, asked: str) -> None:
    words = ["restore", "cell.tif", "--method", asked, "--gain", 2, "--offset", 100]
    result = w2s(*words, "-o", "a.tif", "--json", code=0)
    [done] = json.loads(result.stdout)
    choice = done["auto"]
    said = f"cell.tif: {asked} takes {choice['method']}: {choice['reason']}"
    assert "predicts held-out light " in said
    assert done["method"] == choice["method"]
    assert done["scale"] == (1 if asked == "auto" else 2)
    dry = w2s(*words, "-o", "c.tif", "-n")
    assert said in dry.stderr
    assert f", {choice['method']}, " in dry.stdout
    [plan] = json.loads(w2s(*words, "-o", "c.tif", "-n", "--json").stdout)
    assert plan["method"] == done["method"]
    assert plan["auto"] == choice
    told = w2s("info", "a.tif").stdout
    assert f" {choice['method']}, chosen by {asked}\n" in told


@pytest.mark.parametrize(("asked", "scale"), [("auto", 1), ("auto-x2", 2)])
def test_auto_warns_where_it_leaves_an_image_alone(
    w2s, here: Path, asked: str, scale: int
) -> None:
    counts = np.full((64, 64), 7, np.uint16)
    tifffile.imwrite("flat.tif", counts)
    result = w2s("restore", "flat.tif", "-o", "a.tif", "--method", asked, "-q", code=0)
    [warning] = result.stderr.splitlines()
    assert warning.startswith(
        "warning: flat.tif: not denoised: the noise cannot be measured: every pixel of"
    )
    assert (tifffile.imread("a.tif") == np.full((64 * scale, 64 * scale), 7)).all()
    with open_image(Path("a.tif")) as stack:
        assert stack.history[-1]["warnings"][0] in warning
