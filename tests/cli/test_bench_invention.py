"""`w2s bench --invention`."""

import json
from pathlib import Path

import pytest

from w2s_cli.bench.invention import run_invention

QUICK = ("bench", "--invention", "--method", "identity", "--fields", "1")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        run_invention.run_invention,
        "__kwdefaults__",
        {**run_invention.run_invention.__kwdefaults__, "side": 64},
    )


def test_it_prints_a_table_and_writes_a_page(w2s, here: Path) -> None:
    result = w2s(*QUICK, "--levels", "5", "--report", "page.html")
    assert result.exit_code == 0, result.stderr
    about, table = result.stdout.strip().split("\n\n")
    assert about.startswith("filaments, puncta: objects a megapixel")
    assert table.split()[:4] == ["scene", "photons", "method", "filaments"]
    assert [line.split()[0] for line in table.splitlines()[1::3]] == [
        *("background", "gaps", "puncta", "dots", "nuclei")
    ]
    assert "intervals over 1 fields of view are too narrow" in result.stderr
    page = Path("page.html").read_text()
    assert page.count("data:image/png;base64,") == 5
    again = w2s(*QUICK, "--report", "page.html")
    assert again.exit_code == 7
    assert "page.html exists" in again.stderr


def test_json_has_the_rows_and_every_field(w2s, here: Path) -> None:
    found = json.loads(w2s(*QUICK, "--levels", "0.5", "--json", "-q").stdout)
    assert [row["method"] for row in found["rows"]] == [
        "truth",
        "noise-free",
        "identity",
    ]
    assert found["rows"][2]["puncta"]["mean"] > 0
    assert found["fields"][2]["light"] == 0.5
    assert found["claims"] == []


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            ("--invention", "--claims"),
            "it has no use for --claims",
            "leave it out; methods are named by --method",
        ),
        (("--invention", "--sr", "bicubic", "--data", "x"), "--sr, --data", "them out"),
        (("--method", "jdsr"), "--method is for --invention", "add --invention"),
        (("--invention", "--levels", "7"), "of 0.5, 2, 5, 10, 20", "--levels 5,20"),
        (("--invention", "--levels", "x"), "found 'x'", "--levels 5,20"),
        (("--invention", "--report", "a.pdf"), "a.pdf is no .html", "FILE.html"),
        (
            ("--invention", "--method", "bicubic+bicubic"),
            "bicubic+bicubic enlarges x4",
            "keeps the size or doubles it",
        ),
        (("--invention", "--fields", "a"), "--fields is a list of numbers", "1-3,7"),
        (
            ("--invention", "--method", "nosuch"),
            "no method is called 'nosuch'",
            "known: auto",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(w2s, here, words, message, hint) -> None:
    result = w2s("bench", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert hint in result.stderr
