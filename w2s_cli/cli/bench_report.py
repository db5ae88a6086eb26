"""A bench on standard output: as a table, as JSON; and as CSV in a file."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from w2s_cli.cli.output import table, warn

if TYPE_CHECKING:
    from w2s_cli.bench.results import BenchResult
    from w2s_cli.bench.run_bench import MethodResult
    from w2s_cli.bench.scores.intervals import Interval


def print_json(standings: "BenchResult") -> None:
    """Print everything as one JSON object."""
    typer.echo(json.dumps(standings.as_json(), indent=2, allow_nan=False))


def print_text(standings: "BenchResult") -> None:
    """Print what the numbers mean, and the table; on standard error, what to doubt."""
    for subject, text in standings.stated.items():
        typer.echo(f"{subject}: {text}")
    typer.echo()
    lines = [_cells(standings, measured) for measured in standings.rows]
    typer.echo(table([_heads(standings), *lines]))
    for remark in standings.remarks:
        warn(remark)


def write_csv(standings: "BenchResult", path: Path) -> None:
    """Write a line an image of each row."""
    from w2s_cli.io.targets import replacing

    with replacing(path) as temporary, temporary.open("w", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        heads = ["method", "level", "image", "field", *standings.metrics]
        writer.writerow([*heads, "seconds", "error", "protocol"])
        for measured in standings.rows:
            for one in measured.images:
                scores = [one.scores.get(metric, "") for metric in standings.metrics]
                writer.writerow(
                    [
                        *(measured.row.name, measured.row.level, one.name, one.group),
                        *(*scores, one.seconds, one.error, standings.protocol),
                    ]
                )


def _heads(standings: "BenchResult") -> list[str]:
    """Return the first line of the table: of a metric its mean and its interval."""
    scores = [head for metric in standings.metrics for head in (metric, "95 %")]
    papers = []
    if standings.tables:
        papers = [h for m in standings.metrics for h in (f"paper {m}", "differs by")]
    return ["method", "level", "images", *scores, *papers, "seconds"]


def _cells(standings: "BenchResult", measured: "MethodResult") -> list[str]:
    """Return the line of a row."""
    row = measured.row
    cells = [row.name, str(row.level), str(len(measured.images))]
    found = {metric: measured.interval(metric) for metric in standings.metrics}
    cells += [cell for one in found.values() for cell in _mean(one)]
    if standings.tables:
        figures = standings.printed(measured)
        for metric, one in found.items():
            cells += _beside(one, figures.get(metric))
    return [*cells, f"{measured.seconds:.3g}" if measured.done else "-"]


def _mean(one: "Interval | None") -> list[str]:
    """Return a mean and the ends of its interval."""
    if one is None:
        return ["-", "-"]
    known = one.low is not None and one.high is not None
    ends = f"{one.low:.4g} to {one.high:.4g}" if known else "-"
    return [f"{one.mean:.4g}", ends]


def _beside(one: "Interval | None", figure: float | None) -> list[str]:
    """Return a printed figure, and by how much the mean differs from it."""
    if figure is None:
        return ["-", "-"]
    return [f"{figure:g}", f"{one.mean - figure:+.2g}" if one else "-"]
