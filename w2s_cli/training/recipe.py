"""What to train: a dataclass of tables, read from TOML, every key and value checked."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import TypeAdapter, ValidationError

from w2s_cli import __version__
from w2s_cli.errors import InputError, UnknownNameError, UsageError, W2SError
from w2s_cli.io.text_files import read_toml
from w2s_cli.training.losses import LOSSES
from w2s_cli.training.recipe_tables import (
    Count,
    Discriminator,
    Features,
    Imaging,
    Light,
    Masking,
    Memory,
    Mixture,
    Network,
    Optimiser,
    Pairs,
    Patches,
    Positive,
    RealEsrgan,
    Schedule,
    Sources,
    Table,
    TrainedOn,
    Weight,
    items,
    rising,
)

UnitName = Literal["root", "z", "z/255", "unit", "centred"]
Examples = Literal["physics", "imaging", "pairs", "real-esrgan", "self-supervised"]
Fields = Annotated[tuple[Count, Count], items(2), rising()]


@dataclass(frozen=True)
class Recipe(Table):
    """A whole training.

    - `name`: what the weights are called.
    - `kind`: "network", or "mixture" for a Gaussian mixture of patches, to which only
      the settings of the truth, the steps and the table `mixture` apply.
    - `paper`, `deviates`: the table and row that the recipe stands for, and what it
      does otherwise.
    - `data`: the folder of the images: as `patches.truth` says for "physics", as one of
      `w2s_cli.datasets` for the others; for "real-esrgan", any images will do.
    - `runs`: the folder that gets checkpoints, the log and the weights.
    - `examples`: "physics": truth from `sources`, degraded by `light`, beside real W2S
      pairs; "imaging": the same and more, by `imaging`, for conditional networks;
      "pairs": real pairs; "real-esrgan": truths degraded as Real-ESRGAN does;
      "self-supervised": noisy images, of which `masking` hides a part.
    - `units`: what the network takes and gives: "root", stabilised counts, or one of
      `w2s_cli.networks.rebuild.UnitName`.
    - `start`: weights to start from: a file, or a name of the catalogue; "" for none.
    - `initial`: scale of the weights of convolutions to begin with, drawn as by He et
      al. 2015; 0 for those that torch draws.
    - `loss`: weight of each of `w2s_cli.training.losses.LOSSES`.
    - `steps`, `average`: how many steps, and the memory of the weights' moving average;
      0 for none.
    - `keep`: which weights are the result: the "last", as in the papers, or the "best"
      on what is validated on.
    - `patience`: stop after so many steps without a better validation, and keep the
      best; 0 for never.
    - `train_fields`, `validation_fields`: the first and last field of view to train and
      to validate on.
    - `simulated_fields`: how many simulated fields there are at a time; each step
      replaces one.
    - `trained_on`: the range of inputs that the weights are for; for `units = "root"`.
    - `phases`: trainings one after the other, each from the weights of the one before.
      They are this recipe but for what their tables say.
    """

    name: str
    kind: Literal["network", "mixture"] = "network"
    summary: str = ""
    paper: str = ""
    deviates: str = ""
    licence: str = "MIT"
    data: Path = Path("data")
    runs: Path = Path("runs")
    examples: Examples = "physics"
    units: UnitName = "root"
    start: str = ""
    initial: Weight = 0.0
    loss: Mapping[str, Weight] = field(default_factory=lambda: {"counts": 1.0})
    steps: Positive = 4000
    average: Memory = 0.0
    keep: Literal["last", "best"] = "last"
    patience: Count = 0
    seed: Count = 0
    threads: Count = 0
    precision: Literal["bf16", "fp32"] = "fp32"
    device: str = "auto"
    validate_every: Positive = 500
    validation_batches: Count = 16
    train_fields: Fields = (1, 70)
    validation_fields: Fields = (71, 80)
    simulated_fields: Positive = 100
    network: Network = field(default_factory=Network)
    patches: Patches = field(default_factory=Patches)
    pairs: Pairs = field(default_factory=Pairs)
    sources: Sources = field(default_factory=Sources)
    light: Light = field(default_factory=Light)
    imaging: Imaging = field(default_factory=Imaging)
    masking: Masking = field(default_factory=Masking)
    real_esrgan: RealEsrgan = field(default_factory=RealEsrgan)
    mixture: Mixture = field(default_factory=Mixture)
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)
    features: Features = field(default_factory=Features)
    discriminator: Discriminator = field(default_factory=Discriminator)
    trained_on: TrainedOn | None = None
    phases: "tuple[Recipe, ...]" = ()

    @property
    def parts(self) -> "tuple[Recipe, ...]":
        """Return the trainings that it consists of, one after the other."""
        return self.phases or (self,)

    @property
    def folder(self) -> Path:
        """Return the folder of its checkpoints and log."""
        return self.runs / self.name

    @property
    def trained_range(self) -> dict[str, Any]:
        """Return `trained_on` as a record of weights holds it."""
        found = asdict(self.trained_on) if self.trained_on else {}
        return {key: value for key, value in found.items() if value is not None}

    def record(self, **about: object) -> dict[str, Any]:
        """Return the record of weights; `about` says what they take and give."""
        return {
            "name": self.name,
            "summary": self.summary,
            "licence": self.licence,
            **about,
            "recipe": self.as_dict(),
            "trained by": f"w2s {__version__}",
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON would hold it, without what is local."""
        table = asdict(self)
        for local in ("data", "runs", "threads", "device"):
            del table[local]
        table["trained_on"] = self.trained_range
        table["phases"] = [phase.as_dict() for phase in self.phases]
        return table


