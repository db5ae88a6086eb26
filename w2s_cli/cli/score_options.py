"""The options that say what a score means."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from w2s_cli.cli import completion
from w2s_cli.cli.typer_options import opt
from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from w2s_cli.bench.scores.convention import Convention

_RANGE = "dtype, max-min or percentile of the reference, or a number in the unit"

Metrics = Annotated[
    list[str] | None,
    opt(
        "Names joined by commas, or given one by one.  [default: rmse,psnr,ssim]",
        "--metric",
        "-m",
        metavar="NAME",
        complete=completion.metrics,
    ),
]
Protocol = Annotated[
    str,
    opt(
        "Whose numbers: plain, w2s, w2s-v1, w2s-v1-sr, fmd, basicsr, noise2sr or care.",
        metavar="NAME",
        complete=completion.protocols,
    ),
]
Unit = Annotated[
    Literal["counts", "unit", "z"] | None,
    opt("counts as they are, [0, 1], or W2S's z-scores."),
]
Black = Annotated[float | None, opt("What is 0 in [0, 1], in counts.")]
White = Annotated[float | None, opt("What is 1; else the largest of the integer type.")]
DataRange = Annotated[
    str | None, opt(f"For PSNR and SSIM: {_RANGE}.", "--range", metavar="RANGE")
]
SsimRange = Annotated[str | None, opt("For SSIM, if another.", metavar="RANGE")]
Window = Annotated[
    Literal["gaussian", "uniform"] | None, opt("Of SSIM: of sd 1.5, or 7 x 7.")
]
Border = Annotated[int | None, opt("Pixels at each edge that are left out.", min=0)]
Corners = Annotated[
    int | None, opt("Score corner squares of this side one by one.", min=0)
]
Clip = Annotated[bool | None, opt("Clip both images to [0, 1].", "--clip/--no-clip")]
Fit = Annotated[
    Literal["none", "affine", "percentile"] | None,
    opt("Match gain and offset of each image first."),
]
Strip = Annotated[str, opt("An ending of the names of predictions only.")]
Common = Annotated[bool, opt("Leave images without a partner out.", "--common")]
GroupBy = Annotated[
    str | None,
    opt("Finds the field in a name: 081 in 081_2 by default.", metavar="REGEX"),
]
Input = Annotated[
    Path | None,
    opt("What predictions were made of, for rse and rsp.", "--input", metavar="PATH"),
]
Pristine = Annotated[
    Path | None,
    opt("A folder of sharp images for niqe, or a model of them.", metavar="PATH"),
]
Vgg = Annotated[Path | None, opt("Weights of VGG, for vgg-distance.", metavar="FILE")]
Level = Annotated[float, opt("Of the intervals.", min=0.5, max=0.999)]
Resamples = Annotated[int, opt("Draws of fields.", min=100)]
Seed = Annotated[int, opt("Of the draws.", min=0)]
PerImage = Annotated[bool, opt("List each image too.", "--per-image")]
Csv = Annotated[Path | None, opt("Write a row an image.", metavar="FILE")]


def convention_of(protocol: str, **given: Any) -> "Convention":
    """Return the convention of a protocol with what the command line says instead.

    `given` is by attribute of `Convention`: None where nothing is said, ranges as text.
    """
    from w2s_cli.bench.scores.convention import protocol as named

    given = {key: value for key, value in given.items() if value is not None}
    for key in ("data_range", "ssim_range"):
        if key in given:
            given[key] = _range(given[key])
    return replace(named(protocol), **given)


def _range(text: str) -> float | str:
    from w2s_cli.bench.scores.convention import RangeRule

    rules = get_args(RangeRule)
    if text in rules:
        return text
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"a range is {', '.join(rules)} or a number, found {text!r}",
            hint="a number is in the unit of the scores",
        ) from None
