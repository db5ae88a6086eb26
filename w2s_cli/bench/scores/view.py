"""A reference and an image as a convention shows them to a metric."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.bench.scores.convention import PERCENTILES, Convention, Fit, Range, limits
from w2s_cli.errors import InputError
from w2s_cli.metrics.fidelity import fit_gain_offset
from w2s_cli.metrics.input_checks import scored_pixels, size
from w2s_cli.restorers.units import Linear

Pixels = NDArray[np.float64]


def fit(reference: Pixels, image: Pixels, rule: Fit) -> tuple[float, float]:
    """Return `gain` and `offset` of a rule of `convention.Fit`.

    Returns
    -------
    gain, offset
        ``gain * image + offset`` is the fitted image. The gain is 0 for a constant
        image, and 1 without a fit.
    """
    if rule == "none":
        return 1.0, 0.0
    if rule == "percentile":
        low, high = np.percentile(reference, PERCENTILES)
        dark, bright = np.percentile(image, PERCENTILES)
        gain = (high - low) / (bright - dark) if bright > dark else 0.0
        return float(gain), float(low - gain * dark)
    return fit_gain_offset(reference, image)


Image = NDArray[Any]  # (Y, X), any real dtype
Mask = NDArray[np.bool_]
Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What is scored at once: an image, or a corner of it."""

    # reference, image: (Y, X) in the unit of the convention
    reference: Float
    image: Float
    valid: Mask | None  # (Y, X), where pixels count; None where all do
    # data_range, ssim_range: in the unit; 0 where a constant reference has none
    data_range: float
    ssim_range: float
    # the widefield image that the image was made of, in the unit, where it is known and
    # the image is whole
    low: Float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A reference and an image made comparable."""

    views: tuple[View, ...]  # one, or one a corner
    gain: float  # what the fit multiplied the image by; 1 without a fit


def compared(
    reference: Image,
    image: Image,
    convention: Convention,
    valid: Mask | None = None,
    *,
    low: Image | None = None,
) -> Compared:
    """Return a reference and an image as a convention has them.

    The image is fitted, both are put into the unit, the range is found, and then border
    and corners are cut. Fit and range go by all pixels that are valid. A corner without
    a valid pixel is left out.

    Parameters
    ----------
    reference, image
        (Y, X), in counts.
    valid
        (Y, X), false where pixels are left out; None for none.
    low
        (Y / scale, X / scale), in counts: the widefield image that `image` was made of.

    Raises
    ------
    InputError
        When the shapes differ, pixels are not finite, none is valid, or the image is
        smaller than what is cut from it.
    """
    gain, offset = fit(*scored_pixels(reference, image, valid), convention.fit)
    unit = convention.scale(reference.dtype)
    target, pixels = (
        _in_unit(given, unit, convention)
        for given in (reference, gain * np.asarray(image, np.float64) + offset)
    )
    counted = target if valid is None else target[valid]
    data_range, ssim_range = (
        _range(rule, counted, reference.dtype, unit.one) for rule in convention.ranges
    )
    under = None if low is None else _in_unit(low, unit, convention)
    whole = View(target, pixels, valid, data_range, ssim_range, under)
    return Compared(tuple(_parts(whole, convention)), gain)


def _in_unit(counts: Image, unit: Linear, convention: Convention) -> Float:
    numbers = (np.asarray(counts, np.float64) - unit.zero) / unit.one
    return numbers.clip(0, 1) if convention.clip else numbers


def _range(
    rule: Range, reference: Float, dtype: np.dtype[Any], counts_per_unit: float
) -> float:
    match rule:
        case "dtype":
            least, largest = limits(dtype)
            return (largest - least) / counts_per_unit
        case "max-min":
            return float(np.ptp(reference))
        case "percentile":
            low, high = np.percentile(reference, PERCENTILES)
            return float(high - low)
        case _:
            return float(rule)


def _parts(whole: View, convention: Convention) -> list[View]:
    """Return the parts of an image that are scored one by one."""
    border, side = convention.border, convention.corners
    if not border and not side:
        return [whole]
    height, width = (length - 2 * border for length in whole.reference.shape)
    if min(height, width) < max(side, 1):
        what = f"{side} x {side} corners" if side else "pixels left"
        raise InputError(
            f"an image of {size(whole.reference)} pixels has no {what} inside a border "
            f"of {border}",
            hint="choose a smaller --border or --corners",
        )
    if not side:
        return [_cut(whole, (border, border), (height, width))]
    corners = [
        _cut(whole, (top, left), (side, side))
        for top in (border, border + height - side)
        for left in (border, border + width - side)
    ]
    return [part for part in corners if part.valid is None or part.valid.any()]


def _cut(whole: View, start: tuple[int, int], sides: tuple[int, int]) -> View:
    part = tuple(slice(at, at + side) for at, side in zip(start, sides, strict=True))
    return replace(
        whole,
        reference=whole.reference[part],
        image=whole.image[part],
        valid=None if whole.valid is None else whole.valid[part],
        low=None,
    )
