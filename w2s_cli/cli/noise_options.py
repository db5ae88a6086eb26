"""The options of `w2s estimate-noise`, in the order of its help."""

from pathlib import Path
from typing import Annotated

import typer

Repeats = Annotated[
    str | None,
    typer.Option(
        "--repeats",
        help="The axis along which the same view was taken again, such as T.",
        metavar="AXIS",
    ),
]
Dark = Annotated[
    Path | None,
    typer.Option(
        "--dark",
        help="Frames without light: offset and read noise are theirs.",
        metavar="FILE",
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", help="Draw variance over mean, of one file.", metavar="PNG"),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace a plot that exists.")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, for `w2s restore --noise`.")
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
