"""`w2s fetch`: published weights and data, by name."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from w2s_cli.cli import completion
from w2s_cli.cli import options as ask
from w2s_cli.cli.output import TERMINAL, note, print_error, print_result, table
from w2s_cli.cli.progress import progress
from w2s_cli.cli.typer_options import arg, opt
from w2s_cli.errors import UsageError, W2SError

if TYPE_CHECKING:
    from w2s_cli.weights.catalogue import Item


Names = Annotated[
    list[str] | None,
    arg("Published weights or data.", metavar="NAME", complete=completion.published),
]
All = Annotated[bool, opt("Fetch all weights; data need to be named.", "--all")]
List = Annotated[bool, opt("Say what there is, and fetch nothing.", "--list")]
AsJson = Annotated[bool, opt("List as JSON instead of a table.", "--json")]
From = Annotated[
    Path | None,
    opt("Take files from a folder, not the network.", "--from", metavar="FOLDER"),
]
Mirror = Annotated[str, opt("Download from another address.", metavar="URL")]
PrintPath = Annotated[bool, opt("Print where each file is.", "--print-path")]


def fetch(
    wanted: Names = None,
    everything: All = False,
    listed: List = False,
    as_json: AsJson = False,
    folder: From = None,
    mirror: Mirror = "",
    print_path: PrintPath = False,
    quiet: ask.Quiet = False,
) -> None:
    """Fetch published weights and data, and check them.

    For example:
      w2s fetch --list
      w2s fetch dncnn-fmd
      w2s fetch --all --from /media/stick
      w2s inspect $(w2s fetch n2n-fmd --print-path)

    Files are kept in W2S_CACHE_DIR; a file that is there is not fetched again.
    """
    if folder and mirror:
        raise UsageError("--from and --mirror exclude each other", hint="drop one")
    if as_json and not listed:
        raise UsageError("--json goes with --list", hint="add --list")
    items = _items(wanted or [], everything=everything, listed=listed)
    if listed:
        rows = [_row(item) for item in items]
        print_result(json.dumps(rows, indent=2) if as_json else _table(rows))
        return
    from w2s_cli.weights.cache import fetched_path

    codes = []
    for item in items:
        try:
            with progress(item.name, quiet=quiet, download=True) as bar:
                path = fetched_path(
                    item.name, folder=folder, mirror=mirror, progress=bar.reach
                )
        except W2SError as error:
            print_error(error)
            codes.append(error.exit_code)
        else:
            if not quiet:
                terms = f"licence: {item.licence}; cite {item.citation}"
                note(f"{item.name} -> {path} ({terms})")
                if item.note:
                    note(f"{item.name}: {item.note}")
            if print_path:
                print_result(str(path))
    if codes:
        raise typer.Exit(codes[0] if len(codes) == len(items) else 1)


def fetch_needed(methods: str, *, quiet: bool) -> None:
    """Fetch the weights that methods of the catalogue lack, and say so first."""
    from rich.filesize import decimal

    from w2s_cli.methods.build import parse
    from w2s_cli.weights.cache import fetched_weights, status
    from w2s_cli.weights.catalogue import WEIGHTS

    for name in dict.fromkeys(entry.name for entry in parse(methods)):
        item = WEIGHTS.get(name)
        if item is None or status(item).cached:
            continue
        if not quiet:
            size = f"{decimal(item.size)} " if item.size else ""
            note(f"{name}: fetching {size}from {item.url}")
        with progress(name, quiet=quiet, download=True) as bar:
            fetched_weights(name, bar.reach)


def _items(wanted: list[str], *, everything: bool, listed: bool) -> "list[Item]":
    """Return what the command line names, each once, before any of it is fetched."""
    from w2s_cli.weights.catalogue import DATASETS, WEIGHTS, find

    chosen = {name: find(name) for name in wanted}
    if everything or (listed and not wanted):
        chosen |= WEIGHTS
    if listed and not (wanted or everything):
        chosen |= DATASETS
    if not chosen:
        raise UsageError("nothing to fetch", hint="name it, or see `w2s fetch --list`")
    return [*chosen.values()]


def _row(item: "Item") -> dict[str, Any]:
    from w2s_cli.weights.cache import status

    state = status(item)
    return asdict(item) | {
        "path": str(state.path),
        "cached": state.cached,
        "hash": state.hashed,
        "sha256": state.sha256,
    }


def _table(rows: list[dict[str, Any]]) -> str:
    from rich.filesize import decimal

    heads = ["name", "size", "cached", "licence", "title"]
    shown = [
        row
        | {
            "size": decimal(row["size"]) if row["size"] else "-",
            "cached": "yes" if row["cached"] else "no",
        }
        for row in rows
    ]
    return table([heads, *[[row[head] for head in heads] for row in shown]], TERMINAL)
