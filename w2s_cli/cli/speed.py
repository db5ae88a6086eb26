"""`w2s speed`: what methods cost on this machine."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from w2s_cli.cli import completion
from w2s_cli.cli import options as ask
from w2s_cli.cli.arguments import names, numbers, weight_files
from w2s_cli.cli.output import note, print_result, readable, table, warn
from w2s_cli.cli.progress import progress
from w2s_cli.cli.typer_options import arg, opt
from w2s_cli.restorers import TILE

if TYPE_CHECKING:
    from w2s_cli.bench.run_speed import SpeedRatio, SpeedResult
    from w2s_cli.bench.timing import MethodSpeed, SpeedConfig


def speed(
    methods: Annotated[
        list[str] | None,
        arg(
            "What to time, joined by commas or one by one.  [default: every "
            "method that ships]",
            metavar="[METHOD]...",
            complete=completion.chains,
            show_default=False,
        ),
    ] = None,
    sizes: Annotated[
        str | None, opt("Sides of the planes, in pixels.  [default: 512,1024,2048]")
    ] = None,
    weights: Annotated[
        list[str] | None,
        opt(
            "Weights for a method.",
            metavar="NAME=FILE",
            complete=completion.weighted_methods,
        ),
    ] = None,
    option: ask.Options = None,
    against: Annotated[
        Path | None, opt("An earlier output to compare with.", metavar="FILE.json")
    ] = None,
    output: Annotated[
        Path | None,
        opt("A file to compare with later.", "--output", "-o", metavar="FILE.json"),
    ] = None,
    device: ask.Device = "auto",
    precision: ask.Precision = "auto",
    tile: ask.Tile = TILE,
    as_json: ask.JsonText = False,
    overwrite: ask.Overwrite = False,
    quiet: ask.Quiet = False,
) -> None:
    """Measure the seconds and memory that methods take on this machine.

    For example:
      w2s speed -o today.json
      w2s speed denoise,vst+bm3d --sizes 512 --against today.json
      w2s speed rcan --weights rcan=rcan.pth --device cuda

    Each method has a process of its own; nothing else should run meanwhile.
    """
    from w2s_cli.bench.run_speed import SIZES, read_speeds, run_speed, write_speeds
    from w2s_cli.io.targets import check_writable

    configs = speed_configs(
        names(methods or ()),
        weight_files(weights or ()),
        tuple(option or ()),
        device=device,
        precision=precision,
        tile=tile,
    )
    if output:
        check_writable(output, overwrite=overwrite)
    before = read_speeds(against) if against else None
    sides = numbers(sizes, "--sizes") if sizes else SIZES
    with progress("", quiet=quiet) as bar:
        bar.start(len(configs) * len(sides))
        result = run_speed(configs, sides, on_row=bar.rename, on_done=bar.advance)
    print_json(result, before) if as_json else print_text(result, before)
    if output:
        write_speeds(result, output, overwrite=overwrite)
        if not quiet:
            note(f"compare with it: w2s speed --against {output}")
    if result.failed:
        raise typer.Exit(1)


def speed_configs(
    methods: Sequence[str],
    weights: Mapping[str, str],
    options: Sequence[str],
    **settings: Any,
) -> "list[SpeedConfig]":
    """Return what is to be timed: all methods that ship, where none is named."""
    from w2s_cli.bench.run_speed import shipped
    from w2s_cli.bench.timing import SpeedConfig
    from w2s_cli.methods.build import check_weights, options_for, weights_for

    chosen = [*methods] or shipped()
    check_weights(chosen, weights)
    return [
        SpeedConfig(name, has, weights_for(name, weights), **settings)
        for name, has in zip(chosen, options_for(chosen, options), strict=True)
    ]


_MIB = 1 << 20
_HEADS = [
    *("method", "pixels", "seconds", "median", "runs", "Mpixel/s", "memory"),
    *("GFLOP", "GFLOP/s", "of peak"),
]
_COMPARED = ["seconds before", "ratio", "memory ratio", ""]


def print_json(result: "SpeedResult", before: "SpeedResult | None") -> None:
    """Print everything as one JSON object."""
    from w2s_cli.bench.run_speed import differences, ratios

    record = result.as_json()
    if before:
        record["ratios"] = [ratio.as_json() for ratio in ratios(result, before)]
        record["remarks"] += differences(result, before)
    print_result(json.dumps(record, indent=2, allow_nan=False))


def print_text(result: "SpeedResult", before: "SpeedResult | None") -> None:
    """Print what was measured, and the table; on standard error, what to doubt."""
    from w2s_cli.bench.run_speed import differences, ratios

    for subject, text in _stated(result).items():
        print_result(f"{subject}: {text}")
    print_result()
    heads = [*_HEADS, *(_COMPARED if before else [])]
    by_row = {(one.method, one.side): one for one in ratios(result, before or result)}
    lines = [
        _cells(row, result)
        + (_compared(by_row.get((row.method, row.side))) if before else [])
        for row in result.rows
    ]
    print_result(table([heads, *lines]))
    remarks = differences(result, before) if before else []
    for remark in [*result.remarks, *remarks]:
        warn(remark)


def _stated(result: "SpeedResult") -> dict[str, str]:
    """Return what a reader must know beside the numbers, by subject."""
    peaks = (f"{name} {peak:.0f} GFLOP/s" for name, peak in result.peaks.items())
    took = (f"{side} pixels {s:.2g} s" for side, s in result.estimates.items())
    return {
        "machine": readable({**result.machine}),
        "timed": "from counts to counts, without files, with the noise known; seconds "
        "of the fastest run",
        "estimate of the noise, not timed with them": ", ".join(took),
        "memory": "most that the process held meanwhile, and tensors on a GPU",
        "peak of 3x3 convolutions": ", ".join(peaks) or "-",
    }


def _cells(row: "MethodSpeed", result: "SpeedResult") -> list[str]:
    share = row.share(result.peaks)
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


def _memory(row: "MethodSpeed") -> str:
    if row.memory is None:
        return "-"
    own = f"{row.memory / _MIB:.0f} MiB"
    if row.device_memory is None:
        return own
    return f"{own} + {row.device_memory / _MIB:.0f} MiB"


def _compared(ratio: "SpeedRatio | None") -> list[str]:
    if ratio is None:
        return ["-", "-", "-", ""]
    memory = "-" if ratio.memory is None else f"{ratio.memory:.2f}"
    return [_number(ratio.before), f"{ratio.seconds:.2f}", memory, ratio.verdict]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
