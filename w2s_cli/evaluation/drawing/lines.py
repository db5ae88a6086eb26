"""Plots: lines, points and bands over two axes, as a PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from w2s_cli.evaluation.drawing.figure import look, png

_SIZE, _DPI = (9.0, 6.0), 100


@dataclass(frozen=True, eq=False)
class Series:
    """Some numbers over others.

    Attributes
    ----------
    label
        What the legend says; left out of it where empty.
    x, y
        Shape (N,) each.
    style
        How it is drawn; a band reaches from `y` to `upper`.
    upper
        Shape (N,), the upper edge of a band.
    colour
        Number of its colour: series that belong together share one.
    """

    label: str
    x: NDArray[Any]
    y: NDArray[Any]
    style: Literal["line", "points", "band"] = "line"
    upper: NDArray[Any] | None = None
    colour: int = 0


def line_plot(
    path: Path, series: Sequence[Series], xlabel: str, ylabel: str, title: str
) -> None:
    """Write a plot as a PNG.

    The axes span the lines and points; a band is cut where it goes further.

    Parameters
    ----------
    path
        The PNG.
    series
        What to draw, first to last.
    xlabel, ylabel, title
        What stands below, beside and above.
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
    style = look(one.colour)
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