SHIPPED = Path(__file__).parent / "recipes"
Toml = dict[str, Any]


class _Whole(Toml):
    """A table that takes the place of another, and is not merged with it."""


_TAKEN_WHOLE = {"loss", "layers", "kernels"}  # weights, which are to be seen together
_UNITS = {
    "physics": ("root",),
    "imaging": ("root",),
    "self-supervised": ("root", "z", "z/255", "unit", "centred"),
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

    A recipe that is like another, a phase and an override change single keys of a
    table; `loss`, `features.layers` and `kernels`, given as tables, are taken whole.

    Raises UnknownNameError when no recipe, or no key of one, is called so; UsageError
    when the file is not TOML, or a value is of the wrong type or out of range;
    InputError when there is no such file.
    """
    changes: Toml = {}
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


def recipes_for(network: str) -> list[str]:
    """Return the names of the recipes that ship and train a network from its name."""
    found = []
    for path in sorted(SHIPPED.glob("*.toml")):
        table = read_toml(path).get("network", {})
        if table.get("name") == network:
            found.append(path.stem)
    return found


def _read(recipe: str, users: tuple[str, ...] = ()) -> Toml:
    """Return the table of a recipe, on top of that of the recipe that it is like."""
    if recipe in users:
        raise UsageError(
            f"the recipe {recipe!r} is like itself, by way of {users[-1]!r}",
            hint="leave out one key 'like'",
        )
    path = Path(recipe) if recipe.endswith(".toml") else SHIPPED / f"{recipe}.toml"
    if not path.is_file():
        if path.parent == SHIPPED:
            names = (found.stem for found in SHIPPED.iterdir())
            raise UnknownNameError("recipe", recipe, names)
        raise InputError(f"no recipe at {path}", hint="check the spelling")
    try:
        table = _marked(read_toml(path))
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    model = table.pop("like", "")
    if not isinstance(model, str):
        raise UsageError(
            f"recipe key 'like' takes a text, not {model!r}",
            hint="the name of a recipe that ships, or a file",
        )
    return _merged(_read(model, (*users, recipe)), table) if model else table


def _recipe(table: Toml, phases: tuple[Recipe, ...] = ()) -> Recipe:
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


def _marked(table: Toml) -> Toml:
    """Return a table with those in it marked that are taken whole."""
    found: Toml = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found[key] = _Whole(value) if key in _TAKEN_WHOLE else _marked(value)
        elif key == "phases" and isinstance(value, list):
            found[key] = [_marked(v) if isinstance(v, dict) else v for v in value]
        else:
            found[key] = value
    return found


def _merged(table: Toml, changes: Toml) -> Toml:
    """Return `table` with those values of `changes`, table by table.

    Options belong to a network: they go where another one is named.
    """
    merged = dict(table)
    for name in ("name", "network"):
        if name in merged and changes.get(name, merged[name]) != merged[name]:
            merged.pop("options", None)
    for key, value in changes.items():
        tables = isinstance(value, dict) and isinstance(merged.get(key), dict)
        both = tables and not isinstance(value, _Whole)
        if both and key == "network" and value.get("name") != merged[key].get("name"):
            both = "name" not in value  # the options are of another network
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _override(table: Toml, text: str) -> None:
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
        found = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        found = value
    whole = isinstance(found, dict) and last in _TAKEN_WHOLE
    table[last] = _Whole(found) if whole else found


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
        if part.units not in _UNITS[part.examples]:
            raise UsageError(
                f"examples of the kind {part.examples!r} don't come in units "
                f"{part.units!r}",
                hint=f"set units to {' or '.join(_UNITS[part.examples])}, or change "
                "examples",
            )
        for name in part.loss:
            if LOSSES[name].name in _OF_ROOTS and part.units != "root":
                raise UsageError(
                    f"the loss {name!r} is for units 'root', not {part.units!r}",
                    hint="name another in the table loss, such as l1 or mse",
                )
        weight = part.discriminator.weight if part.discriminator.network else 0
        if not any([*part.loss.values(), weight]):
            raise UsageError(
                "the recipe has no loss with a weight above 0",
                hint="for example loss.l1=1",
            )
        if not any(vars(part.sources).values()):
            raise UsageError(
                "no share in the table 'sources' is above 0",
                hint="for example sources.simulated=1",
            )
