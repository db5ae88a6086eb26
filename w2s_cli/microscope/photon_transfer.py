"""The noise of a camera from repeated exposures of one view.

Photon transfer ([1]_): where the same view was taken again and again, what changes is
noise, however sharp the structure. Successive exposures are compared, and even changes
of the light taken out, so that lamp flicker and bleaching pass for no noise.

References
----------
.. [1] J. R. Janesick, "Photon Transfer", SPIE Press (2007).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_estimation import (
    Dark,
    NoiseFit,
    noise_model_of_line,
    rising_line,
)
from w2s_cli.microscope.noise_levels import (
    BINS,
    BrightnessBins,
    brightness_levels,
    sums_by_bin,
)
from w2s_cli.microscope.quantization import clipping_step

HINT = "name the axis along which the same view was taken again, for example T"


@dataclass(frozen=True, eq=False)
class _View:
    """One view, seen through once."""

    exposures: Iterable[NDArray[Any]]  # (Y, X) counts each
    count: int  # how many there are
    total: FloatArray  # their sum
    low: float  # where pixels are clipped, NaN where they are not
    high: float

    def pairs(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield successive exposures, from the second time through."""
        return pairwise(plane.astype(np.float32) for plane in self.exposures)

    def around(self, light: FloatArray) -> FloatArray:
        """Return the brightness of each pixel by other exposures than a pair's `light`.

        Of two exposures in all, the neighbours tell it.
        """
        if self.count > 2:
            return (self.total - light) / np.float32(self.count - 2)
        square = uniform_filter(light / np.float32(2), 3)
        return np.asarray((square * 9 - light / 2) / 8, np.float32)


def fit_repeats(
    views: Iterable[Iterable[NDArray[Any]]], dark: Dark | None = None
) -> NoiseFit:
    """Return the Poisson-Gaussian noise of one channel, from repeated exposures.

    - `views`: for each view its exposures, (Y, X) each, in counts; at least two, as
      many for each view. Every view is gone through twice.
    - `dark`: the camera without light, if it is known; see `fit_noise`.

    Raises InputError when there is one exposure only, or no noise in them.
    """
    seen = [_seen(view) for view in views]
    scale = BrightnessBins.of(
        np.concatenate([(v.total / v.count).ravel() for v in seen])
    )
    parts = [_measured(view, scale) for view in seen]
    sums = np.sum([sums for sums, _ in parts], axis=0)
    if not sums[2].any():
        raise InputError("the repeats do not differ from one another", hint=HINT)
    pairs = seen[0].count - 1
    # Successive pairs share an exposure
    levels = brightness_levels(sums, 3 - 1 / pairs)
    line = rising_line(levels, dark)
    model = noise_model_of_line(line, float(levels.mean.min()), dark)
    return NoiseFit(model, line, levels, max((c for _, c in parts), key=abs))


def _seen(view: Iterable[NDArray[Any]]) -> _View:
    exposures = map(_checked, view)
    first = next(exposures)
    total, count = first.copy(), 1
    for plane in exposures:
        total += plane
        count += 1
    if count < 2:
        raise InputError("there is one exposure only: no repeats", hint=HINT)
    low, high = float(first.min()), float(first.max())
    # NaN where pixels are not clipped
    low = low if clipping_step([first], low) else np.nan
    high = high if clipping_step([first], high) else np.nan
    return _View(view, count, total, low, high)


def _measured(view: _View, scale: BrightnessBins) -> tuple[DoubleArray, float]:
    """Return the sums over the levels, and the correlation of neighbouring pixels."""
    sums = np.zeros((5, BINS))
    neighbours = np.zeros(2)
    for before, after in view.pairs():
        light, change = after + before, _without_flicker(before, after)
        low, high = (
            ((before == end) / 2 + (after == end) / 2).ravel()
            for end in (view.low, view.high)
        )
        bins = scale.bins(view.around(light).ravel())
        sums += sums_by_bin(bins, light.ravel() / 2, change.ravel() ** 2 / 2, low, high)
        square = max(float((change**2).mean()), 1e-30)
        along_y = float((change[1:] * change[:-1]).mean())
        along_x = float((change[:, 1:] * change[:, :-1]).mean())
        neighbours += (along_y / square, along_x / square)
    return sums, float(max(neighbours / (view.count - 1), key=abs))


def _checked(plane: NDArray[Any]) -> FloatArray:
    if not np.isfinite(plane).all():
        raise InputError("the image holds NaN or infinite values")
    return plane.astype(np.float32)


def _without_flicker(before: FloatArray, after: FloatArray) -> FloatArray:
    """Return the difference, without what the light has changed everywhere alike.

    Noise in the difference and in the sum of two exposures is not correlated, so the
    slope of one over the other is that of the light.
    """
    change, light = after - before, after + before
    change -= change.mean()
    light -= light.mean()
    slope = np.vdot(change, light) / max(np.vdot(light, light), np.float32(1e-30))
    return np.asarray(change - slope * light, np.float32)
