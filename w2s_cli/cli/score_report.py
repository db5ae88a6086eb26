"""How an evaluation reads: tables, what the numbers mean, JSON and CSV."""

import csv
import json
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from w2s_cli.cli.output import note, table, warn
from w2s_cli.errors import few

if TYPE_CHECKING:
    from w2s_cli.bench.scores.evaluation import Evaluation


def warn_of(found: "Evaluation") -> None:
    """Say what speaks against the scores, once for all images of which it does."""
    doubtful: dict[str, list[str]] = {}
    for image in found.images:
        for warning in image.warnings:
            doubtful.setdefault(warning, []).append(image.match.name)
    for warning, names in doubtful.items():
        warn(f"{few(names)}: {warning}")
    for metric in found.question.metrics:
        lost = len(found.images) - found.finite(metric)
        if lost:
            warn(
                f"the mean of {metric} leaves out {lost} of {len(found.images)} images"
            )


def print_tables(found: "Evaluation", protocol: str, *, per_image: bool) -> None:
    """Print the means, and under them all that decides what they mean."""
    from w2s_cli.bench.scores.intervals import FEWEST
    from w2s_cli.bench.scores.score_warnings import stated, too_narrow

    if per_image:
        typer.echo(table([["image", *found.question.metrics], *_images(found)]) + "\n")
    head = [
        "metric",
        "mean",
        f"{100 * found.question.level:g} % interval",
        "unit",
        "better",
    ]
    typer.echo(table([head, *_means(found)]) + "\n")
    facts = {
        "images": _images_in_words(found),
        "protocol": protocol,
        **stated(found.question.convention, found.question.metrics),
    }
    if found.groups > 1:
        facts["interval"] = (
            f"bootstrap over fields, {found.question.resamples} draws, "
            f"seed {found.question.seed}"
        )
    typer.echo(table([[*fact] for fact in facts.items()]))
    if found.groups == 1:
        note("no intervals: one field of view says nothing of others")
    elif found.groups < FEWEST:
        warn(too_narrow(found.groups))


def print_json(found: "Evaluation", protocol: str) -> None:
    """Print all there is as one JSON object."""
    from w2s_cli.bench.scores.evaluation_record import as_json

    typer.echo(json.dumps(as_json(found, protocol), indent=2))


def write_csv(found: "Evaluation", path: Path) -> None:
    """Write a row an image."""
    from w2s_cli.bench.scores.evaluation_record import rows
    from w2s_cli.io.targets import replacing

    lines = rows(found)
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*lines[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def _images(found: "Evaluation") -> list[list[str]]:
    return [
        [image.match.name, *map(_shown, image.scores.values())]
        for image in found.images
    ]


def _means(found: "Evaluation") -> list[list[str]]:
    from w2s_cli.bench.scores.evaluation_record import unit_of
    from w2s_cli.metrics import METRICS

    lines = []
    for name in found.question.metrics:
        mean = found.means[name]
        ends = "-"
        if mean.low is not None and mean.high is not None:
            ends = f"{_shown(mean.low)} to {_shown(mean.high)}"
        unit = unit_of(name, found) or "-"
        lines.append([name, _shown(mean.mean), ends, unit, METRICS[name].better])
    return lines


def _images_in_words(found: "Evaluation") -> str:
    fields = "field" if found.groups == 1 else "fields"
    return f"{len(found.images)}, of {found.groups} {fields} of view"


def _shown(value: float) -> str:
    """Return four digits; trailing zeros too, so that columns can be compared."""
    return f"{value:#.4g}".rstrip(".") if isfinite(value) else f"{value:g}"
