"""`w2s methods`: what can be asked for."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from w2s_cli.cli.telling import note
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
    rows = _options(METHODS[name]) if name else [_row(entry) for entry in METHODS]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    elif rows:
        typer.echo(_table(rows))
    else:
        note(f"{name} has no options")


def _row(entry: Entry) -> dict[str, Any]:
    row = asdict(entry)
    return {column: row[column] for column in _COLUMNS}


def _options(entry: Entry) -> list[dict[str, Any]]:
    from w2s_cli.methods.options import options_of

    return [
        {
            "option": option.name,
            "value": option.expected,
            "default": option.default,
            "help": option.help,
        }
        for option in options_of(entry.load())
    ]


def _table(rows: list[dict[str, Any]]) -> str:
    """Return rows under their keys, in columns as wide as their widest cell."""
    cells = [[*rows[0]], *[[_cell(k, v) for k, v in row.items()] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in cells
    )


def _cell(key: str, value: Any) -> str:
    return f"x{value}" if key == "scale" else str(value) or "-"
