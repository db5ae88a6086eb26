"""A field of W2S in colours: what Fig. 1 of its paper shows."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from w2s_cli._typing import DoubleArray
from w2s_cli.bench.plots import PageFigure, gray_limits, png
from w2s_cli.datasets.data_set import DataSet
from w2s_cli.datasets.w2s import CHANNELS, name_of
from w2s_cli.errors import InputError

GAMMA = 2.2  # the paper does not say which
_SIDE = 3.0  # inches
_COLUMNS = 4


def field_in_colours(data: DataSet, name: str) -> PageFigure | None:
    """Return the channels of an image's field as red, green and blue.

    The longest wavelength (channel 2) is red, the shortest (0) blue. None where the set
    is not W2S, or has not all channels of the field.
    """
    field = data.group_of(name)
    if not (data.name.startswith("w2s-") and field.isdecimal()):
        return None
    sources = {
        f"mean of {level}" if level > 1 else "single capture": data.inputs[level]
        for level in data.levels
    }
    sources["SIM"] = data.truths.get(2, {})
    names = [name_of(int(field), channel) for channel in reversed(range(CHANNELS))]
    panels: dict[str, DoubleArray] = {}
    for label, images in sources.items():
        if not all(one in images for one in names):
            continue
        try:
            planes = [images[one].read()[0] for one in names]
        except InputError:  # a file that is broken is told where it is scored
            continue
        panels[label] = np.stack(planes, -1).astype(float)
    if not panels:
        return None
    widefield = [label for label in panels if label != "SIM"]
    limits = {
        label: [gray_limits(planes[..., channel]) for channel in range(CHANNELS)]
        for label, planes in panels.items()
    }
    for label in widefield:  # all on the scale of the cleanest
        limits[label] = limits[widefield[-1]]
    shown = {label: _shades(one, limits[label]) for label, one in panels.items()}
    return PageFigure(
        f"colours-{field}",
        f"Field {field} in colours",
        "Channels 2, 1 and 0 (640, 561 and 488 nm) as red, green and blue, as in "
        f"Fig. 1 of W2S, with a gamma of {GAMMA:g}: dim parts look brighter than they "
        "are. Each channel from the percentile 0.5 to 99.7 of the longest average; "
        "SIM, which has its own unit, of itself.",
        _drawn(shown),
    )


def _shades(planes: DoubleArray, limits: list[tuple[float, float]]) -> DoubleArray:
    """Return (Y, X, 3) from 0 to 1, of which the gamma is taken."""
    low, high = np.array(limits).T
    return np.asarray(((planes - low) / (high - low)).clip(0, 1) ** (1 / GAMMA))


def _drawn(shown: Mapping[str, NDArray[np.float64]]) -> bytes:
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat:
            axes.axis("off")
        for axes, (label, picture) in zip(grid.flat, shown.items(), strict=False):
            axes.set_title(label, fontsize=9)
            axes.imshow(picture, interpolation="nearest")

    return png((columns * _SIDE, rows * (_SIDE + 0.3)), draw)
