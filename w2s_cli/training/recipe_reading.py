"""From a TOML file to a recipe, every key and value checked."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from math import inf
from operator import attrgetter
from pathlib import Path, PurePath
from typing import Any, Literal, get_args, get_origin, get_type_hints

from w2s_cli.errors import InputError, UnknownNameError, UsageError
from w2s_cli.training.losses import LOSSES
from w2s_cli.training.recipe import Recipe

_Wrong = tuple[str, str, object]  # key, what it takes, and what it has
_TINY = 1e-12
_STABILISED = {"physics", "imaging", "alone"}  # examples that come in units "root"
_OF_ROOTS = {
    "counts",
    "root",
    "imaging",
}  # losses that take outputs for roots of photons
_OPTIMISER = {
    "rate": (0, inf),
    "betas": (0, 1),
    "weight_decay": (0, inf),
    "clip": (0, inf),
    "renew": (0, inf),
}
_IMAGING_SHARES = ("bright", "known", "hazy", "overlaid", "correlated", "defective")
_RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("steps", "validate_every", "simulated_fields"), (1, inf)),
    **dict.fromkeys(("patience", "seed", "threads", "validation_batches"), (0, inf)),
    "average": (0, 1),
    **dict.fromkeys(("patches.side", "patches.batch", "pairs.levels"), (1, inf)),
    **dict.fromkeys(("patches.stride", "pairs.few"), (0, inf)),
    **dict.fromkeys(("loss", "features.layers"), (0, inf)),
    **dict.fromkeys(("light.photons", "light.blur"), (_TINY, inf)),
    **dict.fromkeys(("light.background", "light.haze", "light.sigma"), (0, inf)),
    **dict.fromkeys(("light.measured", "light.multiplied"), (0, inf)),
    **dict.fromkeys(("imaging.cutoff", "imaging.bright_from"), (_TINY, inf)),
    **{f"imaging.{key}": (0, 1 + _TINY) for key in _IMAGING_SHARES},
    **dict.fromkeys(("mixture.components", "mixture.patches"), (1, inf)),
    "mixture.side": (2, inf),
    "hidden.share": (_TINY, 1),
    **dict.fromkeys(("hidden.radius", "hidden.period"), (1, inf)),
    "hidden.reach": (0, inf),
    "mixture.floor": (_TINY, inf),
    **{f"optimiser.{key}": span for key, span in _OPTIMISER.items()},
    "schedule.every": (1, inf),
    **dict.fromkeys(("schedule.warm_up", "schedule.milestones"), (0, inf)),
    "schedule.factor": (0, inf),
    "adversary.weight": (0, inf),
    **{f"adversary.optimiser.{key}": span for key, span in _OPTIMISER.items()},
}
"""Key -> the least value, and what all are below; of every one in a list or table."""
_RISING = (
    *("train_fields", "validation_fields"),
    *("light.photons", "light.blur", "light.background", "light.haze", "light.sigma"),
    "imaging.cutoff",
)

_SEEN = {"photons": 2, "sigma": 1, "pixel_size": 2}
"""Key of the table `seen` -> how many numbers it has."""


def check(recipe: Recipe) -> None:
    """Look at a recipe, and at its phases.

    The numbers of the table `second_order` are for `second_order.checks`; whether a
    network takes the patches, for `start`.

    Raises
    ------
    UsageError
        When a number is out of range, a name cannot be that of a folder, units are not
        those of the examples or of a loss, or there is nothing to learn from.
    UnknownNameError
        When there is no such loss, or nobody reads a key of the table `seen`.
    """
    for part in recipe.parts:
        _check_units(part)
        _check_losses(part)
    for key, wanted, value in _wrong(recipe):
        raise UsageError(
            f"recipe key {key!r} takes {wanted}, not {value!r}",
            hint="`man w2s-train` says what each key is for",
        )


def _check_units(recipe: Recipe) -> None:
    if (recipe.examples in _STABILISED) != (recipe.units == "root"):
        fitting = (
            "root" if recipe.examples in _STABILISED else "z, z/255, unit or centred"
        )
        raise UsageError(
            f"examples of the kind {recipe.examples!r} don't come in units "
            f"{recipe.units!r}",
            hint=f"set units to {fitting}, or change examples",
        )


def _check_losses(recipe: Recipe) -> None:
    for name in recipe.loss:
        if LOSSES[name].name in _OF_ROOTS and recipe.units != "root":
            raise UsageError(
                f"the loss {name!r} is for units 'root', not {recipe.units!r}",
                hint="name another in the table loss, such as l1 or mse",
            )
    hostile = recipe.adversary.weight if recipe.adversary.network else 0
    if not any([*recipe.loss.values(), hostile]):
        raise UsageError(
            "the recipe has no loss with a weight above 0", hint="for example loss.l1=1"
        )


def _wrong(recipe: Recipe) -> Iterator[_Wrong]:
    within = [phase.name.removeprefix(f"{recipe.name}/") for phase in recipe.phases]
    for name in (recipe.name, *within):
        if PurePath(name).name != name or name in ("", ".."):
            yield "name", "the name of a folder", name
    yield from _wrong_seen(recipe.seen)
    for part in recipe.parts:
        yield from _wrong_numbers(part)


def _wrong_numbers(recipe: Recipe) -> Iterator[_Wrong]:
    for key, (least, below) in _RANGES.items():
        for value in _values(attrgetter(key)(recipe)):
            if not least <= value < below:
                under = f", and less than {below}" if below < inf else ""
                yield key, f"{_at_least(least)}{under}", value
    for key in _RISING:
        first, last = attrgetter(key)(recipe)
        if first > last:
            yield key, "two rising numbers", [first, last]
    weights = vars(recipe.sources)
    if not all(0 <= weight < inf for weight in weights.values()):
        yield "sources", "shares of 0 or more", weights
    if not any(weights.values()):
        yield "sources", "one share above 0 at least", weights


def _wrong_seen(seen: Mapping[str, Any]) -> Iterator[_Wrong]:
    """Look at what `w2s restore` will compare its images with."""
    if seen and not {"photons", "sigma"} <= seen.keys():
        yield "seen", "photons and sigma", dict(seen)
    for key, value in seen.items():
        if key not in _SEEN:
            known = (f"seen.{name}" for name in _SEEN)
            raise UnknownNameError("recipe key", f"seen.{key}", known)
        numbers = value if isinstance(value, list) else [value]
        fitting = all(type(number) in (int, float) for number in numbers)
        if not fitting or len(numbers) != _SEEN[key] or sorted(numbers) != numbers:
            wanted = "a number" if _SEEN[key] == 1 else "two rising numbers"
            yield f"seen.{key}", wanted, value


def _values(value: Any) -> list[float]:
    if isinstance(value, tuple):
        return [*value]
    return [*value.values()] if hasattr(value, "values") else [value]


def _at_least(least: float) -> str:
    return "a number above 0" if least == _TINY else f"{least} or more"


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
