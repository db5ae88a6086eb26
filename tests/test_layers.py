"""Names of code in strings resolve, and keep to the layers of pyproject.toml."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import w2s_cli
from w2s_cli.io.formats import FORMATS
from w2s_cli.registry import Entry, Registry

ROOT = Path(w2s_cli.__file__).parent
PROJECT = Path(__file__).parents[1] / "pyproject.toml"
CODE = re.compile(r"w2s_cli(\.\w+)+(:\w+)?")


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


TREES = {module_of(path): ast.parse(path.read_text()) for path in ROOT.rglob("*.py")}


def strings_of(module: str) -> Iterator[str]:
    """Yield what a module names as "package.module:attribute" or "package.module"."""
    for node in ast.walk(TREES[module]):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and CODE.fullmatch(node.value)
        ):
            yield node.value


def imports_of(module: str, *, nested: bool) -> Iterator[str]:
    """Yield what a module imports of the package; also inside functions if `nested`."""
    tree = TREES[module]
    for node in ast.walk(tree) if nested else tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if name in TREES or node.module in TREES:
                    yield name if name in TREES else node.module


def registries() -> dict[str, Registry[Entry]]:
    """Return every registry in the package, by the module that it is in."""
    found = {}
    for module, tree in TREES.items():
        made = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        if any(getattr(call.func, "id", "").endswith("Registry") for call in made):
            for name, value in vars(import_module(module)).items():
                if isinstance(value, Registry):
                    found[f"{module}:{name}"] = value
    return found


REGISTRIES = registries()
ROWS = [
    (where.partition(":")[0], row.target)
    for where, registry in REGISTRIES.items()
    for row in registry
]
STRINGS = [(module, name) for module in TREES for name in strings_of(module)]
NAMED = sorted({*ROWS, *STRINGS})


@pytest.fixture(scope="module")
def layers() -> list[list[str]]:
    """Return the modules of each layer of the contract, the highest first."""
    contracts = tomllib.loads(PROJECT.read_text())["tool"]["importlinter"]["contracts"]
    [rows] = [each["layers"] for each in contracts if each["type"] == "layers"]
    return [row.split(" | ") for row in rows]


def test_the_registries_are_found() -> None:
    kinds = {registry.kind for registry in REGISTRIES.values()}
    assert {"method", "network", "discriminator", "feature network"} <= kinds
    assert {"loss", "metric"} <= kinds
    assert ("w2s_cli.io.formats", "w2s_cli.io.tiff") in NAMED
    assert all(len([*registry]) > 0 for registry in REGISTRIES.values())


@pytest.mark.parametrize("name", sorted({name for _, name in NAMED}))
def test_every_name_in_a_string_is_there(name: str) -> None:
    module, _, attribute = name.partition(":")
    if library := next((one.library for one in FORMATS if one.module == module), ""):
        pytest.importorskip(library)
    found = import_module(module)
    assert not attribute or hasattr(found, attribute)


def test_every_package_is_in_a_layer(layers: list[list[str]]) -> None:
    named = {module for layer in layers for module in layer}
    packages = {".".join(module.split(".")[:2]) for module in TREES}
    assert packages - named <= {"w2s_cli", "w2s_cli.__main__"}


def test_strings_and_imports_lead_to_the_same_layer_or_a_lower_one(layers) -> None:
    rank = {module: at for at, layer in enumerate(layers) for module in layer}

    def place(module: str) -> tuple[int, str]:
        package = ".".join(module.split(".")[:2])
        return rank.get(package, -1), package

    edges = {(module, name.partition(":")[0]) for module, name in NAMED}
    edges |= {
        (module, name) for module in TREES for name in imports_of(module, nested=True)
    }
    upwards = []
    for source, target in edges:
        if target == "w2s_cli":  # for the version
            continue
        (above, package), (below, other) = place(source), place(target)
        if below < above or (below == above and package != other):
            upwards.append(f"{source} -> {target}")
    assert sorted(upwards) == []


def test_no_circle_of_modules() -> None:
    """Strings lead through a registry and back, so they count between layers only."""
    graph = {module: {*imports_of(module, nested=False)} for module in TREES}
    for module in graph:
        graph[module].discard(module)
    while free := {module for module, needs in graph.items() if not needs & {*graph}}:
        graph = {module: needs for module, needs in graph.items() if module not in free}
    assert sorted(graph) == []
