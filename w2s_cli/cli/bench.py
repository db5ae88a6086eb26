"""`w2s bench`: methods against each other, and against the tables of the papers."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from w2s_cli.cli import completion
from w2s_cli.cli import options as ask
from w2s_cli.cli import score_options as scoring
from w2s_cli.cli.arguments import names, numbers, weight_files
from w2s_cli.cli.bench_claims import (
    Claims,
    print_claims,
    suite_of,
    time_of,
    trained_for,
)
from w2s_cli.cli.bench_invention import Invention, Methods, refuse_others
from w2s_cli.cli.bench_invention import run as run_invention
from w2s_cli.cli.output import note, print_result, table, warn
from w2s_cli.cli.progress import progress
from w2s_cli.cli.score_options import convention_of
from w2s_cli.cli.typer_options import opt
from w2s_cli.restorers import TILE

if TYPE_CHECKING:
    from w2s_cli.bench.config import MethodConfig, Row
    from w2s_cli.bench.results import BenchResult
    from w2s_cli.bench.run_bench import MethodResult, Selection
    from w2s_cli.bench.scores.intervals import Interval

USUAL = "denoise,vst+bm3d,pure-let"
USUAL_METRICS = ("rmse", "ssim")

Denoisers = Annotated[
    list[str] | None,
    opt(
        f"Methods that keep the size, joined by commas.  [default: {USUAL}]",
        metavar="NAMES",
        complete=completion.chains,
    ),
]
Enlarging = Annotated[
    list[str] | None,
    opt(
        "Methods that enlarge: after each denoiser, and after none.",
        metavar="NAMES",
        complete=completion.chains,
    ),
]
Joint = Annotated[
    list[str] | None,
    opt(
        "Methods that denoise and enlarge at once.",
        metavar="NAMES",
        complete=completion.chains,
    ),
]
Data = Annotated[
    str | None,
    opt(
        "A folder, a zip, a set that was fetched, or a simulated one.  "
        "[default: simulated]",
        metavar="PATH",
        complete=completion.data_places,
    ),
]
Levels = Annotated[
    str | None, opt("Of noise, such as 1,2,4.  [default: all but the cleanest]")
]
Split = Annotated[
    str | None,
    opt(
        "Which images: test, validation, all, ...  "
        "[default: test, or all where there is none]"
    ),
]
Fields = Annotated[str | None, opt("Only these fields of view, such as 81-83,120.")]
Weights = Annotated[
    list[str] | None,
    opt(
        "Weights for a method; {level} in FILE is the level of noise.",
        metavar="NAME=FILE",
        complete=completion.weighted_methods,
    ),
]
Metrics = Annotated[
    list[str] | None,
    opt(
        "Names joined by commas, or given one by one.  [default: rmse,ssim]",
        "--metric",
        "-m",
        metavar="NAME",
        complete=completion.metrics,
    ),
]
Protocol = Annotated[
    str | None,
    opt(
        "As for `w2s evaluate`.  [default: that of the data set]",
        metavar="NAME",
        complete=completion.protocols,
    ),
]
NoiseOrigin = Annotated[
    Literal["estimated", "known"], opt("From each image, or as the data set knows it.")
]
Against = Annotated[Literal["paper"] | None, opt("Put the published figures beside.")]
Jobs = Annotated[int, opt("Processes that share the work.", "--jobs", "-j", min=1)]
Cache = Annotated[Path | None, opt("Where scores are kept.", metavar="FOLDER")]
Report = Annotated[Path | None, opt("Write a page with figures.", metavar="FILE.html")]


def bench(
    denoiser: Denoisers = None,
    sr: Enlarging = None,
    jdsr: Joint = None,
    data: Data = None,
    levels: Levels = None,
    split: Split = None,
    fields: Fields = None,
    weights: Weights = None,
    option: ask.Options = None,
    metric: Metrics = None,
    protocol: Protocol = None,
    data_range: scoring.DataRange = None,
    ssim_range: scoring.SsimRange = None,
    window: scoring.Window = None,
    fit: scoring.Fit = None,
    noise: NoiseOrigin = "estimated",
    against: Against = None,
    claims: Claims = None,
    invention: Invention = False,
    method: Methods = None,
    jobs: Jobs = 1,
    device: ask.Device = "auto",
    precision: ask.Precision = "auto",
    tile: ask.Tile = TILE,
    cache: Cache = None,
    as_json: ask.JsonText = False,
    csv: scoring.Csv = None,
    report: Report = None,
    overwrite: ask.Overwrite = False,
    quiet: ask.Quiet = False,
) -> None:
    """Compare methods on a set of images with known truth.

    For example:
      w2s bench
      w2s bench --denoiser dncnn --sr rcan
      w2s bench --data W2S --levels 1,2,4,8,16 --against paper
      w2s bench --data W2S --denoiser dncnn-w2s-avg{level} --sr rcan
          --weights rcan=rcan.pth --jdsr jdsr --jobs 8
      w2s bench --data NUC --sr "B=base.pth,B2=few.pth" --against paper
      w2s bench --data pairs/ --denoiser denoise --metric psnr,ssim
      w2s bench --claims --report claims.html
      w2s bench --invention --report invention.html

    Every score is kept: a bench that was stopped goes on where it was, and what has
    been scored before, by the same version, is not computed again.
    """
    from w2s_cli.bench.config import BenchConfig, method_config, protocol_for
    from w2s_cli.bench.results import BenchResult
    from w2s_cli.bench.run_bench import Selection, default_split, fields_named
    from w2s_cli.datasets import SIMULATED, find
    from w2s_cli.io.targets import check_writable

    refuse_others(
        invention,
        {
            **{"--method": method, "--denoiser": denoiser, "--sr": sr, "--jdsr": jdsr},
            **{"--data": data, "--split": split, "--metric": metric, "--csv": csv},
            **{"--protocol": protocol, "--against": against, "--claims": claims},
            **{"--range": data_range, "--ssim-range": ssim_range, "--window": window},
            **{"--fit": fit, "--cache": cache, "--jobs": jobs > 1},
        },
    )
    if invention:
        run_invention(
            method,
            levels=levels,
            fields=fields,
            weights=weights,
            options=option,
            as_json=as_json,
            report=report,
            overwrite=overwrite,
            quiet=quiet,
            **{"device": device, "precision": precision, "tile": tile},
        )
        return
    if csv:
        check_writable(csv, overwrite=overwrite)
    if report:
        from w2s_cli.bench.report.report_file import check_report, write_report

        check_report(report, overwrite=overwrite)
    first, second, joint = names(denoiser or ()), names(sr or ()), names(jdsr or ())
    suite = suite_of(claims, alone=not (first or second or joint or against))
    if not (first or second or joint):
        first = tuple(USUAL.split(","))
    images = find(data or (suite.data if suite else SIMULATED))
    images = suite.prepared(images) if suite else images
    only = fields_named(images, names([fields])) if fields else None
    selection = Selection(images, split or default_split(images), only)
    at = (
        numbers(levels, "--levels")
        if levels
        else [level for level in images.levels if level != images.clean]
    )
    files, given = weight_files(weights or ()), tuple(option or ())
    rows = (
        suite.rows(
            *(selection, at, files, given),
            lambda: trained_for(suite, selection, files, quiet=quiet),
        )
        if suite
        else selection.rows(BenchConfig(first, second, joint, at, files, given))
    )
    named = protocol or (suite.protocol if suite else "")
    named = named or protocol_for(images, enlarged=any(row.scale > 1 for row in rows))
    asked = names(metric or ())
    config = method_config(
        images,
        named,
        metrics=names([*suite.metrics, *asked]) if suite else asked or USUAL_METRICS,
        convention=convention_of(
            named, data_range=data_range, ssim_range=ssim_range, window=window, fit=fit
        ),
        known_noise=noise == "known",
        device=device,
        precision=precision,
        tile=tile,
    )
    if suite and not quiet:
        note(time_of(suite, selection, rows))
    found = _run(selection, rows, config, cache, jobs=jobs, quiet=quiet)
    result = BenchResult(found, selection, config, named, bool(against))
    if suite:
        result = suite.decided(replace(result, asked=asked))
    print_json(result) if as_json else print_text(result)
    if csv:
        write_csv(result, csv, overwrite=overwrite)
        if not quiet:
            note(f"the scores of each image are in {csv}")
    if report:
        write_report(result, report)
        if not quiet:
            note(f"look at {report}")
    raise typer.Exit(0 if result.whole else 1)


def _run(
    selection: "Selection",
    rows: "list[Row]",
    config: "MethodConfig",
    cache: Path | None,
    *,
    jobs: int,
    quiet: bool,
) -> "list[MethodResult]":
    """Score every row, behind a bar of all images."""
    from w2s_cli.bench.run_bench import run_bench
    from w2s_cli.weights.cache import cache_folder

    journals = (cache or cache_folder()) / "bench"
    with progress("", quiet=quiet) as bar:
        bar.start(sum(selection.count(row) for row in rows))
        return [
            *run_bench(
                *(rows, selection, config, journals),
                jobs=jobs,
                on_row=bar.rename,
                on_image=bar.advance,
            )
        ]


def print_json(result: "BenchResult") -> None:
    """Print everything as one JSON object."""
    print_result(json.dumps(result.as_json(), indent=2, allow_nan=False))


def print_text(result: "BenchResult") -> None:
    """Print what the numbers mean, and the table; on standard error, what to doubt."""
    for subject, text in result.stated.items():
        print_result(f"{subject}: {text}")
    print_result()
    lines = [_cells(result, measured) for measured in result.rows]
    print_result(table([_heads(result), *lines]))
    print_claims(result.claims)
    for remark in result.remarks:
        warn(remark)


def write_csv(result: "BenchResult", path: Path, *, overwrite: bool) -> None:
    """Write a line an image of each row."""
    from w2s_cli.io.atomic_files import replacing

    with (
        replacing(path, overwrite=overwrite) as temporary,
        temporary.open("w", newline="") as lines,
    ):
        writer = csv.writer(lines, lineterminator="\n")
        heads = ["method", "level", "image", "field", *result.metrics]
        writer.writerow([*heads, "seconds", "error", "protocol"])
        for measured in result.rows:
            for one in measured.images:
                scores = [one.scores.get(metric, "") for metric in result.metrics]
                writer.writerow(
                    [
                        *(measured.row.name, measured.row.level, one.name, one.group),
                        *(*scores, one.seconds, one.error, result.protocol),
                    ]
                )


def _heads(result: "BenchResult") -> list[str]:
    """Return the first line of the table: of a metric its mean and its interval."""
    scores = [head for metric in result.metrics for head in (metric, "95 %")]
    papers = []
    if result.tables:
        papers = [h for m in result.metrics for h in (f"paper {m}", "differs by")]
    return ["method", "level", "images", *scores, *papers, "seconds"]


def _cells(result: "BenchResult", measured: "MethodResult") -> list[str]:
    """Return the line of a row."""
    row = measured.row
    cells = [row.name, str(row.level), str(len(measured.images))]
    found = {metric: measured.interval(metric) for metric in result.metrics}
    cells += [cell for one in found.values() for cell in _mean(one)]
    if result.tables:
        figures = result.printed(measured)
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
