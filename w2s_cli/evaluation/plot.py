"""Plots: lines, points and bands over two axes, as a PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from w2s_cli.evaluation.axis import Axis

_SIZE = (900, 600)
_LEFT, _TOP, _RIGHT, _BOTTOM = 96, 72, 28, 64  # what the axes leave for text
_FINE = 3  # the curves are drawn so much larger, and shrunk: no staircases
_BLACK, _GRAY, _PALE = (32, 32, 32), (120, 120, 120), (232, 232, 232)
_COLOURS: list[tuple[int, ...]] = [
    (31, 102, 173),
    (214, 96, 28),
    (44, 140, 75),
    (137, 72, 160),
    (90, 90, 90),
]


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

    Raises
    ------
    ValueError
        When no line or point has finite numbers.
    """
    x, y = _axes(series)
    picture = Image.new("RGB", _SIZE, "white")
    picture.paste(_area(series, x, y), (_LEFT, _TOP))
    draw = ImageDraw.Draw(picture)
    corner = (_LEFT + x.length, _TOP + y.length)
    draw.rectangle([(_LEFT, _TOP), corner], outline=_GRAY)
    _tick(draw, x, y)
    draw.text((_LEFT, 12), title, fill=_BLACK, font=_font(18))
    _legend(draw, series)
    below = (_LEFT + x.length / 2, _SIZE[1] - 12)
    draw.text(below, xlabel, fill=_BLACK, font=_font(15), anchor="md")
    _beside(picture, ylabel, _TOP + y.length // 2)
    picture.save(path, format="PNG")


def _font(size: int) -> Any:
    return ImageFont.load_default(size=size)


def _axes(series: Sequence[Series]) -> tuple[Axis, Axis]:
    shown = [one for one in series if one.style != "band"]
    width, height = _SIZE[0] - _LEFT - _RIGHT, _SIZE[1] - _TOP - _BOTTOM
    return (
        Axis.over([one.x for one in shown], width),
        Axis.over([one.y for one in shown], height),
    )


def _area(series: Sequence[Series], x: Axis, y: Axis) -> Image.Image:
    """Return what is inside the frame."""
    size = (x.length, y.length)
    area = Image.new("RGB", (x.length * _FINE, y.length * _FINE), "white")
    draw = ImageDraw.Draw(area)
    for at in x(x.ticks) * _FINE:
        draw.line([(at, 0), (at, area.height)], fill=_PALE, width=_FINE)
    for at in (y.length - y(y.ticks)) * _FINE:
        draw.line([(0, at), (area.width, at)], fill=_PALE, width=_FINE)
    for one in sorted(series, key=lambda one: one.style != "band"):
        _draw(draw, one, x, y)
    return area.resize(size, Image.Resampling.BOX)


def _draw(draw: ImageDraw.ImageDraw, one: Series, x: Axis, y: Axis) -> None:
    colour = _COLOURS[one.colour % len(_COLOURS)]
    points = _places(one.x, one.y, x, y)
    match one.style:
        case "line":
            draw.line(points, fill=colour, width=2 * _FINE, joint="curve")
        case "points":
            for point in points:
                draw.ellipse(_dot(point, 3 * _FINE), fill=colour)
        case "band":
            upper = one.y if one.upper is None else one.upper
            edge = points + _places(one.x, upper, x, y)[::-1]
            draw.polygon(edge, fill=_light(colour))


def _places(
    across: NDArray[Any], up: NDArray[Any], x: Axis, y: Axis
) -> list[tuple[float, float]]:
    """Return where the finite points are drawn, not too far outside."""
    far = 10 * max(_SIZE)
    places = np.stack([x(across), y.length - y(up)], axis=1).clip(-far, far) * _FINE
    return [(a, b) for a, b in places[np.isfinite(places).all(axis=1)].tolist()]


def _dot(centre: tuple[float, float], radius: int) -> list[float]:
    across, down = centre
    return [across - radius, down - radius, across + radius, down + radius]


def _light(colour: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(255 - (255 - level) // 4 for level in colour)


def _tick(draw: ImageDraw.ImageDraw, x: Axis, y: Axis) -> None:
    """Label the ticks of both axes."""
    for at, value in zip(x(x.ticks), x.ticks, strict=True):
        place = (_LEFT + at, _TOP + y.length + 8)
        draw.text(place, f"{value:.6g}", fill=_BLACK, font=_font(13), anchor="mt")
    for at, value in zip(y(y.ticks), y.ticks, strict=True):
        place = (_LEFT - 8, _TOP + y.length - at)
        draw.text(place, f"{value:.6g}", fill=_BLACK, font=_font(13), anchor="rm")


def _legend(draw: ImageDraw.ImageDraw, series: Sequence[Series]) -> None:
    """Name the series in a row above the frame."""
    left, middle = float(_LEFT), _TOP - 16
    for one in series:
        if not one.label:
            continue
        colour = _COLOURS[one.colour % len(_COLOURS)]
        match one.style:
            case "points":
                draw.ellipse(_dot((left + 10, middle), 3), fill=colour)
            case "line":
                draw.line([(left, middle), (left + 20, middle)], colour, width=2)
            case "band":
                corners = [(left, middle - 5), (left + 20, middle + 5)]
                draw.rectangle(corners, fill=_light(colour))
        draw.text((left + 26, middle), one.label, _BLACK, font=_font(13), anchor="lm")
        left += 26 + draw.textlength(one.label, font=_font(13)) + 22


def _beside(picture: Image.Image, label: str, middle: int) -> None:
    """Write a label along the left edge, from below upwards."""
    left, top, right, bottom = map(ceil, _font(15).getbbox(label))
    line = Image.new("RGB", (right - left, bottom - top), "white")
    ImageDraw.Draw(line).text((-left, -top), label, fill=_BLACK, font=_font(15))
    upright = line.rotate(90, expand=True)
    picture.paste(upright, (10, middle - upright.height // 2))
