"""Figures as PNG: one look for all of them, without a display.

Colours are those of Okabe and Ito, which the colour-blind tell apart; markers and
dashes tell series apart where there is no colour at all.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

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
class Look:
    """How a series is told from others."""

    colour: str
    marker: str
    dashes: Any


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure for a page.

    Attributes
    ----------
    name
        What its file is called, without number and suffix.
    title, caption
        What it shows, in a few words and in sentences.
    png
        The picture.
    """

    name: str
    title: str
    caption: str
    png: bytes


def look(number: int) -> Look:
    """Return the look of a series; 30 in a row are all different."""
    return Look(
        _COLOURS[number % len(_COLOURS)],
        _MARKERS[number % len(_MARKERS)],
        _DASHES[number % len(_DASHES)],
    )


def png(
    size: tuple[float, float], draw: Callable[[Figure], None], *, dpi: int = DPI
) -> bytes:
    """Return what `draw` draws on an empty figure, as a PNG.

    Parameters
    ----------
    size
        Width and height, in inches.
    draw
        Called with the figure, while the style is in force.
    dpi
        Pixels an inch.
    """
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
