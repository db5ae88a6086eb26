"""`w2s bench --speed`: what methods cost on this machine."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from w2s_cli.cli.arguments import numbers
from w2s_cli.cli.output import note, table, warn, words
from w2s_cli.cli.progress import progress
from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from w2s_cli.bench.speed.speed_record import Ratio, Speeds
    from w2s_cli.bench.speed.timing import Setup, Timed

_MIB = 1 << 20
_HEADS = [
    *("method", "pixels", "seconds", "median", "runs", "Mpixel/s", "memory"),
    *("GFLOP", "GFLOP/s", "of peak"),
]
_COMPARED = ["seconds before", "ratio", "memory ratio", ""]


def print_json(speeds: "Speeds", before: "Speeds | None") -> None:
    """Print everything as one JSON object."""
    from w2s_cli.bench.speed.speed_record import differences, ratios

    record = speeds.as_json()
    if before:
        record["ratios"] = [ratio.as_json() for ratio in ratios(speeds, before)]
        record["remarks"] += differences(speeds, before)
    typer.echo(json.dumps(record, indent=2, allow_nan=False))


def print_text(speeds: "Speeds", before: "Speeds | None") -> None:
    """Print what was measured, and the table; on standard error, what to doubt."""
    from w2s_cli.bench.speed.speed_record import differences, ratios

    for subject, text in _stated(speeds).items():
        typer.echo(f"{subject}: {text}")
    typer.echo()
    heads = [*_HEADS, *(_COMPARED if before else [])]
    by_row = {(one.method, one.side): one for one in ratios(speeds, before or speeds)}
    lines = [
        _cells(row, speeds)
        + (_compared(by_row.get((row.method, row.side))) if before else [])
        for row in speeds.rows
    ]
    typer.echo(table([heads, *lines]))
    doubts = differences(speeds, before) if before else []
    for remark in [*speeds.remarks, *doubts]:
        warn(remark)


def _stated(speeds: "Speeds") -> dict[str, str]:
    """Return what a reader must know beside the numbers, by subject."""
    peaks = (f"{name} {peak:.0f} GFLOP/s" for name, peak in speeds.peaks.items())
    took = (f"{side} pixels {s:.2g} s" for side, s in speeds.estimates.items())
    return {
        "machine": words({**speeds.machine}),
        "timed": "from counts to counts, without files, with the noise known; seconds "
        "of the fastest run",
        "estimate of the noise, not timed with them": ", ".join(took),
        "memory": "most that the process held meanwhile, and tensors on a GPU",
        "peak of 3x3 convolutions": ", ".join(peaks) or "-",
    }


def _cells(row: "Timed", speeds: "Speeds") -> list[str]:
    share = row.share(speeds.peaks)
    return [
        row.method,
        str(row.side),
        _number(row.best),
        _number(row.median),
        str(len(row.times)),
        _number(row.megapixels),
        _memory(row),
        _number(row.gflop),
        _number(row.speed),
        "-" if share is None else f"{share:.0%}",
    ]


def _memory(row: "Timed") -> str:
    if row.memory is None:
        return "-"
    own = f"{row.memory / _MIB:.0f} MiB"
    if row.device_memory is None:
        return own
    return f"{own} + {row.device_memory / _MIB:.0f} MiB"


def _compared(ratio: "Ratio | None") -> list[str]:
    if ratio is None:
        return ["-", "-", "-", ""]
    memory = "-" if ratio.memory is None else f"{ratio.memory:.2f}"
    return [_number(ratio.before), f"{ratio.seconds:.2f}", memory, ratio.verdict]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


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
    from w2s_cli.bench.speed.run_speed import SIZES, run_speed
    from w2s_cli.bench.speed.speed_record import write_speeds
    from w2s_cli.io.targets import check_writable

    if output:
        check_writable(output, overwrite=overwrite)
    before = _earlier(against)
    sides = numbers(sizes, "--sizes") if sizes else SIZES
    with progress("", quiet=quiet) as bar:
        bar.start(len(setups) * len(sides))
        speeds = run_speed(setups, sides, on_row=bar.rename, on_done=bar.advance)
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
    from w2s_cli.bench.speed.run_speed import shipped
    from w2s_cli.bench.speed.timing import Setup
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
    from w2s_cli.bench.speed.speed_record import read_speeds

    return read_speeds(Path(against)) if against else None
