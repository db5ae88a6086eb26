"""`w2s batch`: what has become of many files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli.commands import Command, Commands
from w2s_cli.cli.output import print_result, table

if TYPE_CHECKING:
    from w2s_cli.batch.batch_status import BatchStatus

batch = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None)

_Folder = Annotated[
    Path, typer.Argument(help="The folder of outputs of w2s restore.", metavar="OUT")
]


@batch.callback()
def about() -> None:
    """Say what has become of many files.

    For example:
      w2s batch status restored/
      w2s batch status restored/ --json | jq -r '.missing[].source'
    """


@batch.command("status", cls=Command, no_args_is_help=True)
def status(folder: _Folder, as_json: ask.JsonText = False) -> None:
    """Say what is done, what failed and why, and what is missing."""
    from w2s_cli.batch.batch_status import batch_status

    found = batch_status(folder)
    if as_json:
        print_result(json.dumps(found.as_json(), indent=2))
    else:
        _show(found)
    raise typer.Exit(0 if found.complete else 1)


def _show(found: "BatchStatus") -> None:
    counts = {
        "done": found.done,
        "failed": len(found.failed),
        "missing": len(found.missing),
        "input gone": len(found.gone),
        "at work": found.running,
    }
    optional = ("input gone", "at work")
    said = (f"{n} {name}" for name, n in counts.items() if n or name not in optional)
    print_result(f"{found.folder}: {', '.join(said)}")
    lines = [["failed", one["source"], one["error"]] for one in found.failed]
    lines += [["missing", one["source"], one["why"]] for one in found.missing]
    lines += [["input gone", one["source"], "-"] for one in found.gone]
    if lines:
        print_result(table(lines))
    for doubt in found.doubts:
        print_result(doubt)
    if not found.complete and not found.running:
        print_result("do what is missing: the same command again, with --resume")
