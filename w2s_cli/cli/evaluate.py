"""`w2s evaluate`: how near images are to their references, and what that means."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli import score_options as mean
from w2s_cli.cli.score_options import convention_of
from w2s_cli.cli.score_report import print_json, print_tables, warn_of, write_csv
from w2s_cli.cli.telling import note
from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from w2s_cli.evaluation.scores.aids import Aids
    from w2s_cli.evaluation.scores.matching import Match

_METRICS = "rmse,psnr,ssim"


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
    metric: mean.Metrics = None,
    protocol: mean.Protocol = "plain",
    unit: mean.Unit = None,
    black: mean.Black = None,
    white: mean.White = None,
    data_range: mean.DataRange = None,
    ssim_range: mean.SsimRange = None,
    window: mean.Window = None,
    border: mean.Border = None,
    corners: mean.Corners = None,
    clip: mean.Clip = None,
    fit: mean.Fit = None,
    strip: Annotated[
        str,
        typer.Option("--strip", help="An ending of the names of predictions only."),
    ] = "",
    common: Annotated[
        bool, typer.Option("--common", help="Leave images without a partner out.")
    ] = False,
    group_by: Annotated[
        str | None,
        typer.Option(
            "--group-by",
            help="Finds the field in a name: 081 in 081_2 by default.",
            metavar="REGEX",
        ),
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(
            "--input",
            help="What predictions were made of, for rse and rsp.",
            metavar="PATH",
        ),
    ] = None,
    pristine: Annotated[
        Path | None,
        typer.Option(
            "--pristine", help="A model of sharp images, for niqe.", metavar="FILE"
        ),
    ] = None,
    vgg: Annotated[
        Path | None,
        typer.Option("--vgg", help="Weights of VGG, for vgg-distance.", metavar="FILE"),
    ] = None,
    axes: ask.Axes = None,
    channel: ask.ChannelName = None,
    level: Annotated[
        float, typer.Option("--level", help="Of the intervals.", min=0.5, max=0.999)
    ] = 0.95,
    resamples: Annotated[
        int, typer.Option("--resamples", help="Draws of fields.", min=100)
    ] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="Of the draws.", min=0)] = 0,
    per_image: Annotated[
        bool, typer.Option("--per-image", help="List each image too.")
    ] = False,
    as_json: ask.JsonText = False,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", help="Write a row an image.", metavar="FILE"),
    ] = None,
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
    from w2s_cli.evaluation.scores.evaluate import Question
    from w2s_cli.evaluation.scores.evaluate import evaluate as score_all
    from w2s_cli.evaluation.scores.matching import field_of
    from w2s_cli.files.target import check_place

    if csv:
        check_place(csv, overwrite=overwrite)
    pattern = _compiled(group_by)
    names = [name for given in metric or [_METRICS] for name in given.split(",")]
    question = Question(
        tuple(dict.fromkeys(names)),
        convention_of(
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
        ),
        _aids(names, pristine, vgg, references, inputs),
        axes,
        channel,
        level,
        resamples,
        seed,
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


def _aids(
    names: list[str],
    pristine: Path | None,
    vgg: Path | None,
    references: Path | None,
    inputs: Path | None,
) -> "Aids":
    """Return what metrics need besides images, if those are there."""
    from w2s_cli.evaluation.scores.aids import WITHOUT_REFERENCE, aids_for
    from w2s_cli.metrics import METRICS

    for name in names:
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
    return aids_for(names, pristine, vgg)


def _matches(
    predictions: Path,
    references: Path | None,
    inputs: Path | None,
    *,
    strip: str,
    common: bool,
) -> "list[Match]":
    from w2s_cli.evaluation.scores.matching import matched, with_inputs

    found = matched(predictions, references, strip=strip, common=common)
    if common and references is not None:
        _note_left_out(found, predictions, references)
    return found if inputs is None else with_inputs(found, inputs)


def _note_left_out(found: "list[Match]", *folders: Path) -> None:
    """Say how many images of folders have no partner."""
    from w2s_cli.files.folder import images

    for folder in folders:
        count = sum(1 for _ in images(folder)) - len(found)
        if count:
            note(f"{count} images of {folder} have no partner and are left out")
