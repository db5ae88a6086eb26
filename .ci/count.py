"""Count what makes code hard to live with: `python .ci/count.py [ROOT]`.

ROOT holds the package `w2s_cli`. With `--denoise FILE` the table also has the lines
that the script FILE takes to denoise an array, without comments and empty lines.
"""

import argparse
import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
TARGET = re.compile(r"(w2s_cli(?:\.\w+)+):?\w*")  # as registries write it


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--denoise", type=Path)
    given = parser.parse_args()
    paths = sorted((given.root / "w2s_cli").rglob("*.py"))
    files = {module(path, given.root): path.read_text("utf-8") for path in paths}
    trees = {name: ast.parse(text) for name, text in files.items()}
    lines = sorted((text.count("\n"), name) for name, text in files.items())
    functions = sorted(spans(trees))
    private, once = private_functions(trees, files)
    shared = same_names(files)
    loops = circles(trees)
    table: dict[str, tuple[object, ...]] = {
        "files": (len(files),),
        "lines": (sum(count for count, _ in lines),),
        "longest file": lines[-1],
        "longest function": functions[-1],
        "median function": (functions[len(functions) // 2][0],),
        "private functions": (private,),
        "private functions called once": (once,),
        "module names in several folders": (len(shared), *shared),
        "circles of packages": (len(loops), *(" ".join(sorted(one)) for one in loops)),
    }
    if given.denoise:
        code = given.denoise.read_text("utf-8").splitlines()
        code = [line for line in code if line.strip() and line.lstrip()[0] != "#"]
        imports = [line for line in code if line.startswith(("import ", "from "))]
        table["lines to denoise an array"] = (len(code),)
        table["imports to denoise an array"] = (len(imports),)
    for name, values in table.items():
        print(f"{name:32}", *values)


def module(path: Path, root: Path) -> str:
    """Return the dotted name of a file."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def spans(trees: dict[str, ast.Module]) -> Iterator[tuple[int, str]]:
    """Yield the lines of each function, and where it stands."""
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, FUNCTION) and node.end_lineno:
                yield node.end_lineno - node.lineno + 1, f"{name}:{node.name}"


def private_functions(
    trees: dict[str, ast.Module], files: dict[str, str]
) -> tuple[int, int]:
    """Return how many private functions there are, and how many are named once."""
    private = once = 0
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, FUNCTION) and re.match("_[a-z]", node.name):
                private += 1
                uses = len(re.findall(rf"\b{node.name}\b", files[name])) - 1
                once += uses == 1
    return private, once


def same_names(files: dict[str, str]) -> list[str]:
    """Return the names that modules of several folders have."""
    names = Counter(name.rpartition(".")[2] for name in files)
    return sorted(name for name, count in names.items() if count > 1)


def circles(trees: dict[str, ast.Module]) -> list[set[str]]:
    """Return groups of packages that need each other, however late they import.

    Strings count, as registries name modules in them; imports for types alone do not.
    """
    needs = {name: {*needed(tree, set(trees))} - {name} for name, tree in trees.items()}
    rooms: dict[str, set[str]] = {}
    for name, others in needs.items():
        rooms.setdefault(room(name), set()).update(map(room, others))
    reach = {one: reached(one, rooms) for one in rooms}
    found: list[set[str]] = []
    for one in rooms:
        circle = {other for other in reach[one] if one in reach.get(other, set())}
        if len(circle) > 1 and circle not in found:
            found.append(circle)
    return found


def room(name: str) -> str:
    """Return the package below `w2s_cli` that a module belongs to."""
    return ".".join(name.split(".")[:2])


def needed(tree: ast.Module, modules: set[str]) -> Iterator[str]:
    """Yield the modules that one imports or names."""
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(node.body)
        if node in skipped:
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = TARGET.fullmatch(node.value)
            names = [match[1]] if match else []
        yield from (name for name in names if name in modules and name != "w2s_cli")


def reached(start: str, needs: dict[str, set[str]]) -> set[str]:
    """Return all that one needs, directly or not."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = needs.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


if __name__ == "__main__":
    main()
