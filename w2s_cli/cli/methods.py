"""`w2s methods`: what can be asked for."""

import json
from typing import Annotated, Any

import typer

from w2s_cli.cli.output import note, table
from w2s_cli.methods import METHODS
from w2s_cli.registry import Entry

_COLUMNS = ("name", "scale", "needs", "summary", "source", "licence")


def methods(
    name: Annotated[
        str | None,
        typer.Argument(help="A method to say the options of.", metavar="[NAME]"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a table.")
    ] = False,
) -> None:
    """List the restoration methods, or the options of one.

    For example:
      w2s methods
      w2s methods gaussian
      w2s methods --json | jq '.[].name'
    """
    rows = _options(METHODS[name]) if name else [*map(_row, METHODS)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    elif rows:
        cells = [[_cell(column, row[column]) for column in row] for row in rows]
        typer.echo(table([[*rows[0]], *cells]))
    else:
        note(f"{name} has no options")


def _row(entry: Entry) -> dict[str, Any]:
    return {column: getattr(entry, column) for column in _COLUMNS}


def _options(entry: Entry) -> list[dict[str, Any]]:
    from w2s_cli.methods.build import options_of

    return [
        {
            "option": option.name,
            "value": option.expected,
            "default": option.default,
            "help": option.help,
        }
        for option in options_of(entry.load())
    ]


def _cell(column: str, value: Any) -> str:
    if column == "scale":
        return f"x{value}" if value else "-"
    return "-" if value is None or value == "" else str(value)
