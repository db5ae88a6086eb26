"""`w2s make-kernel`: the blur that theory predicts."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from w2s_cli import __version__
from w2s_cli.cli.arguments import micrometres
from w2s_cli.cli.kernel_report import about, check_targets, draw


def make_kernel(
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The kernel: a .tif or .npy file.", metavar="OUT"
        ),
    ],
    na: Annotated[
        float, typer.Option("--na", help="Numerical aperture of the objective.")
    ],
    wavelength: Annotated[
        float,
        typer.Option(
            "--wavelength",
            help="Of the emitted light, in micrometres.",
            callback=micrometres,
        ),
    ],
    pixel_size: Annotated[
        float,
        typer.Option(
            "--pixel-size",
            help="Micrometres a pixel of the kernel.",
            callback=micrometres,
        ),
    ],
    side: Annotated[
        int | None,
        typer.Option(
            "--side", help="Side in pixels, odd; by default 97 % of the light fits."
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Draw the radial profile.", metavar="FILE.png"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of text.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that exist.")
    ] = False,
) -> None:
    """Make the theoretical kernel of a widefield microscope in focus.

    For example:
      w2s make-kernel --na 1.4 --wavelength 0.525 --pixel-size 0.0325 -o kernel.tif

    For w2s simulate the pixel is that of the truth, half a camera pixel.
    """
    from w2s_cli.batch.kernel_facts import facts, profile_rows
    from w2s_cli.files.kernel_file import write_kernel
    from w2s_cli.physics.kernel import enclosed, enclosing_side, widefield_kernel

    check_targets(output, plot, [], overwrite=overwrite)
    chosen = enclosing_side(na, wavelength, pixel_size) if side is None else side
    kernel = widefield_kernel(na, wavelength, pixel_size, chosen)
    held = float(enclosed(na, wavelength, (chosen // 2 + 0.5) * pixel_size))
    record = {
        "tool": "w2s",
        "version": __version__,
        "command": "make-kernel",
        "na": na,
        "wavelength": wavelength,
    }
    write_kernel(kernel, output, overwrite=overwrite, record=lambda: record)
    if plot is not None:
        draw(kernel, plot, title=f"NA {na:g}, {wavelength:g} um")
    if as_json:
        known: dict[str, Any] = {**facts(kernel), "light_within": held}
        typer.echo(json.dumps({**known, "profile": profile_rows(kernel)}, indent=2))
        return
    rows = [("kernel", f"{output}"), *about(kernel), ("light within", f"{held:.1%}")]
    for label, text in rows:
        typer.echo(f"{label:15} {text}")
