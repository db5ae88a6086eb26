"""A reference and an image as a convention shows them to a metric."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.evaluation.scores.convention import PERCENTILES, Convention, Range, limits
from w2s_cli.evaluation.scores.fit import fit
from w2s_cli.restore.affine import Affine

Image = NDArray[Any]  # (Y, X), any real dtype
Mask = NDArray[np.bool_]
Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What is scored at once: an image, or a corner of it.

    Attributes
    ----------
    reference, image
        (Y, X) in the unit of the convention.
    valid
        (Y, X), where pixels count; None where all do.
    data_range, ssim_range
        In the unit; 0 where a constant reference has none.
    low
        The widefield image that the image was made of, in the unit, where it is known
        and the image is whole.
    """

    reference: Float
    image: Float
    valid: Mask | None
    data_range: float
    ssim_range: float
    low: Float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A reference and an image made comparable.

    Attributes
    ----------
    views
        One, or one a corner.
    gain
        What the fit multiplied the image by; 1 without a fit.
    """

    views: tuple[View, ...]
    gain: float


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
    _check(reference, image, valid)
    unit = convention.scale(reference.dtype)
    gain, offset = fit(
        _counted(reference, valid), _counted(image, valid), convention.fit
    )
    target, pixels = (
        _in_unit(given, unit, convention)
        for given in (reference, gain * np.asarray(image, np.float64) + offset)
    )
    seen = _counted(target, valid)
    data_range, ssim_range = (
        _range(rule, seen, reference.dtype, unit.one) for rule in convention.ranges
    )
    under = None if low is None else _in_unit(low, unit, convention)
    whole = View(target, pixels, valid, data_range, ssim_range, under)
    return Compared(tuple(_parts(whole, convention)), gain)


def _in_unit(counts: Image, unit: Affine, convention: Convention) -> Float:
    numbers = (np.asarray(counts, np.float64) - unit.zero) / unit.one
    return numbers.clip(0, 1) if convention.clip else numbers


def _check(reference: Image, image: Image, valid: Mask | None) -> None:
    shapes = {"image": image.shape} | ({} if valid is None else {"mask": valid.shape})
    for name, shape in shapes.items():
        if shape != reference.shape:
            raise InputError(
                f"the reference has shape {reference.shape} and the {name} {shape}",
                hint="both must be on the same pixel grid",
            )
    if valid is not None and not valid.any():
        raise InputError("no pixel is valid", hint="all of them are clipped")
    for name, given in (("reference", reference), ("image", image)):
        broken = int((~np.isfinite(_counted(given, valid))).sum())
        if broken:
            raise InputError(
                f"{broken} of {given.size} pixels of the {name} are not finite",
                hint="a restored image has none: was it divided by zero?",
            )


def _counted(image: NDArray[Any], valid: Mask | None) -> NDArray[Any]:
    return image if valid is None else image[valid]


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
        size = " x ".join(map(str, whole.reference.shape))
        raise InputError(
            f"an image of {size} pixels has no {what} inside a border of {border}",
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


def _cut(whole: View, start: tuple[int, int], size: tuple[int, int]) -> View:
    part = tuple(slice(at, at + length) for at, length in zip(start, size, strict=True))
    return replace(
        whole,
        reference=whole.reference[part],
        image=whole.image[part],
        valid=None if whole.valid is None else whole.valid[part],
        low=None,
    )
