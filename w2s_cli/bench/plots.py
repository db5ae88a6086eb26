"""Figures as PNG: one look for all of them, without a display.

Colours are those of Okabe and Ito, which the colour-blind tell apart; markers and
dashes tell series apart where there is no colour at all.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from w2s_cli.bench.pictures import Inset, Panel
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
        # Not savefig, which draws twice
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
    colours = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    file = BytesIO()
    if colours.getcolors(256):  # a byte a pixel, where that loses no colour
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
            style = series_style(one.colour)
            how: dict[str, Any] = {"color": style.colour, "label": one.label or None}
            if one.style == "line":
                axes.plot(one.x, one.y, ls=style.dashes, lw=2, **how)
            elif one.style == "points":
                axes.plot(one.x, one.y, style.marker, ms=5, **how)
            elif one.upper is not None:
                axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
                how |= {"alpha": 0.25, "lw": 0, "zorder": 1}
                axes.fill_between(one.x, one.y, one.upper, **how)
        if any(one.label for one in series):
            above = {"bbox_to_anchor": (0, 1), "borderpad": 0.2, "ncols": len(series)}
            axes.legend(loc="lower left", **above)

    path.write_bytes(png(_SIZE, draw, dpi=_DPI))


SIGMAS = 2.0
_PLACES = 200


def plot_noise(path: Path, fits: Mapping[str, NoiseFit], title: str) -> None:
    """Write a PNG with the levels that were measured, the line, and a 2-sigma band."""
    series = []
    alone = len(fits) == 1
    for number, (name, fit) in enumerate(fits.items()):
        levels, line = fit.levels, fit.line
        mean = np.linspace(levels.mean.min(), levels.mean.max(), _PLACES)
        variance, error = line.variance(mean), SIGMAS * line.error(mean)
        low, high = variance - error, variance + error
        band = f"{SIGMAS:g} standard errors" if alone else ""
        sign = "-" if line.intercept < 0 else "+"
        says = "" if alone else f"channel {name}: "
        says += f"{line.slope:.3g} mean {sign} {abs(line.intercept):.3g}"
        points = "levels of like brightness" if alone else ""
        colour = 1 if alone else number
        series += [
            Series(band, mean, low, "band", high, number),
            Series(says, mean, variance, colour=number),
            Series(points, levels.mean, levels.variance, "points", colour=colour),
        ]
    line_plot(path, series, "mean (counts)", "variance (squared counts)", title)


_WIDTH = 10.0  # of a figure with all columns, in inches
_TEXT, _BAR = 0.5, 0.62  # heights of a label and of the scale below all
_LEVELS = 128  # of brightness: with the text 256 colours, of a byte each
_SCALE: dict[str, Any] = {
    "orientation": "horizontal",
    "aspect": 40,
    "shrink": 0.5,
    "pad": 0.02,
}
_FRAME: dict[str, Any] = {"ec": "#E69F00", "fc": "none", "lw": 1.5, "aa": False}
MISSING = "#9fb8c8"  # where a pixel is no number


@dataclass(frozen=True, slots=True)
class GrayScale:
    """What the brightness of all panels of a figure means."""

    # low, high: the values of its darkest and its brightest
    low: float
    high: float
    label: str  # what the values are
    colours: str = "gray"  # a colour map of matplotlib that gets steadily brighter


def gray_limits(truth: NDArray[Any]) -> tuple[float, float]:
    """Return what is black and what is white: where most pixels of a truth lie."""
    return _apart(*np.nanpercentile(truth, (0.5, 99.7)))


def error_limits(errors: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """Return the scale of absolute errors, the same for all: from 0 on."""
    pooled = np.concatenate([image.ravel() for image in errors])
    return _apart(0.0, float(np.nanpercentile(pooled, 99.5)))


def residual_limits(residuals: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """Return the scale of residuals, the same for all: 0 is in its middle."""
    pooled = np.concatenate([np.abs(image.ravel()) for image in residuals])
    widest = float(np.nanpercentile(pooled, 99.0))
    return _apart(-widest, widest)


def gallery(
    panels: Sequence[Panel], shades: GrayScale, inset: Inset | None = None
) -> bytes:
    """Return a PNG with panels in rows of 4 or 5, the inset magnified below each."""
    first = panels[0].pixels
    most = 5 if -len(panels) % 5 < -len(panels) % 4 else 4  # what leaves less empty
    columns, rows = min(most, len(panels)), ceil(len(panels) / most)
    width = _WIDTH / most
    heights = [width * first.shape[0] / first.shape[1]] + [width] * (inset is not None)
    size = (columns * width, rows * (sum(heights) + _TEXT) + _BAR)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(
            *(rows * len(heights), columns), squeeze=False, height_ratios=heights * rows
        )
        for axes in grid.flat:
            axes.axis("off")
        for number, panel in enumerate(panels):
            row, column = divmod(number, columns)
            cell = grid[row * len(heights) : (row + 1) * len(heights), column]
            shown = _show(cell, panel, shades, inset)
        figure.colorbar(shown, ax=grid, label=shades.label, extend="both", **_SCALE)

    return png(size, draw)


def _show(
    cell: NDArray[Any], panel: Panel, shades: GrayScale, inset: Inset | None
) -> AxesImage:
    """Draw a panel, and its inset below."""
    whole: Axes = cell[0]
    whole.set_title(panel.label, fontsize=9)
    height, width = (side / panel.scale for side in panel.pixels.shape)
    shown = _image(whole, panel.pixels, shades, (0, width, height, 0))
    if inset:
        corner, side = (inset.x, inset.y), inset.side
        whole.add_patch(Rectangle(corner, side, side, **_FRAME))
        y, x, long = (panel.scale * at for at in (inset.y, inset.x, side))
        close = panel.pixels[y : y + long, x : x + long]
        _image(cell[1], close, shades, (0, 1, 1, 0), interpolation="nearest")
        cell[1].add_patch(Rectangle((0, 0), 1, 1, clip_on=False, **_FRAME))
    return shown


def _image(
    axes: Axes,
    pixels: NDArray[Any],
    shades: GrayScale,
    extent: tuple[float, float, float, float],
    **how: Any,
) -> AxesImage:
    colours = mpl.colormaps[shades.colours].resampled(_LEVELS)
    return axes.imshow(
        pixels,
        cmap=colours.with_extremes(bad=MISSING),
        vmin=shades.low,
        vmax=shades.high,
        extent=extent,
        interpolation_stage="data",
        **how,
    )


def _apart(low: float, high: float) -> tuple[float, float]:
    """Return the ends of a scale, which must not be one and the same."""
    return (float(low), float(high)) if high > low else (low - 0.5, low + 0.5)
