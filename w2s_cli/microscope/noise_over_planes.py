"""The noise of a series: of the planes that agree, and which do not.

One plane that saturates, is empty, or was shifted by a part of a pixel must not decide
about the others, nor be hidden by them.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_estimation import HINT, Dark, NoiseFit, fit_noise
from w2s_cli.microscope.plane_sampling import GRID, MOST_PLANES, sample_squares
from w2s_cli.microscope.unknown_pixels import KnownPlane

_AGREE = 1.5  # between the variance of a plane and that of most
MOST_CORRELATION = 0.06  # between the noise of neighbouring pixels
# The estimate from 64 x 64 pixels of raw noise is off by up to 0.1, 512 x 512 by 0.02.
_SPREAD = 4  # that, times the root of the pixels; fine structure adds up to 0.04


@dataclass(frozen=True, eq=False)
class Sample:
    """Squares of one plane, and the pixels of each that are unknown."""

    squares: Sequence[NDArray[Any]]
    unknown: Sequence[NDArray[np.bool_]]
    grid: int  # of the squares

    @property
    def pixels(self) -> int:
        """Return how many pixels are known."""
        return sum(int(np.count_nonzero(~mask)) for mask in self.unknown)


@dataclass(frozen=True, eq=False)
class NoiseOverPlanes:
    """The noise of several planes of one channel.

    - `fit`: of those that agree.
    - `agreed`: their numbers.
    - `correlations`: of each plane, None where it shows no noise of its own.
    """

    fit: NoiseFit
    agreed: tuple[int, ...]
    correlations: tuple[float | None, ...]


def white(correlation: float, pixels: int, planes: int = 1) -> bool:
    """Return whether the noise of so many pixels may well be independent.

    Of several planes one is off by chance more often.
    """
    chance = _SPREAD * (1 + log(planes) / 4) / sqrt(max(pixels, 1))
    return abs(correlation) <= MOST_CORRELATION + chance


def samples_of(planes: Sequence[KnownPlane]) -> list[Sample]:
    """Return squares from all over each plane, in all about as many pixels of many."""
    grid = GRID if len(planes) <= MOST_PLANES else GRID // 2
    samples = []
    for plane in planes:
        # What is beside an unknown pixel may be blended with it.
        unsure = plane.unknown
        if unsure.any():
            unsure = binary_dilation(unsure, np.ones((3, 3), bool))
        squares, unknown = (sample_squares([of], grid) for of in (plane.counts, unsure))
        samples.append(Sample(squares, unknown, grid))
    return samples


def fit_noise_over_planes(
    samples: Sequence[Sample], dark: Dark | None = None
) -> NoiseOverPlanes:
    """Return the noise of the planes of one channel that agree on it.

    Those whose neighbouring pixels share noise have no say where others do not: they
    were resampled. Nor have those whose variance is off that of most.

    Raises
    ------
    InputError
        As `fit_noise`, where no plane shows its noise.
    """
    known = [n for n, one in enumerate(samples) if one.pixels] or [0]
    if len(known) == 1:
        fit = _fitted(samples, known, dark)
        found = [fit.correlation if n in known else None for n in range(len(samples))]
        return NoiseOverPlanes(fit, tuple(known), tuple(found))
    fits: dict[int, NoiseFit] = {}
    for number in known:
        with suppress(InputError):
            fits[number] = _fitted(samples, [number], dark)
    if not fits:
        fit = _fitted(samples, known, dark)
        return NoiseOverPlanes(fit, tuple(known), (None,) * len(samples))
    agreed = [
        number
        for number, one in fits.items()
        if white(one.correlation, samples[number].pixels, len(fits))
    ] or [*fits]
    fit = _fitted(samples, agreed, dark)
    ratios = {number: _ratio(fits[number], fit) for number in agreed}
    usual = float(np.median([*ratios.values()]))
    near = [n for n in agreed if 1 / _AGREE < ratios[n] / usual < _AGREE]
    if 2 * len(agreed) > 2 * len(near) > len(agreed):
        agreed, fit = near, _fitted(samples, near, dark)
    correlations = tuple(
        fits[number].correlation if number in fits else None
        for number in range(len(samples))
    )
    return NoiseOverPlanes(fit, tuple(agreed), correlations)


def _fitted(
    samples: Sequence[Sample], numbers: Sequence[int], dark: Dark | None
) -> NoiseFit:
    squares = [one for number in numbers for one in samples[number].squares]
    unknown = [one for number in numbers for one in samples[number].unknown]
    try:
        return fit_noise(squares, dark, unknown)
    except InputError:
        hidden = 1 - sum(samples[n].pixels for n in numbers) / sum(
            mask.size for mask in unknown
        )
        if 0.5 < hidden < 1:
            raise InputError(
                f"{hidden:.0%} of the image is outside the field or drawn over: the "
                "rest is too little to measure its noise",
                hint=HINT,
            ) from None
        raise


def _ratio(one: NoiseFit, common: NoiseFit) -> float:
    """Return the variance of a plane over what all planes say at its brightness."""
    expected = np.maximum(common.line.variance(one.levels.mean), 1e-30)
    return float(np.average(one.levels.variance / expected, weights=one.levels.weight))
