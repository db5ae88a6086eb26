"""From a TOML file to a recipe, every key and value checked."""

import tomllib
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path, PurePath
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from w2s_cli.errors import InputError, UnknownNameError, UsageError, W2SError
from w2s_cli.training.losses import LOSSES
from w2s_cli.training.recipe import Recipe

SHIPPED = Path(__file__).parent / "recipes"
Table = dict[str, Any]
_UNITS = {
    "physics": ("root",),
    "imaging": ("root",),
    "self-supervised": ("root",),
    "real-esrgan": ("unit",),
    "pairs": ("z", "z/255", "unit", "centred"),
}
"""The units that each kind of examples comes in."""
_OF_ROOTS = {
    "counts",
    "root",
    "imaging",
}  # losses that take outputs for roots of photons
_WANTED = {
    "tuple_type": "should be a list",
    "dict_type": "should be a table",
    "dataclass_type": "should be a table",
    "bool_type": "should be true or false",
}
"""What a message says where pydantic's own words are not those of TOML."""


def load(recipe: str, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe of a TOML file, or of one that ships, by its name.

    - `recipe`: A path, or the name of a shipped recipe.
    - `overrides`: "key=value", where the key may be dotted ("patches.batch=8") and the
      value is TOML, or a bare word. They hold for every phase.

    Raises UnknownNameError when no recipe, or no key of one, is called so; UsageError
    when the file is not TOML, or a value is of the wrong type or out of range;
    InputError when there is no such file.
    """
    changes: Table = {}
    for override in overrides:
        _override(changes, override)
    table = _merged(_read(recipe), changes)
    phases = table.pop("phases", [])
    if not isinstance(phases, list) or not all(isinstance(p, dict) for p in phases):
        raise UsageError(
            "recipe key 'phases' takes tables, each under [[phases]]",
            hint="the recipes that ship show what each key takes",
        )
    whole = _recipe(table)
    parts: list[Recipe] = []
    for number, phase in enumerate(phases, start=1):
        own = {"name": f"{whole.name}/{phase.get('name', number)}"}
        parts.append(_recipe({**_merged(_merged(table, phase), changes), **own}))
    complete = _recipe(table, tuple(parts))
    check(complete)
    return complete


def _read(recipe: str, users: tuple[str, ...] = ()) -> Table:
    """Return the table of a recipe, on top of that of the recipe that it is like."""
    if recipe in users:
        raise UsageError(
            f"the recipe {recipe!r} is like itself, by way of {users[-1]!r}",
            hint="leave out one key 'like'",
        )
    table = _parsed(recipe)
    model = table.pop("like", "")
    if not isinstance(model, str):
        raise UsageError(
            f"recipe key 'like' takes a text, not {model!r}",
            hint="the name of a recipe that ships, or a file",
        )
    return _merged(_read(model, (*users, recipe)), table) if model else table


def _parsed(recipe: str) -> Table:
    path = Path(recipe) if recipe.endswith(".toml") else SHIPPED / f"{recipe}.toml"
    if not path.is_file():
        if path.parent == SHIPPED:
            raise UnknownNameError(
                "recipe", recipe, (p.stem for p in SHIPPED.iterdir())
            )
        raise InputError(f"no recipe at {path}", hint="check the spelling")
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error


def _recipe(table: Table, phases: tuple[Recipe, ...] = ()) -> Recipe:
    if "name" not in table:
        raise UsageError("the recipe has no name", hint='add name = "mine"')
    try:
        return _validator().validate_python({**table, "phases": phases})
    except ValidationError as error:
        raise _error(error) from error


@cache
def _validator() -> TypeAdapter[Recipe]:
    return TypeAdapter(Recipe)


def _error(error: ValidationError) -> W2SError:
    """Return the first thing that is wrong with a recipe, as one line."""
    first = error.errors(include_url=False, include_context=False)[0]
    path = [part for part in first["loc"] if isinstance(part, str) and part != "[key]"]
    key, kind = ".".join(path), first["type"]
    if kind == "unexpected_keyword_argument":
        table: Any = Recipe
        for name in path[:-1]:
            table = get_type_hints(table)[name]
            table = next(iter([*getattr(table, "__args__", ()), table]))  # of X | None
        prefix = "".join(f"{name}." for name in path[:-1])
        return UnknownNameError(
            "recipe key", key, (prefix + field.name for field in fields(table))
        )
    if kind == "missing":
        return UsageError(
            f"the recipe has no {key}", hint=f"set {key}, or leave out its table"
        )
    says = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return UsageError(
        f"recipe key {key!r} {_WANTED.get(kind, says)}, not {first['input']!r}",
        hint="`man w2s-train` says what each key is for",
    )


def _merged(table: Table, changes: Table) -> Table:
    """Return `table` with those values of `changes`, table by table."""
    merged = dict(table)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _override(table: Table, text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not key=value", hint="for example steps=100")
    *groups, last = key.split(".")
    for group in groups:
        table = table.setdefault(group, {})
        if not isinstance(table, dict):
            raise UsageError(
                f"{text!r} wants a table {group!r}, which another setting replaces",
                hint="leave out one of both",
            )
    try:
        table[last] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[last] = value


def check(recipe: Recipe) -> None:
    """Look at what pydantic can't: names of folders, units, losses, sources.

    Whether a network takes the patches is for `initial_network`.

    Raises UsageError when a name cannot be that of a folder, units are not those of the
    examples or of a loss, or there is nothing to train with or on; UnknownNameError
    when there is no such loss.
    """
    within = [phase.name.removeprefix(f"{recipe.name}/") for phase in recipe.phases]
    for name in (recipe.name, *within):
        if PurePath(name).name != name or name in ("", ".."):
            raise UsageError(
                f"recipe key 'name' should be the name of a folder, not {name!r}",
                hint="leave out slashes",
            )
    for part in recipe.parts:
        _check_part(part)


def _check_part(recipe: Recipe) -> None:
    if recipe.units not in _UNITS[recipe.examples]:
        raise UsageError(
            f"examples of the kind {recipe.examples!r} don't come in units "
            f"{recipe.units!r}",
            hint=f"set units to {' or '.join(_UNITS[recipe.examples])}, or change "
            "examples",
        )
    for name in recipe.loss:
        if LOSSES[name].name in _OF_ROOTS and recipe.units != "root":
            raise UsageError(
                f"the loss {name!r} is for units 'root', not {recipe.units!r}",
                hint="name another in the table loss, such as l1 or mse",
            )
    weight = recipe.discriminator.weight if recipe.discriminator.network else 0
    if not any([*recipe.loss.values(), weight]):
        raise UsageError(
            "the recipe has no loss with a weight above 0", hint="for example loss.l1=1"
        )
    if not any(vars(recipe.sources).values()):
        raise UsageError(
            "no share in the table 'sources' is above 0",
            hint="for example sources.simulated=1",
        )
