"""Images side by side: all on one scale of gray, with a part magnified below each."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from w2s_cli.bench.pictures import Inset, Panel
from w2s_cli.bench.plots import png

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
_MISSING = "#9fb8c8"  # where a pixel is no number


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
    return _apart(0.0, float(np.nanpercentile(_pooled(errors), 99.5)))


def residual_limits(residuals: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """Return the scale of residuals, the same for all: 0 is in its middle."""
    widest = float(np.nanpercentile(np.abs(_pooled(residuals)), 99.0))
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
        cmap=colours.with_extremes(bad=_MISSING),
        vmin=shades.low,
        vmax=shades.high,
        extent=extent,
        interpolation_stage="data",
        **how,
    )


def _pooled(images: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([image.ravel() for image in images])


def _apart(low: float, high: float) -> tuple[float, float]:
    """Return the ends of a scale, which must not be one and the same."""
    return (float(low), float(high)) if high > low else (low - 0.5, low + 0.5)
