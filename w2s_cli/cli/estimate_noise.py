"""`w2s estimate-noise`: what images tell of the noise of their camera."""

import csv
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli.arguments import axes_with
from w2s_cli.cli.output import (
    check_plot,
    note,
    print_json,
    print_result,
    printable,
    table,
    warn,
)
from w2s_cli.cli.reports import Form, show_failure, tell
from w2s_cli.cli.typer_options import opt
from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from w2s_cli.batch.jobs import Failure
    from w2s_cli.pipeline.diagnosis import ChannelDiagnosis
    from w2s_cli.pipeline.noise_report import NoiseReport

Repeats = Annotated[
    str | None,
    opt(
        "The axis along which the same view was taken again, such as T.", metavar="AXIS"
    ),
]
Dark = Annotated[
    Path | None,
    opt("Frames without light: offset and read noise are theirs.", metavar="FILE"),
]
Plot = Annotated[
    Path | None, opt("Draw variance over mean, of one file.", metavar="PNG")
]
Overwrite = Annotated[bool, opt("Replace a plot that exists.", "--overwrite")]
AsJson = Annotated[bool, opt("Print JSON, for `w2s restore --noise`.", "--json")]
Mean = Annotated[bool, opt("Print the mean of a and b over all images.", "--mean")]
AsCsv = Annotated[bool, opt("Print CSV.", "--csv")]


_COLUMNS = (
    *("file", "channel", "gain", "offset", "read noise", "SNR", "photons"),
    *("saturated", "correlation", "trusted"),
)


def estimate_noise(
    files: ask.Inputs,
    repeats: Repeats = None,
    dark: Dark = None,
    axes: ask.Axes = None,
    channels: ask.Channels = None,
    series: ask.SeriesName = None,
    channel: ask.ChannelName = None,
    mean: Mean = False,
    plot: Plot = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    as_lines: ask.AsLines = False,
    as_csv: AsCsv = False,
    verbose: ask.Verbose = False,
    quiet: ask.Quiet = False,
) -> None:
    """Estimate the noise of a camera from images.

    For example:
      w2s estimate-noise *.tif
      w2s estimate-noise cell.tif --json > noise.json
      w2s restore cell.tif -o sharp.tif --noise noise.json
      w2s estimate-noise repeats.tif --repeats T --dark dark.tif
      w2s estimate-noise cell.tif --plot noise.png
      w2s estimate-noise W2S/train/avg1 --mean

    The gain is in counts a photon, offset and read noise are in counts.
    """
    from w2s_cli.batch.file_pairs import files as found_in
    from w2s_cli.batch.file_pairs import left
    from w2s_cli.batch.jobs import each_file, exit_code
    from w2s_cli.pipeline.noise_report import NoiseRequest, read_dark, report_noise

    form = Form(as_json=as_json, as_lines=as_lines)
    if form.option and as_csv:
        raise UsageError(
            f"{form.option} and --csv both want standard output", hint="drop one"
        )
    if mean and (as_csv or as_lines):
        raise UsageError(
            "--mean is one result for all images, as text or --json",
            hint=f"drop --mean or {'--csv' if as_csv else '--json-lines'}",
        )
    sources = found_in(files)
    for said in left(files):
        warn(said)
    if plot and len(sources) > 1:
        raise UsageError(
            f"a plot shows one file, not {len(sources)}", hint="run --plot file by file"
        )
    if plot:
        check_plot(plot, sources, overwrite=overwrite)
    darks = read_dark(dark) if dark else ()
    request = NoiseRequest(axes_with(axes, channels), series, channel, repeats, darks)
    work = partial(report_noise, request)
    reports = tell(
        each_file(sources, work),
        _show_warnings,
        Form() if mean else form,
        partial(_show_failure, alone=len(sources) == 1),
    )
    if mean and (done := _done(reports)):
        _print_mean(done, as_json=as_json)
    elif as_csv:
        _print_csv(reports)
    elif not form.option:
        _print_table(reports, verbose=verbose)
    if plot:
        _draw(plot, reports, quiet=quiet)
    raw = [one for one in reports if not _restored(one)]
    raise typer.Exit(exit_code(raw or reports))


