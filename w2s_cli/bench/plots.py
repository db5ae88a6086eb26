"""Figures as PNG: one look for all of them, without a display.

Colours are those of Okabe and Ito, which the colour-blind tell apart; markers and
dashes tell series apart where there is no colour at all.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from w2s_cli.microscope.noise_estimation import NoiseFit

DPI = 120
INK = "#222222"
PALE = "#8a8a8a"
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "*", ">", "p")
_DASHES = ("-", "--", "-.", (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5, 1, 1.5)))
_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": PALE,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "font.size": 10,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in the name of a file is no formula
    "xtick.color": INK,
    "xtick.labelsize": 9,
    "ytick.color": INK,
    "ytick.labelsize": 9,
}


@dataclass(frozen=True, slots=True)
class SeriesStyle:
    """How a series is told from others."""

    colour: str
    marker: str
    dashes: Any


@dataclass(frozen=True, eq=False)
class PageFigure:
    """A figure for a page."""

    name: str  # what its file is called, without number and suffix
    # title, caption: what it shows, in a few words and in sentences
    title: str
    caption: str
    png: bytes  # the picture


def series_style(number: int) -> SeriesStyle:
    """Return the look of a series; 30 in a row are all different."""
    return SeriesStyle(
        _COLOURS[number % len(_COLOURS)],
        _MARKERS[number % len(_MARKERS)],
        _DASHES[number % len(_DASHES)],
    )


def png(
    size: tuple[float, float], draw: Callable[[Figure], None], *, dpi: int = DPI
) -> bytes:
    """Return what `draw` draws on an empty figure of `size` inches, as a PNG."""
    with mpl.rc_context(), warnings.catch_warnings():
        # Names may hold letters that the font has not: they show as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=size, dpi=dpi, layout="constrained")
        draw(figure)
        figure.savefig(drawn := BytesIO(), format="png")
    with Image.open(drawn) as picture:
        return _packed(picture.convert("RGB"))


def _packed(colours: Image.Image) -> bytes:
    """Return a PNG: of a byte a pixel, where that loses no colour."""
    file = BytesIO()
    if colours.getcolors(256):
        colours = colours.quantize(256, dither=Image.Dither.NONE)
    colours.save(file, "PNG")
    return file.getvalue()


_SIZE, _DPI = (9.0, 6.0), 100


@dataclass(frozen=True, eq=False)
class Series:
    """Points, a line or a band of a plot."""

    label: str  # what the legend says; left out of it where empty
    # x, y: shape (N,) each
    x: NDArray[Any]
    y: NDArray[Any]
    # how it is drawn; a band reaches from `y` to `upper`
    style: Literal["line", "points", "band"] = "line"
    upper: NDArray[Any] | None = None  # shape (N,), the upper edge of a band
    colour: int = 0  # number of its colour: series that belong together share one


def line_plot(
    path: Path, series: Sequence[Series], xlabel: str, ylabel: str, title: str
) -> None:
    """Write a plot as a PNG.

    The axes span the lines and points; a band is cut where it goes further.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set(xlabel=xlabel, ylabel=ylabel)
        axes.set_title(title, pad=28)
        for one in sorted(series, key=lambda one: one.style == "band"):
            _draw(axes, one)
        if any(one.label for one in series):
            above = {"bbox_to_anchor": (0, 1), "borderpad": 0.2, "ncols": len(series)}
            axes.legend(loc="lower left", **above)

    path.write_bytes(png(_SIZE, draw, dpi=_DPI))


def _draw(axes: Axes, one: Series) -> None:
    style = series_style(one.colour)
    how: dict[str, Any] = {"color": style.colour, "label": one.label or None}
    match one.style:
        case "line":
            axes.plot(one.x, one.y, ls=style.dashes, lw=2, **how)
        case "points":
            axes.plot(one.x, one.y, style.marker, ms=5, **how)
        case "band":
            axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
            upper = one.y if one.upper is None else one.upper
            axes.fill_between(one.x, one.y, upper, alpha=0.25, lw=0, zorder=1, **how)


SIGMAS = 2.0
_PLACES = 200


def plot_noise(path: Path, fits: Mapping[str, NoiseFit], title: str) -> None:
    """Write a PNG with the levels that were measured, the line, and a 2-sigma band."""
    series = [
        one
        for number, (name, fit) in enumerate(fits.items())
        for one in _series(f"channel {name}: " if len(fits) > 1 else "", fit, number)
    ]
    line_plot(path, series, "mean (counts)", "variance (squared counts)", title)


def _series(name: str, fit: NoiseFit, number: int) -> Iterator[Series]:
    levels, line = fit.levels, fit.line
    mean = np.linspace(levels.mean.min(), levels.mean.max(), _PLACES)
    variance, error = line.variance(mean), SIGMAS * line.error(mean)
    sign = "-" if line.intercept < 0 else "+"
    says = f"{name}{line.slope:.3g} mean {sign} {abs(line.intercept):.3g}"
    alone = not name
    yield Series(
        f"{SIGMAS:g} standard errors" if alone else "",
        mean,
        variance - error,
        "band",
        variance + error,
        number,
    )
    yield Series(says, mean, variance, colour=number)
    yield Series(
        "levels of like brightness" if alone else "",
        levels.mean,
        levels.variance,
        "points",
        colour=number if not alone else 1,
    )
