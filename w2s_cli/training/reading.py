"""From a TOML file to a recipe, every key and value checked."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from w2s_cli.errors import InputError, UnknownNameError, UsageError
from w2s_cli.training.checks import check
from w2s_cli.training.recipe import Recipe

SHIPPED = Path(__file__).parent / "recipes"
Table = dict[str, Any]


def load(recipe: str, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe of a TOML file, or of one that ships, by its name.

    Parameters
    ----------
    recipe
        A path, or the name of a shipped recipe.
    overrides
        "key=value", where the key may be dotted ("patches.batch=8") and the value is
        TOML, or a bare word. They hold for every phase.

    Raises
    ------
    UnknownNameError
        When no recipe, or no key of one, is called so.
    UsageError
        When the file is not TOML, or a value is of the wrong type or out of range.
    InputError
        When there is no such file.
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
    made = _recipe(table, tuple(parts))
    check(made)
    return made


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
    built: Recipe = _built(Recipe, {**table, "phases": phases}, "")
    return built


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


def _built(kind: type[Any], table: Mapping[str, Any], prefix: str) -> Any:
    """Return a dataclass of `kind` with the values of `table`, each checked."""
    hints = get_type_hints(kind)
    for key in table:
        if key not in hints:
            names = (prefix + field.name for field in fields(kind))
            raise UnknownNameError("recipe key", prefix + key, names)
    return kind(
        **{key: _value(hints[key], value, prefix + key) for key, value in table.items()}
    )


def _value(hint: Any, value: Any, key: str) -> Any:
    """Return a TOML value as the type that a key wants."""
    inside = get_args(hint)
    match (get_origin(hint) or hint), value:
        case (kind, dict()) if is_dataclass(kind):
            return _built(hint, value, key + ".")
        case (kind, dict()) if kind is Mapping:
            return {
                name: _value(inside[1], one, f"{key}.{name}")
                for name, one in value.items()
            }
        case (kind, [*items]) if kind is tuple and inside[-1] is ...:
            return tuple(_value(inside[0], item, key) for item in items)
        case (kind, [*items]) if kind is tuple and len(items) == len(inside):
            return tuple(map(_value, inside, items, [key] * len(items)))
        case (kind, _) if kind is Literal and value in inside:
            return value
        case (kind, str() | int()) if (kind, type(value)) in _WIDENED:
            return kind(value)
        case (kind, _) if kind is Any or type(value) is kind:
            return value
    raise UsageError(
        f"recipe key {key!r} takes {_described(hint)}, not {value!r}",
        hint="the recipes that ship show what each key takes",
    )


def _described(hint: Any) -> str:
    """Return what a message calls a type."""
    kind, inside = get_origin(hint) or hint, get_args(hint)
    if kind is Literal:
        return " or ".join(inside)
    if kind is Mapping or is_dataclass(kind):
        return "a table"
    if kind is not tuple:
        return str(hint.__name__)
    count = "" if inside[-1] is ... else f"{len(inside)} "
    return f"a list of {count}{inside[0].__name__}"


_WIDENED = {(float, int), (Path, str)}  # (wanted, what TOML gives for it)
