"""What the files for package indexes, conda, Zenodo and containers say."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import w2s_cli
from w2s_cli.weights.checkpoint import load

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LITE = tomllib.loads((ROOT / "lite" / "pyproject.toml").read_text(encoding="utf-8"))
SHIPPED = ROOT / "w2s_cli" / "weights" / "shipped"
IN_CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    text = (ROOT / ".ci" / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def test_conda_has_what_pip_has_but_for_bm3d(recipe: dict[str, Any]) -> None:
    expected = {"python >=${{ python_min }}"}
    for one in PROJECT["project"]["dependencies"]:
        name, least = re.fullmatch(r"([\w.-]+)(.*)", one).groups()
        if name != "bm3d":
            expected.add(f"{IN_CONDA.get(name, name)} {least}")
    assert {*recipe["requirements"]["run"]} == expected


def test_lite_has_what_pip_has_but_for_torch() -> None:
    whole = PROJECT["project"]
    assert LITE["project"]["dependencies"] == sorted(
        {*whole["dependencies"], "onnxruntime>=1.17"} - {"torch>=2.2"}
    )
    for name, needs in LITE["project"]["optional-dependencies"].items():
        own = [one for one in needs if one not in LITE["project"]["dependencies"]]
        there = {*whole["optional-dependencies"][name]} - {"onnxruntime>=1.17"}
        assert {*own} == there
    for fact in ("requires-python", "license", "authors", "scripts", "urls"):
        assert LITE["project"][fact] == whole[fact]
    wheel = LITE["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert all((ROOT / "lite" / source).exists() for source in wheel)
    data = f"w2s_lite-{w2s_cli.__version__}.data/data/"
    pages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert {*wheel.values()} == {
        *("w2s_cli", "w2s_cli/LICENSE"),
        *(data + place for place in pages.values()),
    }


def test_all_say_the_same_version(recipe: dict[str, Any]) -> None:
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    assert (
        w2s_cli.__version__
        == PROJECT["project"]["version"]
        == LITE["project"]["version"]
        == recipe["context"]["version"]
        == zenodo["version"]
    )


def test_licences_lie_where_packages_name_them(recipe: dict[str, Any]) -> None:
    named = PROJECT["project"]["license-files"]
    assert recipe["about"]["license_file"] == named
    assert all((ROOT / name).read_text(encoding="utf-8") for name in named)


def test_the_licences_of_data_name_every_source_of_every_file() -> None:
    text = (SHIPPED / "DATA_LICENCES.md").read_text(encoding="utf-8")
    for path in SHIPPED.glob("*.safetensors"):
        sources = load(path).record.get("recipe", {}).get("sources", {})
        assert sources or f"`{path.stem}`" in text
        for source, share in sources.items():
            assert not share or f"`{source}`" in text
        if sources.get("sharp") and "compact" not in path.stem:
            [row] = [one for one in text.splitlines() if one.startswith("| `sharp`")]
            assert f"`{path.stem}`" in row


def test_the_container_copies_what_the_wheel_is_built_of() -> None:
    text = (ROOT / ".ci" / "Containerfile").read_text(encoding="utf-8")
    for name in ("constraints.txt", "pyproject.toml", "README.md", "LICENSE", "man"):
        assert re.search(rf"^COPY .*\b{re.escape(name)}\b", text, re.MULTILINE)
        assert (ROOT / name).exists()
