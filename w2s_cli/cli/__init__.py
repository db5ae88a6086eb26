"""The `w2s` command: this table is the program's table of contents."""

from typing import Annotated

import typer

from w2s_cli import __version__
from w2s_cli.cli.adapt import adapt
from w2s_cli.cli.batch import batch
from w2s_cli.cli.bench import bench
from w2s_cli.cli.bench_claims import BenchCommand
from w2s_cli.cli.blend import blend
from w2s_cli.cli.check import check
from w2s_cli.cli.commands import Command, Commands, stoppable, streams
from w2s_cli.cli.convert import convert
from w2s_cli.cli.data import data
from w2s_cli.cli.demo import demo
from w2s_cli.cli.estimate_defects import estimate_defects
from w2s_cli.cli.estimate_kernel import estimate_kernel
from w2s_cli.cli.estimate_noise import estimate_noise
from w2s_cli.cli.evaluate import evaluate
from w2s_cli.cli.export import export
from w2s_cli.cli.fetch import fetch
from w2s_cli.cli.fiji import fiji
from w2s_cli.cli.info import info
from w2s_cli.cli.inspect import inspect
from w2s_cli.cli.make_kernel import make_kernel
from w2s_cli.cli.methods import methods
from w2s_cli.cli.output import print_result
from w2s_cli.cli.restore import restore
from w2s_cli.cli.simulate import simulate
from w2s_cli.cli.speed import speed
from w2s_cli.cli.train import train
from w2s_cli.cli.typer_options import opt

app = typer.Typer(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("restore", cls=Command, no_args_is_help=True)(restore)
app.add_typer(batch, name="batch")
app.command("methods", cls=Command)(methods)
app.command("info", cls=Command, no_args_is_help=True)(info)
app.command("estimate-noise", cls=Command, no_args_is_help=True)(estimate_noise)
app.command("estimate-defects", cls=Command, no_args_is_help=True)(estimate_defects)
app.command("estimate-kernel", cls=Command, no_args_is_help=True)(estimate_kernel)
app.command("make-kernel", cls=Command, no_args_is_help=True)(make_kernel)
app.command("simulate", cls=Command, no_args_is_help=True)(simulate)
app.command("check", cls=Command, no_args_is_help=True)(check)
app.command("evaluate", cls=Command, no_args_is_help=True)(evaluate)
app.command("train", cls=Command, no_args_is_help=True)(train)
app.command("adapt", cls=Command, no_args_is_help=True)(adapt)
app.add_typer(data, name="data")
app.command("bench", cls=BenchCommand)(bench)
app.command("speed", cls=Command)(speed)
app.command("fetch", cls=Command, no_args_is_help=True)(fetch)
app.add_typer(fiji, name="fiji")
app.command("inspect", cls=Command, no_args_is_help=True)(inspect)
app.command("convert", cls=Command, no_args_is_help=True)(convert)
app.command("export", cls=Command, no_args_is_help=True)(export)
app.command("blend", cls=Command, no_args_is_help=True)(blend)
app.command("demo", cls=Command)(demo)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_result(f"w2s {__version__}")
        raise typer.Exit


@app.callback()
def w2s(
    version: Annotated[
        bool,
        opt("Say the version.", "--version", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Denoise and super-resolve fluorescence microscopy stacks.

    For example:
      w2s demo                                   see what it does
      w2s restore cell.tif -o sharp.tif          denoise and enlarge x2
      w2s restore raw/ -o clean/ --method denoise
      w2s methods                                what there is to choose from
      w2s info sharp.tif                         what was done to a file
    """


def main() -> None:
    """Run the command line."""
    with streams(), stoppable():
        app(prog_name="w2s")
