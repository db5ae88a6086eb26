"""What to train: a TOML file, checked against the dataclasses below."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from w2s_cli.errors import InputError, UnknownNameError, UsageError

SHIPPED = Path(__file__).parent / "recipes"
Span = tuple[float, float]


@dataclass(frozen=True)
class NetworkOptions:
    """Hyper-parameters of `networks.unet.UNet`."""

    width: int = 32
    levels: int = 3
    blocks: int = 2
    scale: int = 1


@dataclass(frozen=True)
class Patches:
    """What one step looks at: `batch` squares of `side` input pixels."""

    side: int = 64
    batch: int = 16


@dataclass(frozen=True)
class Sources:
    """Shares of the sources of truth (`training.truth`); they need not add up to 1."""

    pairs: float = 0.0
    averages: float = 0.0
    sharp: float = 0.0
    simulated: float = 1.0


@dataclass(frozen=True)
class Light:
    """The exposures to simulate; spans are drawn from evenly, photons evenly in log.

    Attributes
    ----------
    photons
        Expected photons a pixel where the truth is 1.
    background
        Even light, as a share of the photons.
    haze
        Out-of-focus light, as a share of the light in focus; in half of the patches,
        and in their truth.
    sigma
        Read noise in photons; in half of the patches.
    blur
        Standard deviation of the Gaussian kernels, in pixels of the truth.
    measured
        Share of patches blurred by a kernel of the data's `kernels` file instead.
    multiplied
        Share of patches with the noise of an EMCCD.
    """

    photons: Span = (2.0, 800.0)
    background: Span = (0.0, 0.3)
    haze: Span = (0.0, 0.0)
    sigma: Span = (0.0, 2.0)
    blur: Span = (1.2, 3.6)
    measured: float = 0.0
    multiplied: float = 0.0


@dataclass(frozen=True)
class Mixture:
    """A Gaussian mixture of patches, for a recipe of that kind.

    Attributes
    ----------
    components, side
        Number of Gaussians, and pixels along each side of a patch.
    patches
        How many patches one step looks at.
    floor
        The least variance of a component, where the noise has 1.
    """

    components: int = 200
    side: int = 8
    patches: int = 50_000
    floor: float = 1e-3


@dataclass(frozen=True)
class Recipe:
    """A training, whole.

    Attributes
    ----------
    name
        What the weights are called.
    kind
        "network", or "mixture" for a Gaussian mixture of patches, to which only the
        settings of the truth, the steps and the table `mixture` apply.
    data
        The folder that holds the real images, laid out as `training.truth` says.
    runs
        The folder that gets checkpoints, the log and the weights.
    fields
        The first and last field of view to train on; and those to validate on.
    simulated_fields
        How many simulated fields there are at a time; each step replaces one.
    loss
        "counts" for the squared error in photons, relative to the noise; "root" for the
        error of stabilised values (`training.loss`).
    steps, learning_rate, decay
        Length of the cosine schedule, its peak, and the memory of the weights' moving
        average.
    """

    name: str
    kind: Literal["network", "mixture"] = "network"
    data: Path = Path("data")
    runs: Path = Path("runs")
    summary: str = ""
    licence: str = "MIT"
    loss: Literal["counts", "root"] = "counts"
    steps: int = 4000
    learning_rate: float = 1e-3
    decay: float = 0.999
    seed: int = 0
    threads: int = 0
    precision: Literal["bf16", "fp32"] = "bf16"
    device: str = "cpu"
    simulated_fields: int = 100
    save_every: int = 100
    validate_every: int = 500
    train_fields: tuple[int, int] = (1, 70)
    validation_fields: tuple[int, int] = (71, 80)
    network: NetworkOptions = field(default_factory=NetworkOptions)
    patches: Patches = field(default_factory=Patches)
    sources: Sources = field(default_factory=Sources)
    mixture: Mixture = field(default_factory=Mixture)
    light: Light = field(default_factory=Light)
    seen: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON would hold it, without the local folders."""
        table = asdict(self)
        for local in ("data", "runs", "threads"):
            del table[local]
        return table


def load(recipe: str, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe of a TOML file, or of one that ships, by its name.

    Parameters
    ----------
    recipe
        A path, or the name of a shipped recipe.
    overrides
        "key=value", where the key may be dotted ("patches.batch=8") and the value is
        TOML, or a bare word.

    Raises
    ------
    UsageError
        When a key is unknown or a value is of the wrong type.
    """
    path = Path(recipe) if recipe.endswith(".toml") else SHIPPED / f"{recipe}.toml"
    if not path.is_file():
        if path.parent == SHIPPED:
            raise UnknownNameError(
                "recipe", recipe, (p.stem for p in SHIPPED.iterdir())
            )
        raise InputError(f"no recipe at {path}")
    try:
        table = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    for override in overrides:
        _override(table, override)
    built: Recipe = _built(Recipe, table, "")
    return built


def _override(table: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not key=value", hint="for example steps=100")
    *groups, last = key.split(".")
    for group in groups:
        table = table.setdefault(group, {})
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
    if kind is Recipe and "name" not in table:
        raise UsageError("the recipe has no name", hint='add name = "mine"')
    return kind(
        **{key: _value(hints[key], value, prefix + key) for key, value in table.items()}
    )


def _value(hint: Any, value: Any, key: str) -> Any:
    """Return a TOML value as the type that a key wants."""
    match (get_origin(hint) or hint), value:
        case (kind, dict()) if is_dataclass(kind):
            return _built(hint, value, key + ".")
        case (kind, dict()) if kind is Mapping:
            return value
        case (kind, [*items]) if kind is tuple and len(items) == len(get_args(hint)):
            return tuple(map(_value, get_args(hint), items, [key] * len(items)))
        case (kind, _) if kind is Literal and value in get_args(hint):
            return value
        case (kind, str() | int()) if (kind, type(value)) in _WIDENED:
            return kind(value)
        case (kind, _) if type(value) is kind:
            return value
    wanted = " or ".join(map(str, get_args(hint))) or hint.__name__
    raise UsageError(
        f"recipe key {key!r} takes {wanted}, not {value!r}",
        hint="the recipes that ship show what each key takes",
    )


_WIDENED = {(float, int), (Path, str)}  # (wanted, what TOML gives for it)
