"""The noise of a camera by its good pixels, and its defects, found in turns."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.defects import (
    GOOD,
    MOST,
    Defects,
    Kinds,
    Mask,
    filled,
    find_defects,
    neighbours,
    no_defects,
)
from w2s_cli.microscope.noise_correlation import correlated_noise
from w2s_cli.microscope.noise_estimation import Dark, NoiseFit, fit_noise
from w2s_cli.microscope.noise_model import FARTHEST, NoiseModel

_MOST_CORRELATED = 0.15  # of neighbours: processing has smeared or sharpened defects
_ROUNDS = 4


def fit_noise_with_defects(
    planes: Sequence[NDArray[Any]],
    dark: Dark | None = None,
    known: Sequence[Kinds] = (),
    plain: NoiseFit | None = None,
    *,
    even_lines: bool = True,
    unknown: Sequence[Mask] = (),
) -> tuple[NoiseFit, list[Defects]]:
    """Return the noise of one channel by its good pixels, and its defects.

    Defects pass for noise, and too much noise hides defects: they are found in turns,
    the first time by the spread of most pixels of like brightness.

    Parameters
    ----------
    planes
        Images of the same channel, (Y, X) each, in counts.
    dark
        The camera without light, if it is known.
    known
        Of each plane the defects that are known before; empty where none are.
    plain
        What `fit_noise` says of the planes: returned where there are no defects.
    even_lines
        As for `find_defects`.
    unknown
        Of each plane the pixels that say nothing of noise nor of defects, filled.

    Raises
    ------
    InputError
        As `fit_noise`.
    """
    pixels = [plane.astype(np.float32) for plane in planes]
    hidden = [*unknown] or [np.zeros(plane.shape, bool) for plane in pixels]
    masks = [
        _first_look(plane) & ~mask for plane, mask in zip(pixels, hidden, strict=True)
    ]
    maps: list[Kinds | None] = [*known] or [None for _ in pixels]
    masks = [
        mask if kinds is None else mask | (kinds != GOOD)
        for mask, kinds in zip(masks, maps, strict=True)
    ]
    evened = [filled(*one) for one in zip(pixels, masks, strict=True)]
    fit = fit_noise(_typed(evened, planes), dark, _either(masks, hidden))
    for _ in range(_ROUNDS):
        found = [
            _outside(find_defects(plane, fit.model, kinds, even_lines=even_lines), mask)
            for plane, kinds, mask in zip(pixels, maps, hidden, strict=True)
        ]
        new = [one.unknown for one in found]
        if not any(one.found for one in found):
            return plain or fit_noise(planes, dark, hidden), found
        evened = [one.repaired(plane) for one, plane in zip(found, pixels, strict=True)]
        unsure = [
            mask | _outstanding(plane, fit.model)
            for mask, plane in zip(new, evened, strict=True)
        ]
        fit = fit_noise(_typed(evened, planes), dark, _either(unsure, hidden))
        if not known and _smeared(evened, fit):
            return plain or fit_noise(planes, dark, hidden), [
                no_defects(plane, fit.model) for plane in pixels
            ]
        if all((a == b).all() for a, b in zip(masks, new, strict=True)):
            break
        masks = new
    return fit, found


def _either(some: Sequence[Mask], others: Sequence[Mask]) -> list[Mask]:
    return [one | other for one, other in zip(some, others, strict=True)]


def _outside(found: Defects, hidden: Mask) -> Defects:
    """Return the defects of the pixels that are known."""
    kinds = np.where(hidden, np.uint8(GOOD), found.kinds) if hidden.any() else None
    return found if kinds is None else replace(found, kinds=kinds)


def _smeared(planes: Sequence[FloatArray], fit: NoiseFit) -> bool:
    """Return whether processing has spread the noise, and with it any defect."""
    noise = correlated_noise(planes, fit)
    if noise is None:
        return abs(fit.correlation) > _MOST_CORRELATED
    next_to = (noise.correlation[0][FARTHEST + 1], noise.correlation[1][FARTHEST])
    return max(map(abs, next_to)) > _MOST_CORRELATED


def _typed(
    evened: Sequence[FloatArray], planes: Sequence[NDArray[Any]]
) -> list[NDArray[Any]]:
    """Return the planes in the dtype that they had, which says what rounding did."""
    return [
        np.rint(even).astype(plane.dtype) if plane.dtype.kind in "iu" else even
        for even, plane in zip(evened, planes, strict=True)
    ]


def _first_look(plane: FloatArray) -> Mask:
    """Return the pixels that stand out from most of those of like brightness."""
    middle, ring = neighbours(plane)
    left = plane - middle
    bins = np.digitize(ring, np.quantile(ring, np.linspace(0, 1, 17)[1:-1]))
    mask = np.zeros(plane.shape, bool)
    for number in range(16):
        these = bins == number
        if np.count_nonzero(these) < 200:
            continue
        size = np.abs(left[these])
        most = size[size <= np.quantile(size, 0.97)]
        spread = max(float(np.sqrt((most**2).mean())) / 0.9, 1e-6)
        mask[these] = size > 6 * spread
    return mask if mask.mean() <= MOST else np.zeros_like(mask)


def _outstanding(plane: FloatArray, noise: NoiseModel) -> Mask:
    """Return the pixels that may be defects: too bright to tell the noise by."""
    middle, ring = neighbours(plane)
    variance = noise.variance(np.maximum(middle, ring))
    variance = np.maximum(variance, 0.3 * np.median(variance))
    far: Mask = np.abs(plane - middle) > 6 * np.sqrt(variance)
    return far
