"""What the manifest of the napari plug-in says, without napari."""

import tomllib
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest

from w2s_cli.io.formats import FORMATS

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
yaml = pytest.importorskip("yaml")


def test_every_format_is_named_and_every_command_exists() -> None:
    project = tomllib.loads(PROJECT.read_text())["project"]
    package, _, name = project["entry-points"]["napari.manifest"]["w2s-cli"].partition(
        ":"
    )
    manifest = yaml.safe_load(files(package).joinpath(name).read_text())
    contributions = manifest["contributions"]
    known = {f"*{s}" for one in FORMATS for s in (*one.suffixes, *one.read_only)}
    assert {*contributions["readers"][0]["filename_patterns"]} == known
    commands = {one["id"]: one["python_name"] for one in contributions["commands"]}
    used = {
        one["command"] for key in ("readers", "widgets") for one in contributions[key]
    }
    assert used == {*commands}
    module, _, function = commands["w2s-cli.read"].partition(":")
    assert callable(getattr(import_module(module), function))
