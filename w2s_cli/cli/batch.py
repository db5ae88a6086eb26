"""`w2s batch`: what has become of many files."""

from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli.commands import Command, Commands
from w2s_cli.cli.output import print_json, print_result, table
from w2s_cli.cli.restore import restore
from w2s_cli.cli.typer_options import arg, opt
from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from w2s_cli.batch.batch_status import BatchStatus

batch = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None)

_Folder = Annotated[Path, arg("The folder of outputs of w2s restore.", metavar="OUT")]


_PASSED_ON = {"ignore_unknown_options": True, "allow_extra_args": True}
_Tasks = Annotated[int, opt("Parts of the files, a task each.", min=1)]
_Cpus = Annotated[int, opt("Cores of a task.", min=1)]
_Memory = Annotated[int, opt("GB of memory of a task.", min=1)]
_Hours = Annotated[float, opt("Hours that a task may take.", min=0)]
_Gpu = Annotated[bool, opt("Ask for a GPU for each task.", "--gpu")]
_Container = Annotated[
    str, opt("An image of a container with w2s in it.", metavar="IMAGE")
]


@batch.callback()
def about() -> None:
    """Have a cluster restore many files, and say what has become of them.

    For example:
      w2s batch status restored/
      w2s batch status restored/ --json | jq -r '.missing[].source'
      w2s batch slurm --tasks 20 --gpu raw/ -o restored/ --method denoise > w2s.sh
      w2s batch snakemake --tasks 20 raw/ -o restored/ --recursive > Snakefile
      w2s batch nextflow raw/ -o restored/ --method jdsr > main.nf
    """


_ABOUT = {
    "slurm": """Print a script for sbatch; all other words are those of w2s restore.

    For example:
      w2s batch slurm --tasks 20 raw/ -o restored/ --method denoise > w2s.sh
      sbatch w2s.sh
    """,
    "snakemake": """Print a Snakefile; all other words are those of w2s restore.

    For example:
      w2s batch snakemake --tasks 20 raw/ -o restored/ --recursive > Snakefile
      snakemake --cores all
    """,
    "nextflow": """Print a Nextflow workflow; all other words are those of w2s restore.

    Each file is a task, subfolders too.

    For example:
      w2s batch nextflow raw/ -o restored/ --method jdsr > main.nf
      nextflow run main.nf
    """,
}


def _script(engine: str, about: str) -> Callable[..., None]:
    """Return the command that prints the script of an engine."""

    def script(
        context: typer.Context,
        tasks: _Tasks = 10,
        cpus: _Cpus = 2,
        memory: _Memory = 8,
        hours: _Hours = 4.0,
        gpu: _Gpu = False,
        container: _Container = "",
    ) -> None:
        from w2s_cli.batch.engines import ENGINES, Request

        words = _of_restore(context.args)
        asked = Request(*words, tasks, cpus, memory, hours, gpu, container)
        print_result(ENGINES[engine](asked).rstrip())

    script.__doc__ = about
    if engine == "nextflow":  # which has a task for each file
        said = signature(script)
        kept = [one for one in said.parameters.values() if one.name != "tasks"]
        script.__signature__ = said.replace(parameters=kept)  # type: ignore[attr-defined]
    return script


for _engine, _about in _ABOUT.items():
    batch.command(
        _engine,
        cls=Command,
        context_settings=_PASSED_ON,
        options_metavar="[OPTIONS] INPUT... -o OUT [OPTIONS OF w2s restore]",
        no_args_is_help=True,
    )(_script(_engine, _about))


_OF_SCRIPTS = ("resume", "shard", "dry_run", "as_json", "as_lines", "preview", "dask")


def _of_restore(words: list[str]) -> tuple[list[str], str, list[str]]:
    """Return the inputs, the output and the other words of `w2s restore`."""
    program = typer.Typer(rich_markup_mode=None)
    program.command("w2s restore", cls=Command)(restore)
    command = typer.main.get_command(program)
    context = command.make_context("w2s restore", [*words])  # refuses what it would
    given, _, order = command.make_parser(context).parse_args([*words])
    options = []
    for param in dict.fromkeys(order):
        name = param.name or ""
        if name in _OF_SCRIPTS:
            raise UsageError(
                f"{param.opts[0]} is not for a script", hint="leave it out"
            )
        if param.param_type_name == "argument" or name == "output":
            continue
        values = given[name] if param.multiple else [given[name]]
        for value in values:
            options += [param.opts[0], *([] if value is True else [value])]
    output = Path(given["output"])
    if output.suffix and not output.is_dir():
        raise UsageError(f"{output} is no folder", hint="name a folder with -o")
    return [*(given["inputs"] or ())], given["output"], options


@batch.command("status", cls=Command, no_args_is_help=True)
def status(folder: _Folder, as_json: ask.JsonText = False) -> None:
    """Say what is done, what failed and why, and what is missing."""
    from w2s_cli.batch.batch_status import batch_status

    found = batch_status(folder)
    if as_json:
        print_json(found.as_json())
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
