"""What methods took, on standard output: as a table, or as JSON."""

import json
from typing import TYPE_CHECKING

import typer

from w2s_cli.cli.telling import warn
from w2s_cli.cli.wording import table, words

if TYPE_CHECKING:
    from w2s_cli.evaluation.speed.ratio import Ratio
    from w2s_cli.evaluation.speed.record import Speeds
    from w2s_cli.evaluation.speed.timed import Timed

_MIB = 1 << 20
_HEADS = [
    *("method", "pixels", "seconds", "median", "runs", "Mpixel/s", "memory"),
    *("GFLOP", "GFLOP/s", "of peak"),
]
_COMPARED = ["seconds before", "ratio", "memory ratio", ""]


def print_json(speeds: "Speeds", before: "Speeds | None") -> None:
    """Print everything as one JSON object."""
    from w2s_cli.evaluation.speed.ratio import differences, ratios

    record = speeds.as_json()
    if before:
        record["ratios"] = [ratio.as_json() for ratio in ratios(speeds, before)]
        record["remarks"] += differences(speeds, before)
    typer.echo(json.dumps(record, indent=2, allow_nan=False))


def print_text(speeds: "Speeds", before: "Speeds | None") -> None:
    """Print what was measured, and the table; on standard error, what to doubt."""
    from w2s_cli.evaluation.speed.ratio import differences, ratios

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
