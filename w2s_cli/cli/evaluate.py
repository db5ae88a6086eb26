"""`w2s evaluate`: how near images are to their references, and what that means."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli import score_options as scoring
from w2s_cli.cli.arguments import names
from w2s_cli.cli.output import note
from w2s_cli.cli.score_options import convention_of
from w2s_cli.cli.score_report import print_json, print_tables, warn_of, write_csv
from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from w2s_cli.bench.scores.matching import Match

_METRICS = ("rmse", "psnr", "ssim")


def evaluate(
    predictions: Annotated[
        Path,
        typer.Argument(help="An image, or a folder of images.", metavar="PREDICTIONS"),
    ],
    references: Annotated[
        Path | None,
        typer.Argument(
            help="What they should be; in a folder, of the same names.",
            metavar="REFERENCES",
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
    from w2s_cli.bench.scores.evaluation import Question
    from w2s_cli.bench.scores.evaluation import evaluate as score_all
    from w2s_cli.bench.scores.matching import field_of
    from w2s_cli.bench.scores.metric_resources import resources_for
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
    aids = resources_for(metrics, convention, pristine, vgg)
    question = Question(
        metrics, convention, aids, axes, channel, level, resamples, seed
    )
    matches = _matches(predictions, references, inputs, strip=strip, common=common)
    groups = [field_of(match.name, pattern) for match in matches]
    found = score_all(matches, groups, question)
    warn_of(found)
    if csv:
        write_csv(found, csv)
    if as_json:
        print_json(found, protocol)
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
    from w2s_cli.bench.scores.metric_resources import WITHOUT_REFERENCE
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

    found = matched(predictions, references, strip=strip, common=common)
    if common and references is not None:
        _note_left_out(found, predictions, references)
    return found if inputs is None else with_inputs(found, inputs)


def _note_left_out(found: "list[Match]", *folders: Path) -> None:
    """Say how many images of folders have no partner."""
    from w2s_cli.io.formats import image_files

    for folder in folders:
        count = sum(1 for _ in image_files(folder)) - len(found)
        if count:
            note(f"{count} images of {folder} have no partner and are left out")
