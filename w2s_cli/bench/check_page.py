"""The page of `w2s check`: pictures of what agrees and what does not."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from scipy.ndimage import gaussian_filter

from w2s_cli.bench.plots import INK, MISSING, PALE, PageFigure, gray_limits, png
from w2s_cli.bench.report.figures import radial_spectrum
from w2s_cli.bench.report.html_page import html_page
from w2s_cli.io.atomic_files import replacing
from w2s_cli.pipeline.agreement import BLOCK
from w2s_cli.pipeline.check_file import CheckReport
from w2s_cli.pipeline.output_check import ComparedPlane

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = (12.0, 3.9)  # inches, of a row of four pictures
_CLOSE = 96  # pixels of the input along a part that is magnified
_MOST = 4.0  # standard deviations, from black to white
_MARK = to_rgba("#D55E00", 0.75)
_FRAME: dict[str, Any] = {"ec": "#E69F00", "fc": "none", "lw": 1.2}
_TEXTS = {
    "whole": (
        "The worst plane",
        "Input and output in gray, each from its percentile 0.5 to 99.7. The residual "
        "is the input less what it should be, were the output true, from -4 (black) to "
        "4 (white) standard deviations of the noise: it should look like noise, "
        "without the shape of anything; pale blue is left out. Orange: structure that "
        "could be taken away without the input saying no.",
    ),
    "close": (
        "Close",
        "The square above: where the output differs most from its input, or, where "
        "nothing speaks against it, where most structure is not supported.",
    ),
    "spectrum": (
        "Spectrum of the residual",
        "Its power over that of the noise: 1 where the output agrees, less where noise "
        "was left in it or fitted, more where structure was lost, moved or made up.",
    ),
}


def write_check_page(found: CheckReport, path: Path, *, overwrite: bool) -> None:
    """Write a page that needs nothing else, or as PNG its first pictures."""
    worst = [one for _, one in sorted(found.check.worst.items())]
    if path.suffix.lower() == ".png":
        with replacing(path, overwrite=overwrite) as temporary:
            _below([one for plane in worst for one in _rows(plane).values()]).save(
                temporary, "PNG"
            )
        return
    text = html_page(
        "check.html.jinja",
        found=found,
        planes=[*found.check.planes.values()],
        worst=[(one, _figures(one)) for one in worst],
    )
    with replacing(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, "utf-8")


def _figures(plane: ComparedPlane) -> list[PageFigure]:
    pictures = _rows(plane)
    pictures["spectrum"] = png((6.0, 3.0), lambda figure: _spectrum(figure, plane))
    return [
        PageFigure(name, *_TEXTS[name], picture) for name, picture in pictures.items()
    ]


def _rows(plane: ComparedPlane) -> dict[str, bytes]:
    """Return pictures of the whole plane, and of the part that is worth a look."""
    height, width = plane.seen.shape
    part = _worst_part(plane)
    whole = (slice(0, height), slice(0, width))
    rows = {"whole": _row(plane, whole, part)}
    return rows if part == whole else rows | {"close": _row(plane, part)}


def _below(pictures: Sequence[bytes]) -> Image.Image:
    """Return pictures one below the other."""
    opened = [Image.open(BytesIO(one)) for one in pictures]
    width = max(one.width for one in opened)
    whole = Image.new("RGB", (width, sum(one.height for one in opened)), "white")
    top = 0
    for one in opened:
        whole.paste(one, (0, top))
        top += one.height
    return whole


def _worst_part(plane: ComparedPlane) -> tuple[slice, slice]:
    """Return the square of a plane that is worth a close look."""
    found = plane.agreement
    least = np.where(np.isfinite(found.p_values), found.p_values, 1).min(axis=0)
    y, x = (int(at) for at in np.unravel_index(least.argmin(), least.shape))
    if plane.verdict.consistent and found.unsupported.any():
        density = gaussian_filter(found.unsupported.astype(np.float32), _CLOSE / 4)
        most = np.unravel_index(density.argmax(), density.shape)
        y, x = (int(at) // (BLOCK // 2) for at in most)
    ends = []
    for at, side in zip((y, x), plane.seen.shape, strict=True):
        start = (at + 1) * BLOCK // 2 - _CLOSE // 2
        start = min(max(start, 0), max(side - _CLOSE, 0))
        ends.append(slice(start, min(start + _CLOSE, side)))
    return ends[0], ends[1]


def _row(
    plane: ComparedPlane,
    part: tuple[slice, slice],
    frame: tuple[slice, slice] | None = None,
) -> bytes:
    """Return input, output, residual and what is not supported, side by side."""
    found, scale = plane.agreement, plane.agreement.blur.scale
    fine = tuple(slice(one.start * scale, one.stop * scale) for one in part)
    residual = np.where(found.good, found.residual, np.nan)
    pictures = [
        ("input", plane.seen[part], gray_limits(plane.seen)),
        ("output", plane.restored[fine], gray_limits(plane.restored)),
        ("residual, in sd of the noise", residual[part], (-_MOST, _MOST)),
        ("not supported", plane.restored[fine], gray_limits(plane.restored)),
    ]
    (top, bottom), (left, right) = ((one.start, one.stop) for one in part)
    extent = (left, right, bottom, top)

    def draw(figure: Figure) -> None:
        panels: list[Axes] = [*figure.subplots(1, len(pictures))]
        for axes, (title, pixels, (low, high)) in zip(panels, pictures, strict=True):
            axes.set_title(title)
            axes.grid(visible=False)
            axes.tick_params(labelsize=7)
            colours = mpl.colormaps["gray"].with_extremes(bad=MISSING)
            shown: dict[str, Any] = {"cmap": colours, "vmin": low, "vmax": high}
            axes.imshow(pixels, extent=extent, interpolation="nearest", **shown)
            if frame and frame != part:
                rows, columns = frame
                corner = (columns.start, rows.start)
                wide, tall = columns.stop - columns.start, rows.stop - rows.start
                axes.add_patch(Rectangle(corner, wide, tall, **_FRAME))
        marked = np.zeros((*found.unsupported[part].shape, 4))
        marked[found.unsupported[part]] = _MARK
        panels[-1].imshow(marked, extent=extent, interpolation="nearest")

    return png(_SIZE, draw)


def _spectrum(figure: Figure, plane: ComparedPlane) -> None:
    axes = figure.subplots()
    axes.axhline(1, color=PALE, lw=2, label="noise")
    share = max(float(plane.agreement.good.mean()), 1e-9)
    frequency, power = radial_spectrum(plane.agreement.residual)
    axes.plot(frequency, power / share, color=INK, lw=1.4, label="residual")
    axes.set(xlim=(0, 0.5), xlabel="cycles a pixel of the input", ylim=(0, None))
    axes.set_ylabel("power over that of the noise")
    axes.legend(loc="upper right")
