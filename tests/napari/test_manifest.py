"""What the manifest of the napari plug-in says, without napari."""

from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files

import pytest

from w2s_cli.io.formats import FORMATS

yaml = pytest.importorskip("yaml")


def test_every_format_is_named_and_every_command_exists() -> None:
    [point] = entry_points(group="napari.manifest", name="w2s-cli")
    package, _, name = point.value.partition(":")
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
