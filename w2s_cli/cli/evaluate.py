"""`w2s evaluate`: how near images are to their references, and what that means."""

import csv
import re
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli import score_options as scoring
from w2s_cli.cli.arguments import names
from w2s_cli.cli.output import note, print_json, print_result, table, warn
from w2s_cli.cli.score_options import convention_of
from w2s_cli.cli.typer_options import arg
from w2s_cli.errors import UsageError, few

if TYPE_CHECKING:
    from w2s_cli.bench.scores.evaluation import Evaluation
    from w2s_cli.bench.scores.matching import Match


def warn_of(found: "Evaluation") -> None:
    """Warn of what speaks against the scores, once for all images concerned."""
    doubtful: dict[str, list[str]] = {}
    for image in found.images:
        for warning in image.warnings:
            doubtful.setdefault(warning, []).append(image.match.name)
    for warning, images in doubtful.items():
        warn(f"{few(images)}: {warning}")
    for metric in found.config.metrics:
        lost = len(found.images) - found.finite(metric)
        if lost:
            warn(
                f"the mean of {metric} leaves out {lost} of {len(found.images)} images"
            )


def print_tables(found: "Evaluation", protocol: str, *, per_image: bool) -> None:
    """Print the means, and under them all that decides what they mean."""
    from w2s_cli.bench.scores.convention import stated
    from w2s_cli.bench.scores.intervals import FEWEST, too_narrow

    if per_image:
        lines = [
            [image.match.name, *map(_number, image.scores.values())]
            for image in found.images
        ]
        print_result(table([["image", *found.config.metrics], *lines]) + "\n")
    head = [
        "metric",
        "mean",
        f"{100 * found.config.level:g} % interval",
        "unit",
        "better",
    ]
    print_result(table([head, *_means(found)]) + "\n")
    fields = "field" if found.groups == 1 else "fields"
    facts = {
        "images": f"{len(found.images)}, of {found.groups} {fields} of view",
        "protocol": protocol,
        **stated(found.config.convention, found.config.metrics),
    }
    if found.groups > 1:
        facts["interval"] = (
            f"bootstrap over fields, {found.config.resamples} draws, "
            f"seed {found.config.seed}"
        )
    print_result(table([[*fact] for fact in facts.items()]))
    if found.groups == 1:
        note("no intervals: one field of view says nothing of others")
    elif found.groups < FEWEST:
        warn(too_narrow(found.groups))


