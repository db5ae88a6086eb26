"""`w2s check`: does an output agree with the data that it was made from."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli.arguments import axes_with, noise_models
from w2s_cli.cli.output import note, print_result, table, warn
from w2s_cli.cli.reports import Form, show_failure, tell
from w2s_cli.cli.typer_options import arg, opt
from w2s_cli.errors import INCONSISTENT, UsageError

if TYPE_CHECKING:
    from w2s_cli.pipeline.check_file import CheckReport

Outputs = Annotated[list[Path], arg("Restored images, of any program.", metavar="OUT")]
Against = Annotated[
    Path | None,
    opt(
        "The input of a single OUT; without, the file that OUT says it was made "
        "from, beside it, in the folder above, or here.",
        metavar="IN",
    ),
]
Rescaled = Annotated[
    bool,
    opt(
        "OUT is in other units than its input, as many programs write: contrast "
        "and light are not compared.",
        "--rescaled",
    ),
]
MaskFile = Annotated[
    Path | None,
    opt(
        "Write where the input does not ask for the structure of a single OUT: "
        "255 there, 0 elsewhere.",
        metavar="FILE.tif",
    ),
]
Report = Annotated[
    Path | None,
    opt(
        "Write a page with pictures of the worst plane of a single OUT: input, "
        "output, residual, what is not supported; or the pictures, as PNG.",
        metavar="PAGE.html|FILE.png",
    ),
]
Overwrite = Annotated[
    bool, opt("Replace a mask or a report that exists.", "--overwrite")
]


def check(
    outputs: Outputs,
    against: Against = None,
    rescaled: Rescaled = False,
    axes: ask.Axes = None,
    channels: ask.Channels = None,
    series: ask.SeriesName = None,
    channel: ask.ChannelName = None,
    gain: Annotated[float | None, ask.GAIN] = None,
    offset: Annotated[float | None, ask.OFFSET] = None,
    read_noise: Annotated[float | None, ask.READ_NOISE] = None,
    noise: ask.Noise = None,
    mask: MaskFile = None,
    report: Report = None,
    overwrite: Overwrite = False,
    as_json: ask.AsJson = False,
    as_lines: ask.AsLines = False,
    quiet: ask.Quiet = False,
) -> None:
    """Check that restored images agree with the data that they were made from.

    For example:
      w2s check sharp.tif
      w2s check restored/*.tif --json
      w2s check sharp.tif --against cell.tif --report page.html
      w2s check other.tif --against cell.tif --rescaled --mask unsupported.tif

    The axes, the series, the channel and the noise are those of the input.
    """
    from w2s_cli.batch.jobs import each_file, exit_code
    from w2s_cli.pipeline.check_file import CheckReport, CheckRequest, check_file

    form = Form(as_json=as_json, as_lines=as_lines)
    _check_single(outputs, {"--against": against, "--mask": mask, "--report": report})
    _check_targets(outputs, against, mask, report, overwrite=overwrite)
    request = CheckRequest(
        against,
        noise_models(noise, gain, offset, read_noise),
        axes_with(axes, channels),
        series,
        channel,
        rescaled,
        mask,
        overwrite,
    )
    shown = partial(_show, quiet=quiet, form=form, alone=len(outputs) == 1)
    reports = tell(
        each_file(outputs, partial(check_file, request)), shown, form, show_failure
    )
    done = [one for one in reports if isinstance(one, CheckReport)]
    for one in done:
        if report:
            from w2s_cli.bench.check_page import write_check_page

            write_check_page(one, report, overwrite=overwrite)
        if not quiet:
            for path in filter(None, (report, mask)):
                note(f"look at {path}")
    bad = any(not one.check.consistent for one in done)
    raise typer.Exit(exit_code(reports) or (INCONSISTENT if bad else 0))


def _check_single(outputs: list[Path], asked: dict[str, Path | None]) -> None:
    for option, value in asked.items():
        if value and len(outputs) > 1:
            raise UsageError(
                f"{option} is about one output, not {len(outputs)}",
                hint="check them one by one with it",
            )


def _check_targets(
    outputs: list[Path],
    against: Path | None,
    mask: Path | None,
    report: Path | None,
    *,
    overwrite: bool,
) -> None:
    """Find out before the work whether mask and report can be written."""
    from w2s_cli.batch.file_pairs import check_spared
    from w2s_cli.io import check_target

    spared = [*outputs, *filter(None, [against])]
    if mask:
        check_target(mask, overwrite=overwrite)
        check_spared(mask, spared)
    if report:
        from w2s_cli.bench.report.html_page import check_html
        from w2s_cli.io.targets import check_writable

        if report.suffix.lower() == ".png":
            check_writable(report, overwrite=overwrite)
        else:
            check_html(report, overwrite=overwrite)
        check_spared(report, spared)


def _show(found: "CheckReport", *, quiet: bool, form: Form, alone: bool) -> None:
    """Print the verdict, and of a single file what it is from."""
    for warning in found.warnings:
        warn(f"{found.output}: {warning}")
    if form.option:
        return
    print_result(f"{found.output}: {found.check.sentence}")
    if not found.method and "its contrast is" in found.check.sentence:
        note("hint: --rescaled, if the program that made it writes other units")
    if alone and not quiet:
        print_result()
        print_result(table(_facts(found)))


_ROWS = (
    ("noise taken away", "noise_taken", ".0%"),
    ("contrast over that of the input", "contrast", ".3f"),
    ("light over that of the input", "light_ratio", ".3f"),
    ("fine structure, input over output", "fine_structure", ".2f"),
    ("shift along Y, pixels", "shift_y", "+.2f"),
    ("shift along X, pixels", "shift_x", "+.2f"),
    ("structure not asked for", "unsupported", ".1%"),
    ("squares that differ", "marked_squares", "d"),
    ("RSP (SQUIRREL)", "rsp", ".4f"),
    ("RSE (SQUIRREL), counts", "rse", ".4g"),
    ("resolution of the input, pixels", "resolution_in", ".2f"),
    ("resolution of the output, pixels", "resolution_out", ".2f"),
    ("FRC of the input, pixels", "frc_in", ".2f"),
)


def _facts(found: "CheckReport") -> list[list[str]]:
    """Return a row a fact, with a column a channel; pixels are those of the input."""
    worst = [one for _, one in sorted(found.check.worst.items())]
    planes = [{**one.verdict.as_json(), **one.details} for one in worst]
    names = [one.verdict.name or found.source.name for one in worst]
    rows = [["worst plane", *names]]
    for label, key, form in _ROWS:
        if any(key in plane for plane in planes):
            values = [plane.get(key) for plane in planes]
            cells = ["-" if one is None else format(one, form) for one in values]
            rows.append([label, *cells])
    return rows
