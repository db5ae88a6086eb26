"""`w2s estimate-kernel`: the blur between widefield and sharp images."""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from w2s_cli.cli import options as ask
from w2s_cli.cli.kernel_report import about, check_targets, draw
from w2s_cli.cli.output import print_json, print_result, warn
from w2s_cli.cli.typer_options import arg, opt
from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from w2s_cli.pipeline.psf_from_pairs import FilesPSF


def estimate_kernel(
    images: Annotated[
        list[Path],
        arg(
            "Widefield images, then as many sharp ones; or a folder of each.",
            metavar="LOW... HIGH...",
        ),
    ],
    output: Annotated[
        Path | None,
        opt(
            "The kernel: a .tif or .npy file.  [default: beside the first LOW, "
            "LOW_kernel.tif]",
            "--output",
            "-o",
            metavar="OUT",
        ),
    ] = None,
    side: Annotated[int, opt("Side of the kernel in pixels, odd.")] = 35,
    regularisation: Annotated[
        str,
        opt("auto, authors or paper (of W2S), or the number to add to HIGH's power."),
    ] = "auto",
    pixel_size: Annotated[float | None, ask.PIXEL_SIZE] = None,
    axes: ask.Axes = None,
    channel: ask.ChannelName = None,
    plot: ask.Plot = None,
    as_json: ask.JsonText = False,
    as_csv: Annotated[bool, opt("Print the radial profile as CSV.", "--csv")] = False,
    overwrite: ask.Overwrite = False,
) -> None:
    """Estimate the blur kernel between widefield and sharp images of the same fields.

    For example:
      w2s estimate-kernel widefield.tif sim.tif
      w2s estimate-kernel widefield.tif sim.tif -o kernel.tif --plot kernel.png
      w2s estimate-kernel wf1.tif wf2.tif sim1.tif sim2.tif -o kernel.tif
      w2s estimate-kernel widefield/ sim/ -o kernel.tif --pixel-size 0.0325

    HIGH has twice as many pixels along Y and X as LOW, or as many. The kernel is on the
    grid of HIGH: w2s simulate --kernel blurs with it.
    """
    from w2s_cli.io.psf_file import write_psf
    from w2s_cli.pipeline.psf_from_pairs import (
        fit_facts,
        paired_files,
        profile_rows,
        psf_from_files,
        psf_record,
    )

    if as_json and as_csv:
        raise UsageError("--json and --csv both want standard output", hint="drop one")
    constant = _constant(regularisation)
    files = paired_files(images)
    low = images[0] if images[0].name.strip(".") else images[0].resolve()
    output = output or low.with_name(f"{low.stem}_kernel.tif")
    check_targets(output, plot, [*chain(*files)], overwrite=overwrite)
    found = psf_from_files(
        *(files, side, constant, pixel_size),
        axes=axes,
        channel=channel,
        enlarging="bicubic" if regularisation == "paper" else "linear",
    )
    write_psf(
        found.fit.psf, output, overwrite=overwrite, record=lambda: psf_record(found)
    )
    if plot is not None:
        draw(found.fit.psf, plot, title=f"{output.name}: blur kernel", usual=True)
    for warning in found.warnings:
        warn(warning)
    profile = profile_rows(found.fit.psf)
    if as_json:
        print_json({**fit_facts(found), "profile": profile})
    elif as_csv:
        print_result(",".join(profile[0]))
        for row in profile:
            cells = ("" if value is None else f"{value:.6g}" for value in row.values())
            print_result(",".join(cells))
    else:
        _print(found, output)


def _constant(regularisation: str) -> float | None:
    from w2s_cli.microscope.psf_equations import W2S_CONSTANT

    if regularisation == "auto":
        return None
    if regularisation in ("authors", "paper"):
        return W2S_CONSTANT
    try:
        return float(regularisation)
    except ValueError:
        raise UsageError(
            f"--regularisation must be auto, authors, paper or a number, "
            f"found {regularisation!r}",
            hint="auto lets the noise of the images decide",
        ) from None


def _print(found: "FilesPSF", output: Path) -> None:
    fit = found.fit
    rows = [("kernel", f"{output}"), *about(fit.psf)]
    if fit.prior is None:
        added = f"{fit.ratio:g} added to the power of HIGH; {fit.enlarging} enlargement"
        rows.append(("regularisation", added))
    else:
        rows.append(
            (
                "regularisation",
                f"noise / kernel power {fit.ratio:.3g}, smooth over "
                f"{fit.prior.smoothness:.2g} and within {fit.prior.extent:.2g} pixels",
            )
        )
        certainty = "unknown: what is left is no noise"
        if fit.certainty is not None:
            certainty = f"{fit.certainty:.3f}, expected correlation"
        rows.append(("certainty", certainty))
    for (low, high), pair in zip(found.names, fit.pairs, strict=True):
        y, x = pair.alignment.shift
        rows.append(
            (
                "pair",
                f"{low}, {high}: shift y {y:+.2f}, x {x:+.2f} pixels of HIGH, "
                f"{pair.explained:.1%} explained, noise {pair.noise:.3g}",
            )
        )
    for label, text in rows:
        print_result(f"{label:15} {text}")
