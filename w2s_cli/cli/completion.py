"""What the shell offers where a word is half typed: names, with a line of help each.

An empty list makes the shell offer files. Nothing heavy is imported, but the one method
whose options are asked for.
"""

from collections.abc import Iterable
from importlib.resources import files
from typing import Any, Literal, get_args, get_origin

import typer

from w2s_cli.methods import METHODS
from w2s_cli.registry import Entry

Offers = list[tuple[str, str]]


def devices(incomplete: str) -> Offers:
    """Return where networks can run."""
    known = {
        "auto": "the GPU if there is one",
        "cpu": "the processor",
        "cuda": "an NVIDIA GPU",
        "mps": "the GPU of a Mac",
    }
    return _starting(known.items(), incomplete)


def method(incomplete: str) -> Offers:
    """Return the methods, one alone."""
    return _starting(_named(METHODS), incomplete)


def chain(incomplete: str) -> Offers:
    """Return the methods, and after "+" those that may follow."""
    found = method(incomplete)
    words = incomplete.split("+")
    for place in range(1, len(words)):
        before, after = "+".join(words[:place]), "+".join(words[place:])
        if _is_chain(words[:place]):
            found += [(f"{before}+{name}", text) for name, text in method(after)]
    return found


def chains(incomplete: str) -> Offers:
    """Return methods and chains, after a comma too."""
    before, comma, last = incomplete.rpartition(",")
    return [(before + comma + name, text) for name, text in chain(last)]


def option_keys(context: typer.Context, incomplete: str) -> Offers:
    """Return the options of the methods that the command line names so far."""
    from w2s_cli.errors import W2SError
    from w2s_cli.methods.build import options_of, parse

    found: dict[str, str] = {}
    for text in _chosen(context.params):
        try:
            named = [(entry.name, options_of(entry.load())) for entry in parse(text)]
        except W2SError:
            continue
        for name, options in named:
            twice = [one.name for other, own in named if other != name for one in own]
            for option in options:
                prefix = f"{name}." if option.name in twice else ""
                key = f"{prefix}{option.name}="
                found[key] = f"{option.help}; {option.expected}"
                if incomplete.startswith(key):
                    values = _values(option.type)
                    found |= {f"{key}{value}": option.help for value in values}
    return _starting(found.items(), incomplete)


def recipes(incomplete: str) -> Offers:
    """Return the recipes that ship."""
    folder = files("w2s_cli.training") / "recipes"
    shipped = sorted(file.name.removesuffix(".toml") for file in folder.iterdir())
    return _starting(((name, "") for name in shipped), incomplete)


def metrics(incomplete: str) -> Offers:
    """Return the metrics, after a comma too."""
    from w2s_cli.metrics import METRICS

    before, comma, last = incomplete.rpartition(",")
    found = _starting(_named(METRICS), last)
    return [(before + comma + name, text) for name, text in found]


def claims(incomplete: str) -> Offers:
    """Return the papers whose claims can be measured."""
    from w2s_cli.bench.claims import CLAIMS

    return _starting(_named(CLAIMS), incomplete)


def protocols(incomplete: str) -> Offers:
    """Return whose numbers scores can be."""
    from w2s_cli.bench.scores.convention import PROTOCOLS

    return _starting(((name, "") for name in PROTOCOLS), incomplete)


def data_kinds(incomplete: str) -> Offers:
    """Return the kinds of data sets."""
    from w2s_cli.datasets import DATASETS

    return _starting(_named(DATASETS), incomplete)


def data_places(incomplete: str) -> Offers:
    """Return the sets that have a name; folders are offered where none is meant."""
    from w2s_cli.datasets import DATASETS, MADE
    from w2s_cli.weights.catalogue import DATASETS as PUBLISHED

    rows = [(row.name, row.summary) for row in DATASETS if row.name in MADE]
    rows += [(row.name, row.title) for row in PUBLISHED.values()]
    return _starting(rows, incomplete)


def published(incomplete: str) -> Offers:
    """Return the weights and data that can be fetched."""
    from w2s_cli.weights.catalogue import DATASETS, WEIGHTS

    rows = [*WEIGHTS.values(), *DATASETS.values()]
    return _starting(((row.name, row.title) for row in rows), incomplete)


def weighted_methods(context: typer.Context, incomplete: str) -> Offers:
    """Return the methods that are named and take weights, each as "NAME="."""
    names = [
        name
        for text in _chosen(context.params)
        for name in text.split("+")
        if name in METHODS and METHODS[name].needs_weights
    ]
    return _starting(((f"{name}=", "its weights") for name in names), incomplete)


def defects(incomplete: str) -> Offers:
    """Return what can be done with defects."""
    known = {
        "auto": "find and repair them",
        "all": "even out rows and columns too",
        "keep": "leave them",
    }
    return _starting(known.items(), incomplete)


def _named(entries: Iterable[Entry]) -> Iterable[tuple[str, str]]:
    return ((entry.name, entry.summary) for entry in entries)


def _starting(rows: Iterable[tuple[str, str]], incomplete: str) -> Offers:
    return [row for row in rows if row[0].startswith(incomplete)]


def _is_chain(words: list[str]) -> bool:
    """Return whether words between "+" are methods, some of which have a "+"."""
    if not words:
        return True
    lengths = range(1, len(words) + 1)
    return any("+".join(words[:n]) in METHODS and _is_chain(words[n:]) for n in lengths)


def _chosen(params: dict[str, Any]) -> list[str]:
    """Return the methods of a command line that is not complete."""
    found: list[str] = []
    for key in ("method", "methods", "denoiser", "sr", "jdsr"):
        given = params.get(key) or ()
        for text in (given,) if isinstance(given, str) else given:
            found += text.split(",")
    restores = "method" in params and "denoiser" not in params
    return found or ["jdsr"] * restores


def _values(kind: Any) -> Iterable[Any]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return ("true", "false") if kind is bool else ()