def write_csv(found: "Evaluation", path: Path, *, overwrite: bool) -> None:
    """Write a row an image."""
    from w2s_cli.bench.scores.evaluation import rows
    from w2s_cli.io.atomic_files import replacing

    lines = rows(found)
    with (
        replacing(path, overwrite=overwrite) as temporary,
        temporary.open("w", newline="") as file,
    ):
        writer = csv.DictWriter(file, [*lines[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def _means(found: "Evaluation") -> list[list[str]]:
    from w2s_cli.bench.scores.evaluation import unit_of
    from w2s_cli.metrics import METRICS

    lines = []
    for name in found.config.metrics:
        mean = found.means[name]
        ends = "-"
        if mean.low is not None and mean.high is not None:
            ends = f"{_number(mean.low)} to {_number(mean.high)}"
        unit = unit_of(name, found) or "-"
        lines.append([name, _number(mean.mean), ends, unit, METRICS[name].better])
    return lines


def _number(value: float) -> str:
    """Return four digits; trailing zeros too, so that columns can be compared."""
    return f"{value:#.4g}".rstrip(".") if isfinite(value) else f"{value:g}"


_METRICS = ("rmse", "psnr", "ssim")


def evaluate(
    predictions: Annotated[
        Path, arg("An image, or a folder of images.", metavar="PREDICTIONS")
    ],
    references: Annotated[
        Path | None,
        arg(
            "What they should be; in a folder, of the same names.", metavar="REFERENCES"
        ),
    ] = None,
    metric: scoring.Metrics = None,
    protocol: scoring.Protocol = "plain",
    unit: scoring.Unit = None,
    black: scoring.Black = None,
    white: scoring.White = None,
    data_range: scoring.DataRange = None,
    ssim_range: scoring.SsimRange = None,
    window: scoring.Window = None,
    border: scoring.Border = None,
    corners: scoring.Corners = None,
    clip: scoring.Clip = None,
    fit: scoring.Fit = None,
    strip: scoring.Strip = "",
    common: scoring.Common = False,
    group_by: scoring.GroupBy = None,
    inputs: scoring.Input = None,
    pristine: scoring.Pristine = None,
    vgg: scoring.Vgg = None,
    axes: ask.Axes = None,
    channel: ask.ChannelName = None,
    level: scoring.Level = 0.95,
    resamples: scoring.Resamples = 10_000,
    seed: scoring.Seed = 0,
    per_image: scoring.PerImage = False,
    as_json: ask.JsonText = False,
    csv: scoring.Csv = None,
    overwrite: ask.Overwrite = False,
) -> None:
    """Score images against references, and say what each number means.

    For example:
      w2s evaluate restored/ truth/
      w2s evaluate restored/ truth/ --strip _jdsr --fit affine --csv scores.csv
      w2s evaluate denoised/ avg400/ --protocol w2s -m rmse,ssim
      w2s evaluate restored/ --metric niqe,decorrelation --per-image

    Means come with 95 % intervals over fields of view. w2s(1) lists the exit codes.
    """
    from w2s_cli.bench.scores.evaluation import EvaluationConfig
    from w2s_cli.bench.scores.evaluation import as_json as json_of
    from w2s_cli.bench.scores.evaluation import evaluate as score_all
    from w2s_cli.bench.scores.matching import field_of
    from w2s_cli.bench.scores.score import resources_for
    from w2s_cli.io.targets import check_writable

    if csv:
        check_writable(csv, overwrite=overwrite)
    pattern = _compiled(group_by)
    metrics = names(metric or ()) or _METRICS
    convention = convention_of(
        protocol,
        unit=unit,
        black=black,
        white=white,
        data_range=data_range,
        ssim_range=ssim_range,
        window=window,
        border=border,
        corners=corners,
        clip=clip,
        fit=fit,
    )
    _check_needs(metrics, references, inputs)
    resources = resources_for(metrics, convention, pristine, vgg)
    config = EvaluationConfig(
        metrics, convention, resources, axes, channel, level, resamples, seed
    )
    matches = _matches(predictions, references, inputs, strip=strip, common=common)
    groups = [field_of(match.name, pattern) for match in matches]
    found = score_all(matches, groups, config)
    warn_of(found)
    if csv:
        write_csv(found, csv, overwrite=overwrite)
    if as_json:
        print_json(json_of(found, protocol))
    else:
        print_tables(found, protocol, per_image=per_image)
    raise typer.Exit(0 if found.whole else 1)


def _compiled(group_by: str | None) -> re.Pattern[str] | None:
    try:
        return None if group_by is None else re.compile(group_by)
    except re.error as error:
        raise UsageError(
            f"--group-by {group_by} is no regular expression: {error}",
            hint=r"for example --group-by '(\d+)_'",
        ) from None


def _check_needs(
    metrics: Sequence[str], references: Path | None, inputs: Path | None
) -> None:
    """Refuse metrics of images that the command line does not name."""
    from w2s_cli.bench.scores.score import WITHOUT_REFERENCE
    from w2s_cli.metrics import METRICS

    for name in metrics:
        needs = METRICS[name].needs
        if references is None and needs not in WITHOUT_REFERENCE:
            raise UsageError(
                f"{name} needs references", hint="name them after the predictions"
            )
        if inputs is None and needs == "input":
            raise UsageError(
                f"{name} needs what the predictions were made of",
                hint="name it with --input",
            )


def _matches(
    predictions: Path,
    references: Path | None,
    inputs: Path | None,
    *,
    strip: str,
    common: bool,
) -> "list[Match]":
    from w2s_cli.bench.scores.matching import matched, with_inputs
    from w2s_cli.io.formats import image_files

    found = matched(predictions, references, strip=strip, common=common)
    for folder in (predictions, references) if common and references else ():
        count = sum(1 for _ in image_files(folder)) - len(found)
        if count:
            note(f"{count} images of {folder} have no partner and are left out")
    return found if inputs is None else with_inputs(found, inputs)
