"""`w2s methods`: what can be asked for."""

from typing import Annotated, Any

from w2s_cli.cli import completion
from w2s_cli.cli import options as ask
from w2s_cli.cli.output import TERMINAL, note, print_json, print_result, table, warn
from w2s_cli.cli.typer_options import arg
from w2s_cli.errors import UsageError
from w2s_cli.methods import METHODS, MethodEntry, PluginEntry
from w2s_cli.registry import LICENCE

_TORCH = "PyTorch (missing)"
_FACTS = ("name", "scale", "needs", "summary", "source", "licence")


def methods(
    name: Annotated[
        str | None,
        arg(
            "A method to say everything of.",
            metavar="[NAME]",
            complete=completion.method,
        ),
    ] = None,
    as_json: ask.JsonText = False,
) -> None:
    """List the restoration methods, or say what one needs, and its options.

    For example:
      w2s methods
      w2s methods gaussian
      w2s methods --json | jq '.[].name'
    """
    if name:
        _show(METHODS[name], as_json=as_json)
        return
    rows = [row for row in METHODS if _usable(row)]
    if as_json:
        facts = [
            {fact: getattr(row, fact) for fact in _FACTS} | {"needs": _needs(row)}
            for row in rows
        ]
        print_json(facts)
        return
    lines = [[row.name, _scale(row), _summary(row)] for row in rows]
    print_result(table([["name", "scale", "summary"], *lines], TERMINAL))
    note("`w2s methods NAME` has its needs, source, licence and options")


def _usable(row: MethodEntry) -> bool:
    """Return whether a method can be loaded; ours can, and are not: it takes time."""
    if isinstance(row, PluginEntry):
        try:
            row.load()
        except UsageError as error:
            warn(str(error))
            return False
    return True


def _scale(row: MethodEntry) -> str:
    return f"x{row.scale}" if row.scale else "-"


def _summary(row: MethodEntry) -> str:
    """Return what a method does, licence if not the project's, and what is missing."""
    licence = f"; licence: {row.licence}" if row.licence != LICENCE else ""
    return row.summary + licence + f"; needs {_TORCH}" * _lacks_torch(row)


def _lacks_torch(row: MethodEntry) -> bool:
    from w2s_cli.methods.network_engines import has_torch

    return row.needs_torch and not has_torch()


def _needs(row: MethodEntry) -> str:
    return ", ".join(filter(None, [row.needs, _TORCH * _lacks_torch(row)]))


def _show(row: MethodEntry, *, as_json: bool) -> None:
    from w2s_cli.methods.build import options_of

    known_options = () if _lacks_torch(row) else options_of(row.load())
    options: list[dict[str, Any]] = [
        {
            "option": option.name,
            "value": option.expected,
            "default": option.default,
            "help": option.help,
        }
        for option in known_options
    ]
    if as_json:
        print_json(options)
        return
    facts = {
        "method": row.name,
        "summary": row.summary,
        "scale": _scale(row),
        "needs": _needs(row),
        "source": row.source,
        "licence": row.licence,
    }
    known = [[fact, value] for fact, value in facts.items() if value]
    print_result(table(known, TERMINAL))
    if not options:
        if not _lacks_torch(row):
            note(f"{row.name} has no options")
        return
    heads = ["option", "value", "default", "help"]
    lines = [
        ["-" if one[head] in (None, "") else str(one[head]) for head in heads]
        for one in options
    ]
    print_result("\n" + table([heads, *lines], TERMINAL))
