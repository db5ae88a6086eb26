"""The README, and what else says something of the whole, is true."""

import re
import tomllib
from pathlib import Path

import w2s_cli

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def test_the_tree_of_the_readme_is_that_of_the_layers() -> None:
    tree = README.read_text().partition("importing only those below it:\n\n")[2]
    rows = re.findall(
        r"^    (\w+(?: \| \w+)*)", tree.partition("\n- ")[0], re.MULTILINE
    )
    shown = {name for row in rows for name in row.split(" | ")}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    layers = contracts["importlinter"]["contracts"][0]["layers"]
    known = [re.findall(r"w2s_cli\.(\w+)", layer) for layer in layers]
    assert rows[:-1] == [" | ".join(names) for names in known[:-2]]
    package = {
        path.stem for path in (ROOT / "w2s_cli").iterdir() if path.suffix in ("", ".py")
    }
    assert shown == {name for name in package if not name.startswith("_")}


def test_the_citation_is_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {w2s_cli.__version__}\n" in citation
