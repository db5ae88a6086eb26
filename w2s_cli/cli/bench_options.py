"""The options of `w2s bench`, in the order of its help."""

from pathlib import Path
from typing import Annotated, Literal

import typer

USUAL = "denoise,vst+bm3d,pure-let"

Denoisers = Annotated[
    list[str] | None,
    typer.Option(
        "--denoiser",
        help=f"Methods that keep the size, joined by commas.  [default: {USUAL}]",
        metavar="NAMES",
    ),
]
Enlarging = Annotated[
    list[str] | None,
    typer.Option(
        "--sr",
        help="Methods that enlarge: after each denoiser, and after none.",
        metavar="NAMES",
    ),
]
Joint = Annotated[
    list[str] | None,
    typer.Option(
        "--jdsr", help="Methods that denoise and enlarge at once.", metavar="NAMES"
    ),
]
Data = Annotated[
    str,
    typer.Option("--data", help="A folder, a zip, or simulated.", metavar="NAME|PATH"),
]
Levels = Annotated[
    str | None,
    typer.Option(
        "--levels", help="Of noise, such as 1,2,4.  [default: all but the cleanest]"
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        "--split",
        help="Which images: test, validation, all, ...  "
        "[default: test, or all where there is none]",
    ),
]
Fields = Annotated[
    str | None,
    typer.Option("--fields", help="Only these fields of view, such as 81-83,120."),
]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weights",
        help="Weights for a method; {level} in FILE is the level of noise.",
        metavar="NAME=FILE",
    ),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        "-m",
        help="Names joined by commas, or given one by one.  [default: rmse,ssim]",
        metavar="NAME",
    ),
]
Protocol = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        help="As for `w2s evaluate`.  [default: that of the data set]",
        metavar="NAME",
    ),
]
NoiseOrigin = Annotated[
    Literal["estimated", "known"],
    typer.Option("--noise", help="From each image, or as the data set knows it."),
]
Against = Annotated[
    Literal["paper"] | None,
    typer.Option("--against", help="Put the published figures beside."),
]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", help="Processes that share the work.", min=1)
]
Cache = Annotated[
    Path | None,
    typer.Option("--cache", help="Where scores are kept.", metavar="FOLDER"),
]
Report = Annotated[
    Path | None,
    typer.Option("--report", help="Write a page with figures.", metavar="FILE.html"),
]