def _show_warnings(report: "NoiseReport") -> None:
    """Say what speaks against the numbers."""
    for warning in report.warnings:
        warn(f"{report.source}: {warning}")


def _show_failure(failure: "Failure", *, alone: bool) -> None:
    """Say what failed; of restored images among others only that they are."""
    if _restored(failure) and not alone:
        note(f"{failure.source}: {failure.error}")
    else:
        show_failure(failure)


def _restored(report: "NoiseReport | Failure") -> bool:
    """Return whether w2s made an image, so that it says nothing of a camera."""
    from w2s_cli.batch.jobs import Failure
    from w2s_cli.pipeline.noise_report import RestoredImage

    return isinstance(report, Failure) and isinstance(report.error, RestoredImage)


def _done(reports: "list[NoiseReport | Failure]") -> "list[NoiseReport]":
    from w2s_cli.pipeline.noise_report import NoiseReport

    return [report for report in reports if isinstance(report, NoiseReport)]


def _print_csv(reports: "list[NoiseReport | Failure]") -> None:
    """Print a line a channel; warnings are joined by semicolons."""
    rows = [
        {"file": printable(str(report.source))}
        | channel.as_json()
        | {"warnings": "; ".join(channel.warnings)}
        for report in _done(reports)
        for channel in report.channels
    ]
    if rows:
        writer = csv.DictWriter(sys.stdout, [*rows[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _print_mean(reports: "list[NoiseReport]", *, as_json: bool) -> None:
    from w2s_cli.pipeline.noise_report import mean_noise

    found = mean_noise(reports)
    if as_json:
        print_json(found)
        return
    lines = [["images", f"{found['images']}, {found['left_out']} not trusted left out"]]
    for key, unit in (("a", "counts"), ("b", "counts squared")):
        error = found[f"{key}_error"]
        text = f"{found[key]:.4g}" + (f" +- {error:.2g}" if error else "")
        text += f" {unit}"
        if found["unit"]:
            text += f"; {found['unit'][key]:.4g} of images in [0, 1]"
        lines.append([key, text])
    print_result(table(lines))


def _print_table(reports: "list[NoiseReport | Failure]", *, verbose: bool) -> None:
    lines = [
        [str(report.source), *_cells(channel), *(_line(channel) if verbose else [])]
        for report in _done(reports)
        for channel in report.channels
    ]
    if lines:
        heads = [*_COLUMNS, *(["a", "b"] if verbose else [])]
        print_result(table([heads, *lines]))


def _line(channel: "ChannelDiagnosis") -> list[str]:
    """Return a and b; doubtful numbers come without a standard error."""
    row = channel.as_json()
    if not channel.trusted:
        return [f"{row['a']:.4g}", f"{row['b']:.4g}"]
    return [f"{row[key]:.4g} +- {row[key + '_error']:.2g}" for key in "ab"]


def _cells(channel: "ChannelDiagnosis") -> list[str]:
    row = channel.as_json()
    return [
        channel.name,
        f"{row['gain']:.4g}",
        f"{row['offset']:.4g}",
        f"{row['read_noise']:.3g}",
        f"{row['peak_snr']:.1f} dB",
        f"{row['photons']:.3g}",
        f"{row['saturated']:.2%}",
        f"{row['correlation']:.2f}",
        "yes" if channel.trusted else "no",
    ]


def _draw(plot: Path, reports: "list[NoiseReport | Failure]", *, quiet: bool) -> None:
    from w2s_cli.bench.plots import plot_noise
    from w2s_cli.io.atomic_files import replacing

    for report in _done(reports):
        fits = {
            channel.name: fit for channel in report.channels if (fit := channel.fit)
        }
        doubtful = [channel.name for channel in report.channels if not channel.trusted]
        title = f"Noise of {report.source.name}"
        if doubtful:
            title += f", not to be trusted in channel {', '.join(doubtful)}"
        with replacing(plot) as temporary:
            plot_noise(temporary, fits, title)
        if not quiet:
            note(f"look at {plot}")
