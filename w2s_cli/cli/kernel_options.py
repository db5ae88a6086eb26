"""The options that the commands about kernels share."""

from pathlib import Path
from typing import Annotated

import typer

from w2s_cli.cli.arguments import micrometres

KernelFile = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="The kernel: a .tif or .npy file.", metavar="OUT"
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", help="Draw the radial profile.", metavar="FILE.png"),
]
Aperture = typer.Option("--na", help="Numerical aperture of the objective.")
Wavelength = typer.Option(
    "--wavelength", help="Of the emitted light, in micrometres.", callback=micrometres
)
PixelSize = typer.Option(
    "--pixel-size",
    help="Micrometres a pixel on the grid of the kernel.",
    callback=micrometres,
)
