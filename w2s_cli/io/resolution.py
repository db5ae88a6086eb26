"""The resolution tags of a TIFF: pixels a unit of length, if they mean that at all."""

from dataclasses import dataclass
from typing import Any

import tifffile

from w2s_cli.io.units import is_printed
from w2s_cli.stack import Stack

_X, _Y, _UNIT = 282, 283, 296  # the tags
INCHES, _CENTIMETRES = 2, 3
MOST = 2**32 - 1  # above and below the line of a fraction in a tag
MICROMETRES = {INCHES: 25400.0, _CENTIMETRES: 1e4, 4: 1e3, 5: 1.0}  # also mm, µm
# What has no other calibration is taken by its tags only up to this size of a pixel.
_LARGEST_PIXEL = 20.0  # micrometres


@dataclass(frozen=True, slots=True)
class Resolution:
    """The numbers of the tags as they are; None where one is missing or is none."""

    x: float | None = None
    y: float | None = None
    unit: int = 0  # 0 is not said, 1 none, 2 inch, 3 centimetre

    def along(self, axis: str) -> float | None:
        """Return the pixels a unit along "X" or "Y"."""
        return self.x if axis == "X" else self.y

    @property
    def micrometres(self) -> float | None:
        """Return how many micrometres the unit has; None for no unit."""
        return MICROMETRES.get(self.unit)

    def pixel_size(self) -> dict[str, float]:
        """Return micrometres a pixel, where the tags alone say it credibly."""
        unit = MICROMETRES.get(self.unit or INCHES, 0.0)  # TIFF's own default
        known = {axis: number for axis in "XY" if unit and (number := self.along(axis))}
        if all(
            unit / number >= _LARGEST_PIXEL or is_printed(number, unit)
            for number in known.values()
        ):
            return {}
        return {axis: unit / number for axis, number in known.items()}


def read_resolution(page: tifffile.TiffPage) -> Resolution:
    """Return what the tags of a page say."""
    unit = page.tags.valueof(_UNIT, default=0)
    return Resolution(
        _quotient(page.tags.valueof(_X)),
        _quotient(page.tags.valueof(_Y)),
        int(unit) if unit in (0, *MICROMETRES) else 1,
    )


def _quotient(value: object) -> float | None:
    """Return a rational number above 0, which the tag may also hold as another type."""
    match value:
        case (int(above), int(below)) if above > 0 and below > 0:
            return above / below
        case int() | float() if 0 < value < 2**63:
            return float(value)
        case _:
            return None


def enlargement(stack: Stack) -> float | None:
    """Return pixels a pixel of the source; None where the grid is another one."""
    before = stack.extra.get("plane", stack.data.shape[-2:])
    after = stack.data.shape[-2:]
    factor: float = after[0] / before[0]
    whole = factor.is_integer() or (1 / factor).is_integer()
    return factor if whole and after[1] == before[1] * factor else None


def kept_resolution(stack: Stack, axis: str) -> float | None:
    """Return the source's number along an axis, on the grid of the stack."""
    source: Resolution = stack.extra.get("resolution", Resolution())
    number, factor = source.along(axis), enlargement(stack)
    return number * factor if number and factor else None


def resolution_tags(stack: Stack) -> dict[str, Any]:
    """Return how tifffile is told the pixel size, or what the source's tags said."""
    sizes = stack.pixel_size
    unknown = {"resolution": (1, 1), "resolutionunit": 1}
    if {"X", "Y"} <= sizes.keys():
        numbers = (1e4 / sizes["X"], 1e4 / sizes["Y"])
        if not all(1 / MOST <= number <= MOST for number in numbers):
            return unknown  # no fraction of the tag; the OME-XML has the sizes
        return {"resolution": numbers, "resolutionunit": _CENTIMETRES}
    x, y = kept_resolution(stack, "X"), kept_resolution(stack, "Y")
    if not x or not y or max(x, y) > MOST or sizes.keys() & {"X", "Y"}:
        return unknown
    source: Resolution = stack.extra["resolution"]
    if (source.x, source.y) == (1.0, 1.0) and not source.micrometres:
        x = y = 1.0  # what is written where nothing is known
    return {"resolution": (x, y), "resolutionunit": source.unit or INCHES}
