"""`w2s bench --claims`."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from w2s_cli.bench.claims import CLAIMS, claims_of_noise2sr, claims_of_w2s
from w2s_cli.bench.claims.suite import Training
from w2s_cli.bench.config import BenchConfig

STAND_INS = {
    "CLASSICAL": ("median",),
    "LEARNED": ("gaussian",),
    "DENOISERS": ("median", "gaussian"),
    "ENLARGING": ("bicubic",),
    "JOINT": ("gaussian+median+bicubic",),
    "PIXEL_LOSS": "median+bicubic",
    "TEXTURE_LOSS": "gaussian+median+bicubic",
    "SEQUENCES": ("gaussian+bicubic",),
    "BEST_LEARNED": ("gaussian",),
}
FEW = ("--fields", "5,6", "--levels", "1,2", "--cache", "cache")


@pytest.fixture
def _stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Methods that need no weights, in the place of those of the tables."""
    for name, value in STAND_INS.items():
        monkeypatch.setattr(claims_of_w2s, name, value)


@pytest.mark.usefixtures("_stand_ins")
def test_the_claims_have_a_table_and_sentences(w2s, here: Path) -> None:
    result = w2s("bench", "--claims", *FEW, code=0)
    assert "data: simulated cells, averages of captures of 10 photons" in result.stdout
    rows, table, sentences = result.stdout.strip().split("\n\n")[1:]
    assert rows.count("noise-free+bicubic") == 1
    assert table.split("\n")[0].split("  ")[0] == "claim"
    letters = [line.partition(".")[0] for line in sentences.splitlines()]
    assert letters == ["a", "b1", "b2", "b3", "c", "d", "e1", "e2", "e3"]
    assert "a. not decided: networks for super-resolution that were" in sentences
    assert "14 rows, 28 images to restore: about" in result.stderr
    assert "goes on where it was stopped" in result.stderr
    assert "intervals over 2 fields of view are too narrow" in result.stderr
    again = w2s("bench", "--claims", "w2s", *FEW, "--json")
    found = json.loads(again.stdout)["claims"]
    assert [one["sentence"] for one in found] == sentences.splitlines()
    assert found[0]["differences"][0]["interval"]["groups"] == 2


@pytest.mark.usefixtures("_stand_ins")
def test_a_set_without_noise_free_images_says_less(w2s, here: Path) -> None:
    words = ("--data", "simulated", "--fields", "5", "--levels", "20")
    result = w2s("bench", "--claims", *words, "--cache", "cache")
    assert "a. not measured: networks" in result.stdout
    assert "b1. not decided: a denoiser" in result.stdout
    assert "noise-free" not in result.stdout.split("\n\n")[1]


def test_trainings_are_told_and_run_unless_weights_are_given(
    w2s, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def rows(levels, files) -> list[BenchConfig]:
        assert sorted(files) == ["n2sr", "n2v"] or not files
        return [BenchConfig(["n2sr", "gaussian"], levels=levels[:1])]

    def training(name: str) -> Training:
        return Training(name, 90.0, lambda _: ran.append(name) or Path(f"{name}.st"))

    suite = replace(
        claims_of_noise2sr.SUITE,
        comparisons=rows,
        trainings=lambda data: [training("n2sr"), training("n2v")],
    )
    monkeypatch.setattr(claims_of_noise2sr, "SUITE", suite)
    words = ("bench", "--claims", "noise2sr", "--fields", "5", "--levels", "1")
    result = w2s(*words, "--weights", "n2sr=mine.st", "--cache", "cache")
    assert ran == ["n2v"]
    assert "n2v are trained first, unless they were before: about 2 min" in (
        result.stderr
    )
    assert result.exit_code == 5  # there is no mine.st
    assert w2s(*words, "-O", "nlm.strength=1").exit_code == 2
    assert w2s(*words[:3], "--levels", "3").exit_code == 2
    assert w2s(*words[:3], "--fields", "17").exit_code == 3  # one to train on
    assert ran == ["n2v"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--claims", "nosie2sr"], 2, "no paper whose claims are measured is called"),
        (["--claims", "w2s", "--sr", "bicubic"], 2, "names the methods itself"),
        (["--claims", "--against", "paper"], 2, "names the methods itself"),
        (["--claims", "--weights", "jdsr=a.pth"], 2, "jdsr, which is not among the"),
        (["--claims", "-O", "nlm.strength=1"], 2, "is for no method that is named"),
        (["--claims", "--levels", "3"], 2, "has no level 3"),
        (["--claims", "noise2sr", "--split", "all"], 2, "none may judge what it has"),
        (["--claims", "real-esrgan", "--data", "simulated"], 2, "no 8-bit images"),
    ],
)
@pytest.mark.usefixtures("_stand_ins")
def test_bad_words(w2s, words: list[str], code: int, message: str) -> None:
    result = w2s("bench", *words, code=code)
    assert message in result.stderr


def test_every_paper_has_its_suite() -> None:
    for row in CLAIMS:
        suite = row.load()
        assert suite.seconds > 0
        assert suite.metrics
