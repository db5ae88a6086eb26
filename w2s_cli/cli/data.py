"""`w2s data`: sets of images and their truths."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli.arguments import names, numbers
from w2s_cli.cli.commands import Command, Commands
from w2s_cli.cli.data_report import prepared_json, show_checked, show_prepared
from w2s_cli.cli.progress import progress
from w2s_cli.cli.wording import table
from w2s_cli.errors import InputError

data = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None)

_Raw = Annotated[
    Path,
    typer.Argument(
        help="W2S_raw.zip, its folder, or the folder of z-scores.", metavar="RAW"
    ),
]
_Output = Annotated[
    Path,
    typer.Option("--output", "-o", help="The folder to write into.", metavar="OUT"),
]
_Form = Annotated[
    str,
    typer.Option(
        "--form",
        help="normalized (z-scores, float32 NPY), png (8 bit), or both: a,b.",
        metavar="FORM",
    ),
]
_Levels = Annotated[
    str,
    typer.Option("--levels", help="How many captures are averaged.", metavar="LIST"),
]
_Fields = Annotated[
    str, typer.Option("--fields", help="Fields of view.", metavar="LIST")
]
_NoSim = Annotated[bool, typer.Option("--no-sim", help="Leave the SIM targets out.")]
_Grays = Annotated[
    float,
    typer.Option(
        "--grays-per-count", help="Scale of PNGs; the authors' own is not published."
    ),
]
_Place = Annotated[
    str,
    typer.Argument(help="A folder, a zip, or simulated.", metavar="PATH"),
]
_Truth = Annotated[
    Path | None,
    typer.Option(
        "--truth",
        help="The folder of the truths, where PATH has images alone.",
        metavar="FOLDER",
    ),
]
_Kind = Annotated[
    str,
    typer.Option(
        "--kind",
        help="Which of several that PATH holds; `w2s data list` names them.",
        metavar="NAME",
    ),
]


@data.callback()
def about() -> None:
    """Look at sets of images and their truths, and prepare W2S.

    For example:
      w2s data list
      w2s data check data/
      w2s data prepare w2s W2S_raw.zip -o data
    """


@data.command("prepare", cls=Command, no_args_is_help=True)
def prepare(
    which: Annotated[
        Literal["w2s"], typer.Argument(help="The data set: w2s.", metavar="w2s")
    ],
    raw: _Raw,
    output: _Output = Path("data"),
    form: _Form = "normalized",
    levels: _Levels = "1,2,4,8,16,400",
    fields: _Fields = "1-120",
    no_sim: _NoSim = False,
    grays_per_count: _Grays = 0.62,
    as_json: ask.JsonText = False,
    quiet: ask.Quiet = False,
) -> None:
    """Make the averages and SIM targets of W2S from a copy of it.

    For example:
      w2s data prepare w2s W2S_raw.zip -o data
      w2s data prepare w2s W2S_raw/ -o data --form normalized,png --fields 71-120

    The zip is read where it lies. Files that are done are checked, and not made again.
    """
    from w2s_cli.datasets.order import SIM, Order
    from w2s_cli.datasets.prepare import prepare as prepared

    order = Order(
        names([form]),
        [*numbers(levels, "--levels"), *([] if no_sim else [SIM])],
        numbers(fields, "--fields"),
        grays_per_count,
    )
    with progress(str(output), quiet=quiet) as bar:
        found = prepared(raw, output, order, bar.reach)
    show_prepared(found, raw, output, quiet=quiet)
    if as_json:
        typer.echo(json.dumps(prepared_json(found), indent=2))
    if found.failed:
        raise typer.Exit(1 if found.made or found.kept else InputError.exit_code)


@data.command("check", cls=Command, no_args_is_help=True)
def check(
    place: _Place,
    truth: _Truth = None,
    kind: _Kind = "",
    as_json: ask.JsonText = False,
    quiet: ask.Quiet = False,
) -> None:
    """Say what a data set is, what is there, missing or broken.

    For example:
      w2s data check data/normalized
      w2s data check W2S_raw.zip --json
      w2s data check noisy/ --truth clean/
    """
    from w2s_cli.datasets import find
    from w2s_cli.datasets.check import check as checked

    with progress(place, quiet=quiet) as bar:
        found = checked(find(place, kind=kind, truth=truth), bar.reach)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        show_checked(found)
    if found.faults:
        raise typer.Exit(InputError.exit_code)


@data.command("list", cls=Command)
def listed(as_json: ask.JsonText = False) -> None:
    """List the data sets that are known, and the files that tell each.

    For example:
      w2s data list
      w2s data list --json | jq '.[].name'
    """
    from w2s_cli.datasets import DATASETS

    heads = ["name", "summary", "source", "needs"]
    rows = [{head: getattr(row, head) for head in heads} for row in DATASETS]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    lines: Sequence[list[str]] = [[row[head] or "-" for head in heads] for row in rows]
    typer.echo(table([[*heads[:-1], "known by"], *lines]))
