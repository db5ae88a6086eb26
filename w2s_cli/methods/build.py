"""From what a user typed, such as "denoise+bicubic", to a chain of restorers.

A method is a frozen dataclass, and its fields are its options: the annotation
`Annotated[type, "help"]` and the default are all that is declared of them. A field
without a help text is no option: the command line's own flags or the driver set it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import zip_longest
from math import isfinite
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from w2s_cli.errors import UnknownNameError, UsageError, WeightsError
from w2s_cli.methods import DEFAULT, METHODS, USER_NETWORK, MethodEntry
from w2s_cli.networks import SHIPPED
from w2s_cli.restorers.chain import Chain
from w2s_cli.weights.catalogue import compact_weights

_KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a file",
}
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}
_SELF_SUPERVISED = {
    "subsample": "n2sr",
    "blind-spots": "n2v",
    "grid": "n2s",
    "capture": "n2n",
}
"""The masking that a network was trained with -> its method."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a method: a field of its dataclass."""

    name: str
    type: Any
    default: Any
    help: str

    @property
    def expected(self) -> str:
        """Return what a value must be, in words."""
        if get_origin(self.type) is Literal:
            return " or ".join(map(str, get_args(self.type)))
        return _KINDS.get(self.type, "a text")

    def parse(self, text: str) -> Any:
        """Return the value that `text` stands for."""
        try:
            if get_origin(self.type) is Literal:
                return {str(value): value for value in get_args(self.type)}[text]
            if self.type is bool:
                return _TRUTH[text.lower()]
            value = self.type(text)
            if isinstance(value, float) and not isfinite(value):
                raise ValueError(text)
        except (KeyError, ValueError):
            raise UsageError(
                f"option {self.name} must be {self.expected}, found {text!r}",
                hint=f"{self.name}: {self.help}; {self.default} by default",
            ) from None
        return value


def options_of(method: type) -> tuple[Option, ...]:
    """Return the options of a method, in the order of its fields."""
    hints = get_type_hints(method, include_extras=True)
    options = []
    for one in fields(method):
        if get_origin(hints[one.name]) is Annotated:
            kind, text = get_args(hints[one.name])
            if isinstance(kind, UnionType):  # X | None
                (kind,) = (each for each in get_args(kind) if each is not NoneType)
            options.append(Option(one.name, kind, one.default, text))
    return tuple(options)


def takes(method: type, name: str) -> bool:
    """Return whether a method has a field called `name`."""
    return any(field.name == name for field in fields(method))


def parse(text: str) -> list[MethodEntry]:
    """Return the methods that `text` names, joined by "+", in their order.

    A name may hold a "+" itself: the longest name that fits is taken.
    """
    words = text.split("+")
    entries = []
    while words:
        lengths = range(len(words), 0, -1)
        known = (n for n in lengths if "+".join(words[:n]) in METHODS)
        alike = (
            entry.name.count("+") + 1
            for entry in METHODS
            if entry.name.startswith(f"{words[0]}+")
        )
        length = next(known, next(alike, 1))  # as if misspelt, where none is known
        entries.append(METHODS["+".join(words[:length])])
        words = words[length:]
    return entries


def build(
    text: str,
    options: Sequence[str] = (),
    weights: Sequence[Path | None] = (),
    device: str = "auto",
    precision: str = "auto",
) -> Chain:
    """Return the chain of restorers that a command line asks for.

    `text` names methods, joined by "+". An option is "key=value" for the method that
    has it, or "method.key=value" where more than one has; weight files go to the
    methods that take one, in their order, None to those that keep their own.
    """
    links = [_Link(entry.name, entry.load()) for entry in parse(text)]
    for assignment in options:
        _assign(assignment, links)
    takers = [link for link in links if takes(link.method, "weights")]
    if len(weights) > len(takers):
        raise UsageError(
            f"{len(weights)} weight files for {len(takers)} methods that take one",
            hint="--weights belongs to methods such as denoise and jdsr",
        )
    for link, path in zip(takers, weights, strict=False):
        link.values["weights"] = path
    restorers = []
    for link in links:
        shared = {"name": link.name, "device": device, "precision": precision}
        own = {key: it for key, it in shared.items() if takes(link.method, key)}
        restorers.append(link.method(**link.values | own))
    return Chain(restorers)


def weights_for(text: str, files: Mapping[str, str]) -> tuple[Path | None, ...]:
    """Return those of `files`, by method, that `build` takes for the chain `text`."""
    names = (entry.name for entry in parse(text) if _takes_weights(entry))
    return tuple(Path(files[name]) if name in files else None for name in names)


def check_weights(texts: Sequence[str], files: Iterable[str]) -> None:
    """Raise UsageError where a file is for none of the methods in several chains."""
    entries = {entry.name: entry for text in texts for entry in parse(text)}
    for name in files:
        if name not in entries or not _takes_weights(entries[name]):
            raise UsageError(
                f"weights are given for {name}, which "
                + ("takes none" if name in entries else "is not among the methods"),
                hint="write --weights METHOD=FILE, METHOD one of those that are named",
            )


