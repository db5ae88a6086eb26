"""The page of `w2s bench --invention`: tables, claims, and a montage for each scene."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from w2s_cli._typing import FloatArray
from w2s_cli.bench.claims.claim import CLAIM_HEADS, claim_rows
from w2s_cli.bench.invention.invention_result import HEADS, InventionResult
from w2s_cli.bench.invention.run_invention import Example
from w2s_cli.bench.invention.scenes import SCENES
from w2s_cli.bench.plots import PageFigure, gray_limits, png
from w2s_cli.bench.report.html_page import html_page
from w2s_cli.io.atomic_files import replacing
from w2s_cli.metrics.structures import FoundObjects
from w2s_cli.microscope.interpolation import doubled
from w2s_cli.microscope.simulation import CAMERA

_CLOSE = 128  # pixels of the truth along a panel
_PANEL = 1.5  # inches
_EVEN = 0.01  # of the light: a smaller range is shown as even
_FILAMENT, _PUNCTUM = "#D55E00", "#56B4E9"
_CAPTION = (
    "A part of the first field: the truth at twice the pixels, the widefield image "
    "without noise and with it, and what methods make of it, a row for each level of "
    "light in photons. Vermilion: filaments and worms that the truth does not have, "
    "sky blue: puncta, at the height that the true structure reaches after the same "
    "method. Gray is from the percentile 0.5 to 99.7 of each panel."
)


def write_invention_page(
    result: InventionResult, path: Path, *, overwrite: bool
) -> None:
    """Write a page that needs nothing else."""
    text = html_page(
        "invention.html.jinja",
        result=result,
        heads=HEADS,
        rows=[*result.rows()],
        claims=result.claims,
        claim_heads=CLAIM_HEADS,
        claim_rows=[*claim_rows(result.claims)],
        figures=montages(result.examples),
    )
    with replacing(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, "utf-8")


def montages(examples: Sequence[Example]) -> list[PageFigure]:
    """Return a picture for each scene: a row for each level of light."""
    scenes = dict.fromkeys(one.scene for one in examples)
    return [
        PageFigure(
            f"invention-{name}",
            SCENES[name].title.capitalize(),
            _CAPTION,
            _montage([one for one in examples if one.scene == name]),
        )
        for name in scenes
    ]


def _montage(examples: Sequence[Example]) -> bytes:
    columns = [*examples[0].images]
    columns.insert(2, "camera")
    size = (_PANEL * len(columns), (_PANEL + 0.2) * len(examples) + 0.2)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(len(examples), len(columns), squeeze=False)
        for row, one in enumerate(examples):
            for number, name in enumerate(columns):
                axes = grid[row, number]
                axes.grid(visible=False)
                axes.set(xticks=[], yticks=[])
                image, false = _panel(one, name)
                low, high = gray_limits(image)
                high = max(high, low + _EVEN * abs(low))
                axes.imshow(image, cmap="gray", vmin=low, vmax=high)
                if false:
                    _outline(axes, false)
                if not row:
                    axes.set_title(name, fontsize=8)
                if not number:
                    axes.set_ylabel(f"{one.light:g}")

    return png(size, draw)


def _panel(one: Example, name: str) -> tuple[FloatArray, FoundObjects | None]:
    part = np.s_[:_CLOSE, :_CLOSE]
    if name == "camera":
        return doubled(CAMERA.photons(one.field.seen))[part], None
    image, false = one.images[name]
    return image[part], false


def _outline(axes: Axes, false: FoundObjects) -> None:
    labels = false.labels[:_CLOSE, :_CLOSE]
    long = np.concatenate([[False], false.long])[labels]
    for mask, colour in ((long, _FILAMENT), ((labels > 0) & ~long, _PUNCTUM)):
        if mask.any() and not mask.all():
            axes.contour(mask, [0.5], colors=colour, linewidths=0.9)
