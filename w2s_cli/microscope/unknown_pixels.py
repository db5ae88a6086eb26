"""Pixels that say nothing of the light: outside the field, drawn in, or no numbers.

Stitching, rotation and drift correction fill what they do not know with one value, or
with NaN; scale bars and time stamps are drawn over the image. A camera's pixels are
noisy, so a solid patch of one value is none of them, unless darkness is the same value
nearly everywhere (few photons, 8 bits), or the light saturates. What lies round a patch
tells: it is as far from the value beside the patch as it is further out, while darkness
and light come and go by degrees.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (
    binary_dilation,
    binary_opening,
    distance_transform_edt,
    find_objects,
    label,
)

Mask = NDArray[np.bool_]

_SOLID = 5  # side of the squares that a patch is made of
_MOST_VALUES = 4  # of patches; more is a drawing itself, or a map of labels
_MOST_PARTS = 512
_FEWEST = 30  # pixels of a drawing
_SHARE = 0.55  # of equal pixels round a patch, beyond which darkness explains it
_SURPRISE = 14.0  # minus the logarithm of the chance of a patch among noisy pixels
_STEPS = 2.0  # that the surroundings are away from the value, between two values
_SHARP, _SHARPER = 0.75, 0.9  # of the distance of the pixels after those beside
_BLENDED = 0.3  # the same, where one pixel between is a mixture
_FEW_NEAR, _FEW_EQUAL = 0.01, 0.1
_STRAIGHT = 0.7  # of the pixels of a drawing, those in squares of 2 x 2
_GAP = 0.25  # between a drawing and the brightest pixel, over the range of the others
_AROUND = np.ones((3, 3), bool)
_ROWS = 64  # that are computed with at a time


def unknown_pixels(plane: NDArray[Any]) -> Mask:
    """Return the pixels of a (Y, X) plane that say nothing of the light.

    All of them where no pixel differs from the others.
    """
    unknown: Mask = ~np.isfinite(plane)
    known = plane[~unknown] if unknown.any() else plane
    if not known.size or known.min() == known.max():
        return np.ones(plane.shape, bool)
    highest = known.max()
    starts = _solid(plane)
    values = np.unique(plane[: starts.shape[0], : starts.shape[1]][starts])
    if 0 < len(values) <= _MOST_VALUES:
        for value in values:
            if value != highest:
                unknown |= _patches(plane, value, unknown)
    unknown |= _drawn(plane, known, unknown)
    rest = plane[~unknown]
    # A drawing of two values, such as a mask, has no light that could be told apart.
    drawing = (rest == rest[0]) | (rest == rest[-1]) if rest.size else np.zeros(1, bool)
    return ~np.isfinite(plane) if drawing.all() else unknown


@dataclass(frozen=True, slots=True, eq=False)
class KnownPlane:
    """A (Y, X) plane of which every pixel can be computed with."""

    counts: NDArray[Any]  # unknown pixels are filled
    unknown: Mask
    filling: tuple[str, ...] = ()  # the values that unknown pixels had

    @classmethod
    def of(cls, plane: NDArray[Any]) -> Self:
        """Return a plane with its unknown pixels found and filled."""
        unknown = unknown_pixels(plane)
        values = tuple(f"{value:g}" for value in np.unique(plane[unknown])[:4])
        return cls(filled_unknown(plane, unknown), unknown, values)

    @property
    def known(self) -> NDArray[Any]:
        """Return the counts of the known pixels, or of all where none is, (N,)."""
        return self.counts[~self.unknown] if not self.blank else self.counts.ravel()

    @property
    def blank(self) -> bool:
        """Return whether no pixel is known."""
        return bool(self.unknown.all())


def filled_unknown(plane: NDArray[Any], unknown: Mask) -> NDArray[Any]:
    """Return a plane whose unknown pixels mirror known ones, as noisy as those.

    A pixel is that on the other side of the nearest known pixel, as far from it.
    """
    if unknown.all():
        numbers = np.isfinite(plane)
        value = plane[numbers][0] if numbers.any() else 0
        return np.where(numbers, plane, value).astype(plane.dtype)
    if not unknown.any():
        return plane
    known = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    filled = plane.copy()
    for rows in _rows(plane):
        within = unknown[rows]
        nearest = known[:, rows][:, within]
        here = np.stack(np.nonzero(within))
        here[0] += rows.start
        beyond = 2 * nearest - here
        for along, side in zip(beyond, plane.shape, strict=True):
            np.clip(along, 0, side - 1, out=along)
        taken = np.where(unknown[tuple(beyond)], nearest, beyond)
        filled[rows][within] = plane[tuple(taken)]
    return filled


def _rows(plane: NDArray[Any]) -> Iterator[slice]:
    """Yield a few rows of a plane at a time, so that little more is held."""
    for top in range(0, len(plane), _ROWS):
        yield slice(top, top + _ROWS)


def _median(values: NDArray[Any]) -> float:
    """Return the median of values, which are put into another order."""
    middle = [(len(values) - 1) // 2, len(values) // 2]
    values.partition(middle)
    return float(values[middle].astype(np.float64).mean())


def _solid(plane: NDArray[Any]) -> Mask:
    """Return where squares begin whose pixels are all equal."""
    height, width = (max(side - _SOLID + 1, 0) for side in plane.shape)
    across = plane[:, 1:] == plane[:, :-1]
    down = plane[1:, :width] == plane[:-1, :width]
    row: Mask = np.ones((len(plane), width), bool)
    for step in range(_SOLID - 1):
        row &= across[:, step : step + width]
    solid: Mask = row[:height].copy()
    for step in range(_SOLID - 1):
        solid &= down[step : step + height]
        solid &= row[step + 1 : step + 1 + height]
    return solid


def _patches(plane: NDArray[Any], value: Any, unknown: Mask) -> Mask:
    """Return the solid patches of a value that are not darkness."""
    equal = plane == value
    solid = binary_opening(equal, np.ones((_SOLID, _SOLID), bool))
    found: Mask = np.zeros(plane.shape, bool)
    levels = np.unique(_away(plane[~unknown][:: plane.size // 4096 + 1], value))
    least = _STEPS * float(np.diff(levels).min(initial=np.inf))
    for box, patch in _parts(solid):
        beside, beyond = _rings(patch, unknown[box])
        if not beyond.any():
            continue
        near, far = (_away(plane[box][ring], value) for ring in (beside, beyond))
        first, second = float(near.mean()), float(far.mean())
        share = float(equal[box][beside | beyond].mean())
        chance = log(plane.size) + np.count_nonzero(patch) * log(max(share, 1e-3))
        darkness = share > _SHARE or chance > -_SURPRISE or first < least
        blended = first >= _BLENDED * second and share < _FEW_EQUAL
        blended = blended and _alone(plane, value, equal, second)
        if not darkness and (first >= _SHARP * second or blended):
            found[box] |= patch
            if share < _FEW_EQUAL:  # so are pixels at its rim
                found |= binary_dilation(found, _AROUND, 4, equal)
    return found


def _away(pixels: NDArray[Any], value: Any) -> NDArray[np.float64]:
    """Return how far pixels are from a value."""
    return np.abs(pixels.astype(np.float64) - float(value))


def _alone(plane: NDArray[Any], value: Any, equal: Mask, distance: float) -> bool:
    """Return whether few pixels are near a value, but those beside its patches."""
    others = ~binary_dilation(equal, _AROUND)
    near = sum(
        np.count_nonzero(_away(plane[rows][others[rows]], value) < distance / 2)
        for rows in _rows(plane)
    )
    return bool(near < _FEW_NEAR * np.count_nonzero(others))


def _parts(mask: Mask) -> Iterator[tuple[tuple[slice, slice], Mask]]:
    """Yield each part of a mask, with four pixels around, unless they are many."""
    names, count = label(mask, _AROUND)
    if count > _MOST_PARTS:
        return
    for number, place in enumerate(find_objects(names), 1):
        rows, columns = (slice(max(s.start - 4, 0), s.stop + 4) for s in place)
        yield (rows, columns), names[rows, columns] == number


def _rings(patch: Mask, unknown: Mask) -> tuple[Mask, Mask]:
    """Return the known pixels that are next to a patch, and those next to these."""
    near = binary_dilation(patch, _AROUND)
    far = binary_dilation(near, _AROUND)
    return near & ~patch & ~unknown, far & ~near & ~unknown


def _drawn(plane: NDArray[Any], known: NDArray[Any], unknown: Mask) -> Mask:
    """Return the pixels of the highest value that are drawn, such as a scale bar.

    A drawing is brighter than all else by far, or has sharp edges; light that saturates
    is blurred. Single pixels are hot ones, and lines across the image the camera's.
    """
    highest = known.max()
    there = plane == highest
    found: Mask = np.zeros(plane.shape, bool)
    if np.count_nonzero(there) < _FEWEST:
        return found
    others = known[known != highest]
    low, most = float(others.min()), float(others.max())
    middle = _median(others)
    apart = float(highest) - most > _GAP * (most - low) and most > middle
    solid = there if apart else binary_opening(there, np.ones((2, 2), bool))
    for box, patch in _parts(there):
        y, x = (np.ptp(where) + 1 for where in np.nonzero(patch))
        line = (x < _SOLID and y == len(plane)) or (y < _SOLID and x == plane.shape[1])
        ragged = np.count_nonzero(solid[box] & patch) < _STRAIGHT * patch.sum()
        beside, beyond = _rings(patch, unknown[box])
        near, far = (_away(plane[box][ring], highest) for ring in (beside, beyond))
        if (
            not (line or ragged or patch.sum() == 1)
            and far.size
            and near.mean() >= _SHARPER * far.mean()
        ):
            found[box] |= patch
    least = _FEWEST if apart else 2 * _FEWEST
    return found if np.count_nonzero(found) >= least else np.zeros_like(found)
