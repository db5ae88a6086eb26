"""`w2s bench`: methods against each other, and against the tables of the papers."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from w2s_cli.cli import bench_options as what
from w2s_cli.cli import options as ask
from w2s_cli.cli import score_options as scoring
from w2s_cli.cli.arguments import names, numbers, weight_files
from w2s_cli.cli.bench_report import print_json, print_text, write_csv
from w2s_cli.cli.output import note
from w2s_cli.cli.progress import progress
from w2s_cli.cli.score_options import convention_of

if TYPE_CHECKING:
    from w2s_cli.bench.config import BenchConfig
    from w2s_cli.bench.method_config import MethodConfig
    from w2s_cli.bench.results import BenchResult
    from w2s_cli.bench.run_bench import MethodResult, Selection
    from w2s_cli.datasets.data_set import DataSet


def bench(
    denoiser: what.Denoisers = None,
    sr: what.Enlarging = None,
    jdsr: what.Joint = None,
    data: what.Data = "simulated",
    levels: what.Levels = None,
    split: what.Split = None,
    fields: what.Fields = None,
    weights: what.Weights = None,
    option: ask.Options = None,
    metric: what.Metrics = None,
    protocol: what.Protocol = None,
    data_range: scoring.DataRange = None,
    ssim_range: scoring.SsimRange = None,
    window: scoring.Window = None,
    fit: scoring.Fit = None,
    noise: what.NoiseOrigin = "estimated",
    against: what.Against = None,
    jobs: what.Jobs = 1,
    device: ask.Device = "auto",
    precision: ask.Precision = "auto",
    tile: ask.Tile = 512,
    cache: what.Cache = None,
    as_json: ask.JsonText = False,
    csv: scoring.Csv = None,
    report: what.Report = None,
    overwrite: ask.Overwrite = False,
    quiet: ask.Quiet = False,
) -> None:
    """Compare methods on a set of images with known truth.

    For example:
      w2s bench
      w2s bench --data W2S --levels 1,2,4,8,16 --against paper
      w2s bench --data W2S --denoiser dncnn-w2s-avg{level} --sr rcan
          --weights rcan=rcan.pth --jdsr jdsr --jobs 8
      w2s bench --data pairs/ --denoiser denoise --metric psnr,ssim

    Every score is kept: a bench that was stopped goes on where it was, and what has
    been scored before, by the same version, is not computed again.
    """
    from w2s_cli.bench.method_config import method_config, protocol_for
    from w2s_cli.bench.results import BenchResult
    from w2s_cli.bench.run_bench import Selection, default_split, fields_named
    from w2s_cli.datasets import find

    first, second, joint = names(denoiser or ()), names(sr or ()), names(jdsr or ())
    _check_targets(csv, report, overwrite=overwrite)
    found = find(data)
    only = fields_named(found, names([fields])) if fields else None
    selection = Selection(found, split or default_split(found), only)
    named = protocol or protocol_for(found, enlarged=bool(second or joint))
    convention = convention_of(
        named, data_range=data_range, ssim_range=ssim_range, window=window, fit=fit
    )
    trial = method_config(
        found,
        named,
        metrics=names(metric or ()) or ("rmse", "ssim"),
        convention=convention,
        known_noise=noise == "known",
        device=device,
        precision=precision,
        tile=tile,
    )
    contest = _contest(
        *(found, first, second, joint, levels),
        weight_files(weights or ()),
        tuple(option or ()),
    )
    measured = _measured(selection, contest, trial, cache, jobs=jobs, quiet=quiet)
    standings = BenchResult(measured, selection, trial, named, bool(against))
    print_json(standings) if as_json else print_text(standings)
    _write(standings, csv, report, quiet=quiet)
    raise typer.Exit(0 if standings.whole else 1)


def _check_targets(csv: Path | None, report: Path | None, *, overwrite: bool) -> None:
    """Find out before the work whether the files can be written."""
    from w2s_cli.io.targets import check_writable

    if csv:
        check_writable(csv, overwrite=overwrite)
    if report:
        from w2s_cli.bench.report.report_file import check_report

        check_report(report, overwrite=overwrite)


def _write(
    standings: "BenchResult", csv: Path | None, report: Path | None, *, quiet: bool
) -> None:
    """Write the files that were asked for, and say so."""
    if csv:
        write_csv(standings, csv)
        if not quiet:
            note(f"the scores of each image are in {csv}")
    if report:
        from w2s_cli.bench.report.report_file import write_report

        write_report(standings, report)
        if not quiet:
            note(f"look at {report}")


def _contest(
    data: "DataSet",
    denoisers: tuple[str, ...],
    sr: tuple[str, ...],
    joint: tuple[str, ...],
    levels: str | None,
    weights: dict[str, str],
    options: tuple[str, ...],
) -> "BenchConfig":
    """Return what the command line wants compared."""
    from w2s_cli.bench.config import BenchConfig

    alone = not (denoisers or sr or joint)
    return BenchConfig(
        tuple(what.USUAL.split(",")) if alone else denoisers,
        sr,
        joint,
        numbers(levels, "--levels")
        if levels
        else [level for level in data.levels if level != data.clean],
        weights,
        options,
    )


def _measured(
    selection: "Selection",
    contest: "BenchConfig",
    trial: "MethodConfig",
    cache: Path | None,
    *,
    jobs: int,
    quiet: bool,
) -> "list[MethodResult]":
    """Score every row, behind a bar of all images."""
    from w2s_cli.bench.run_bench import run_bench
    from w2s_cli.weights.cache import cache_folder

    rows = selection.rows(contest)
    journals = (cache or cache_folder()) / "bench"
    with progress("", quiet=quiet) as bar:
        bar.start(sum(selection.count(row) for row in rows))
        return [
            *run_bench(
                *(rows, selection, trial, journals),
                jobs=jobs,
                on_row=bar.rename,
                on_image=bar.advance,
            )
        ]
