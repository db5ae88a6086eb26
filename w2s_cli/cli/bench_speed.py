"""`w2s bench --speed`: what methods cost on this machine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from w2s_cli.cli.arguments import numbers
from w2s_cli.cli.progress import progress
from w2s_cli.cli.speed_report import print_json, print_text
from w2s_cli.cli.telling import note
from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from w2s_cli.evaluation.speed.record import Speeds
    from w2s_cli.evaluation.speed.timing import Setup

Speed = Annotated[
    bool, typer.Option("--speed", help="Measure seconds and memory, not quality.")
]
Sizes = Annotated[
    str | None,
    typer.Option(
        "--sizes",
        help="With --speed: sides of the planes, in pixels.  [default: 512,1024,2048]",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="With --speed: a file to compare with later.",
        metavar="FILE.json",
    ),
]
_ALONE = ("sizes", "output")  # these mean something with --speed alone
_NEVER = (
    *("data", "levels", "split", "fields", "metric", "protocol", "noise", "jobs"),
    *("data_range", "ssim_range", "window", "fit"),
    *("cache", "csv", "report", "suite"),
)


def check_meant(context: typer.Context, against: str | None, *, speed: bool) -> None:
    """Refuse options that mean nothing with, or without, `--speed`.

    Raises
    ------
    UsageError
        When there is one on the command line, or `against` is for the other case.
    """
    if against and speed == (against == "paper"):
        raise UsageError(
            f"--against {against} means nothing {'with' if speed else 'without'} "
            "--speed",
            hint="the papers have quality, files of `w2s bench --speed -o` have speed",
        )
    told = {option.name: option.opts[0] for option in context.command.params}
    for name in _NEVER if speed else _ALONE:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise UsageError(
                f"{told[name]} means nothing {'with' if speed else 'without'} --speed",
                hint="w2s bench --help says what each option is for",
            )


def bench_speed(
    setups: "Sequence[Setup]",
    sizes: str | None,
    *,
    against: str | None,
    output: Path | None,
    as_json: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Time methods, print what they took, and write it for later.

    Raises
    ------
    UsageError
        When there is no such method, option or device, or a size makes no sense.
    InputError
        When what to compare with cannot be read.
    OutputError
        When the file exists or cannot be written.
    typer.Exit
        When a method could not be timed.
    """
    from w2s_cli.evaluation.speed.record import write_speeds
    from w2s_cli.evaluation.speed.run import SIZES, run
    from w2s_cli.files.target import check_place

    if output:
        check_place(output, overwrite=overwrite)
    before = _earlier(against)
    sides = numbers(sizes, "--sizes") if sizes else SIZES
    with progress("", quiet=quiet) as bar:
        bar.start(len(setups) * len(sides))
        speeds = run(setups, sides, on_row=bar.rename, on_done=bar.advance)
    print_json(speeds, before) if as_json else print_text(speeds, before)
    if output:
        write_speeds(speeds, output)
        if not quiet:
            note(f"compare with it: w2s bench --speed --against {output}")
    if speeds.failed:
        raise typer.Exit(1)


def setups_of(
    methods: Sequence[str],
    weights: Mapping[str, str],
    options: Sequence[str],
    **settings: Any,
) -> "list[Setup]":
    """Return what is to be timed: all methods that ship, where none is named.

    Raises
    ------
    UsageError
        When weights or options are for none of the methods.
    """
    from w2s_cli.evaluation.speed.run import shipped
    from w2s_cli.evaluation.speed.timing import Setup
    from w2s_cli.methods.build import options_for

    names = [*dict.fromkeys(methods)] or shipped()
    for name in weights:
        if name not in names:
            raise UsageError(
                f"weights are given for {name}, which is not timed",
                hint="write --weights METHOD=FILE, with METHOD as in --denoiser",
            )
    files = {name: (Path(file),) for name, file in weights.items()}
    return [
        Setup(name, has, files.get(name, ()), **settings)
        for name, has in zip(names, options_for(names, options), strict=True)
    ]


def _earlier(against: str | None) -> "Speeds | None":
    """Return the measurement that a file holds."""
    from w2s_cli.evaluation.speed.record import read_speeds

    return read_speeds(Path(against)) if against else None