def lacking_weights(text: str, weights: Sequence[Path | None]) -> list[str]:
    """Return the networks of a chain that have no weights, and are given none."""
    takers = filter(_takes_weights, parse(text))
    return [
        one.name
        for one, file in zip_longest(takers, weights)
        if one
        and not file
        and one.target == USER_NETWORK
        and not compact_weights(one.name)
    ]


def _takes_weights(entry: MethodEntry) -> bool:
    return takes(entry.load(), "weights")


def options_for(texts: Iterable[str], options: Sequence[str]) -> list[tuple[str, ...]]:
    """Return which options each of several chains has, where not every one has all."""
    found = [chain_options(text, options) for text in texts]
    for option in options:
        if not any(option in own for own in found):
            raise UsageError(
                f"-O {option} is for no method that is named",
                hint="`w2s methods NAME` lists the options of one",
            )
    return found


def chain_options(text: str, options: Sequence[str]) -> tuple[str, ...]:
    """Return those of `options` that the methods named by `text` have."""
    links = [_Link(entry.name, entry.load()) for entry in parse(text)]
    found = []
    for assignment in options:
        name, _, key = assignment.partition("=")[0].rpartition(".")
        if any(name in ("", link.name) and link.option(key) for link in links):
            found.append(assignment)
    return tuple(found)


def chain_record(text: str, chain: Chain) -> list[dict[str, Any]]:
    """Return what `chain`, built from `text`, consists of: a JSON object a link."""
    record = []
    for entry, link in zip(parse(text), chain.links, strict=True):
        options = {}
        for option in options_of(type(link)):
            value = getattr(link, option.name)
            options[option.name] = value.name if isinstance(value, Path) else value
        provenance = link.traits.provenance
        record.append({"method": entry.name, "options": options, **provenance})
    return record


@dataclass
class _Link:
    """A method on its way to becoming a restorer."""

    name: str
    method: type
    values: dict[str, Any] = field(default_factory=dict)

    def option(self, key: str) -> Option | None:
        return next((o for o in options_of(self.method) if o.name == key), None)


def _assign(assignment: str, links: Sequence[_Link]) -> None:
    """Give the value in "key=value" to the link it is meant for."""
    path, equals, value = assignment.partition("=")
    name, _, key = path.rpartition(".")
    if not equals:
        raise UsageError(
            f"-O takes key=value, found {assignment!r}", hint="for example -O sigma=2"
        )
    meant = [link for link in links if name in ("", link.name)]
    if not meant:
        raise UnknownNameError("method in the chain", name, [x.name for x in links])
    having = [(link, option) for link in meant if (option := link.option(key))]
    if not having:
        names = "+".join(link.name for link in meant)
        known = [o.name for link in meant for o in options_of(link.method)]
        if known:
            raise UnknownNameError(f"option of {names}", key, known)
        raise UsageError(f"{names} has no options, found {key!r}")
    if len({link.name for link, _ in having}) > 1:
        raise UsageError(
            f"option {key!r} could belong to "
            + " or ".join(link.name for link, _ in having),
            hint="say which: "
            + " or ".join(
                dict.fromkeys(f"-O {link.name}.{key}={value}" for link, _ in having)
            )
            + "; or all of them",
        )
    for link, option in having:
        if key in link.values:
            raise UsageError(
                f"option {key!r} of {link.name} is given more than once",
                hint="give it once",
            )
        link.values[key] = option.parse(value)


def method_for_weights(weights: Sequence[Path]) -> str:
    """Return the methods that weights are for, joined by "+"; the default for none."""
    return "+".join(map(_method, weights)) or DEFAULT


def _method(path: Path) -> str:
    from w2s_cli.methods.network_engines import engine, has_torch
    from w2s_cli.methods.shipped import Denoise, Jdsr

    if not has_torch():
        scale = engine().open_network(path, "cpu").network.scale
        return next(kind.name for kind in (Denoise, Jdsr) if kind.scale == scale)
    # Torch takes a second: methods without networks do without it.
    from w2s_cli.networks.rebuild import rebuild, recognise
    from w2s_cli.training.recipe_tables import masking_of_record
    from w2s_cli.weights import checkpoint

    found = checkpoint.load(path)
    row = recognise(found.state)
    if row is None:
        raise WeightsError(
            f"{path} belongs to no network that w2s knows",
            hint="`w2s inspect` shows what is in it",
        )
    masking = masking_of_record(found.record.get("recipe", {}))
    if masking:
        return _SELF_SUPERVISED[masking.kind]
    if row.name not in SHIPPED:
        return row.name
    scale = rebuild(found.state).scale
    return next(kind.name for kind in (Denoise, Jdsr) if kind.scale == scale)
