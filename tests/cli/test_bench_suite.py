"""`w2s bench --suite` as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from w2s_cli.bench.suite import evenness
from w2s_cli.cli.bench_suite import subjects_of
from w2s_cli.errors import UsageError

W2S = Callable[..., Result]


@pytest.fixture
def suite(w2s: W2S, here: Path, monkeypatch: pytest.MonkeyPatch) -> W2S:
    """Run checks on small images, with scores kept in the working folder."""
    monkeypatch.setattr(evenness, "SIDE", 64)
    return lambda *words: w2s("bench", "--cache", here / "cache", "--suite", *words)


def test_a_check_that_falls_short_says_so(suite: W2S) -> None:
    result = suite("flat,empty", "--denoiser", "identity")
    assert result.exit_code == 1
    assert "flat, identity: even light stays even\n" in result.stdout
    assert "at most 0.25  FALLS SHORT" in result.stdout
    assert "at most 0.1   PASS" in result.stdout
    assert result.stdout.splitlines()[-2:] == [
        "flat   identity  FALLS SHORT",
        "empty  identity  FALLS SHORT",
    ]


def test_checks_that_pass(suite: W2S) -> None:
    words = ("--denoiser", "gaussian", "-O", "sigma=4")
    result = suite("empty,flat", *words, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["outcomes"]
    assert [one["check"] for one in found] == ["flat", "empty"]
    assert {one["verdict"] for one in found} == {"pass"}
    assert all(one["met"] for one in found[0]["findings"])


def test_a_check_that_is_not_run_has_not_passed(suite: W2S, here: Path) -> None:
    result = suite("denoising", "--data", here)
    assert result.exit_code == 0
    assert f"not run: needs w2s/index.csv: not in {here}" in result.stdout
    assert "denoising  denoise  NOT RUN" in result.stdout
    assert "1 of 1 checks were not run, and have not passed" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["flut"], "no check is called 'flut'"),
        ([""], "none of these checks is for the methods"),
        (["flat", "--speed"], "--speed means nothing with --suite"),
        (["flat", "--sr", "bicubic"], "--sr means nothing with --suite"),
        (["flat", "--levels", "1"], "--levels means nothing with --suite"),
        (["flat", "--data", "nowhere"], "there is no folder nowhere"),
        (["flat", "--denoiser", "wavelit"], "no method is called 'wavelit'"),
        (["flat", "--weights", "rcan=a.pth"], "weights are given for rcan, which"),
    ],
)
def test_bad_words(suite: W2S, words: list[str], message: str) -> None:
    result = suite(*words)
    assert result.exit_code == 2, result.output
    assert message in result.stderr


def test_weights_and_options_go_to_their_methods() -> None:
    given = subjects_of(
        ["denoise", "gaussian"], {"denoise": "mine.safetensors"}, ["sigma=3"]
    )
    assert [(one.weights, one.options) for one in given] == [
        ((Path("mine.safetensors"),), ()),
        ((), ("sigma=3",)),
    ]
    with pytest.raises(UsageError, match="-O sigma=3 is for no method"):
        subjects_of(["denoise"], {}, ["sigma=3"])
