"""`w2s fetch`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONTENT = os.urandom(50_000)


def test_fetch(w2s, host, publish) -> None:
    publish("net", CONTENT)
    result = w2s("fetch", "net")
    path = Path(os.environ["W2S_CACHE_DIR"]) / "net.pth"
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr == f"net -> {path} (licence: MIT; cite nobody)\n"
    assert path.read_bytes() == CONTENT
    assert w2s("fetch", "net", "-q", "--print-path").output == f"{path}\n"


def test_all_and_some_that_fail(w2s, host, publish) -> None:
    publish("a", CONTENT)
    publish("b", CONTENT)
    publish("c", CONTENT)
    del host.files["/repository/b/epoch_49.pth"]
    result = w2s("fetch", "--all", "--print-path", "-q", code=1)
    assert [Path(line).name for line in result.stdout.split()] == ["a.pth", "c.pth"]
    assert "is not there" in result.stderr
    assert w2s("fetch", "b").exit_code == 5


def test_an_unknown_name_stops_all(w2s, host, publish) -> None:
    publish("net", CONTENT)
    result = w2s("fetch", "net", "bet", code=2)
    assert "no published file is called 'bet'" in result.stderr
    assert host.asked == []


def test_list(w2s, host, publish) -> None:
    publish("known", CONTENT)
    publish("new", CONTENT, known=False, sized=False)
    publish("recorded", CONTENT, known=False)
    w2s("fetch", "recorded")
    head, *rows = w2s("fetch", "--list").stdout.splitlines()
    assert " ".join(head.split()) == "name size cached licence title"
    assert [" ".join(row.split()[:-3]) for row in rows] == [
        "known 50.0 kB no",
        "new - no",
        "recorded 50.0 kB yes",
    ]
    facts = json.loads(w2s("fetch", "--list", "--json", "recorded").stdout)
    assert [fact["name"] for fact in facts] == ["recorded"]
    assert (facts[0]["hash"], facts[0]["cached"]) == ("recorded", True)
    assert len(facts[0]["sha256"]) == 64


def test_list_of_the_real_ones(w2s) -> None:
    text = w2s("fetch", "--list").stdout
    assert "\ndncnn-fmd " in text
    assert "\nw2s-raw " in text
    assert "\nw2s-raw " not in w2s("fetch", "--list", "--all").stdout


def test_from_and_mirror(w2s, host, publish, tmp_path: Path) -> None:
    publish("net", CONTENT)
    (tmp_path / "net.pth").write_bytes(CONTENT)
    assert w2s("fetch", "net", "--from", tmp_path).exit_code == 0
    assert host.asked == []
    host.files["/lab/net.pth"] = CONTENT
    (Path(os.environ["W2S_CACHE_DIR"]) / "net.pth").unlink()
    assert w2s("fetch", "net", "--mirror", f"{host.address}/lab").exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-q"], "nothing to fetch"),
        (["a", "--from", "b", "--mirror", "c"], "exclude each other"),
        (["a", "--json"], "--json goes with --list"),
    ],
)
def test_nonsense(w2s, words: list[str], message: str) -> None:
    result = w2s("fetch", *words, code=2)
    assert message in result.stderr


def test_listing_costs_little(tmp_path: Path) -> None:
    code = (
        "import sys; from w2s_cli.cli import app\n"
        "try: app(['fetch', '--list'])\n"
        "except SystemExit: pass\n"
        "print(*{'torch', 'pooch', 'requests', 'numpy'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"W2S_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == ""
