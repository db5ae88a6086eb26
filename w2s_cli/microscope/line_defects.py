"""Rows and columns that a camera or a scanner reads wrongly.

Offsets of rows, of columns and of the two halves that two amplifiers read, lines
brightened or dimmed by a flickering laser, and lines that show nothing of the light.

A line is compared with the lines around it. Structure does the same to it, but not in
the same way in both halves of the line: only what both halves show is believed, and
only where it changes from one line to the next, which blurred structure does not.
"""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

_REACH = 4  # lines on each side that a line is compared with
_DIMMEST = 0.05  # light of a row, over that of its neighbours
_ROUNDS = 4
_CERTAIN = 7.0  # standard errors of the agreement between halves
_LEAST_OFFSET = 0.12  # standard deviations of the noise
_LEAST_FLICKER = 0.02  # of the light
_STUCK, _NOISY = 0.3, 2.0  # spread of a line over that of the lines around
_SMOOTH = 0.75  # correlation of a line's excess with the next one's, of structure
_LEAST_LINES = 96


@dataclass(frozen=True, eq=False)
class LineDefects:
    """What is wrong with the rows, or the columns, of a plane.

    Attributes
    ----------
    offset
        Counts to subtract, one number a line.
    light
        What the light is to be divided by, one number a line.
    lost
        The lines that show nothing.
    amplifiers
        Counts by which the second half of the lines is above the first.
    """

    offset: Values
    light: Values
    lost: Mask
    amplifiers: float = 0.0

    @classmethod
    def none(cls, count: int) -> Self:
        """Return lines that nothing is wrong with."""
        return cls(np.zeros(count), np.ones(count), np.zeros(count, bool))

    def part(self, lines: slice) -> Self:
        """Return what is wrong with some of the lines."""
        return replace(
            self,
            offset=self.offset[lines],
            light=self.light[lines],
            lost=self.lost[lines],
        )

    @property
    def found(self) -> bool:
        """Return whether there is anything to repair."""
        return bool(self.shifts or self.flickers or self.lost.any())

    @property
    def shifts(self) -> bool:
        """Return whether lines have offsets of their own, or two amplifiers."""
        return bool(self.offset.any() or self.amplifiers)

    @property
    def flickers(self) -> bool:
        """Return whether lines differ in their light."""
        return bool((self.light != 1).any())

    @property
    def steady(self) -> Self:
        """Return the same lines, without what is said of their light."""
        return replace(self, light=np.ones_like(self.light))

    def repaired(self, plane: FloatArray, black: float) -> FloatArray:
        """Return a plane (lines along X) with even lines; the lost ones as they are.

        Parameters
        ----------
        plane
            (Y, X) counts, each row a line.
        black
            Counts without light.
        """
        if not (self.shifts or self.flickers):
            return plane
        half = np.arange(len(plane)) < len(plane) // 2
        shift = self.offset + np.where(half, -0.5, 0.5) * self.amplifiers
        even = plane - shift[:, None]
        if self.flickers:
            even = (even - black) / self.light[:, None] + black
        return np.asarray(even, np.float32)


def find_line_defects(plane: FloatArray, noise: NoiseModel) -> LineDefects:
    """Return what is wrong with the rows of a plane; transpose it for the columns.

    Parameters
    ----------
    plane
        (Y, X) counts.
    noise
        Of a pixel.
    """
    count = len(plane)
    even = LineDefects.none(count)
    if min(plane.shape) < _LEAST_LINES:
        return even
    found = replace(even, lost=_lost(plane), amplifiers=_amplifiers(plane, noise))
    level = found.repaired(_bridged(plane, found.lost), noise.offset)
    flicker = _agreement(level, noise, of_light=True)
    uneven = _agreement(level, noise, of_light=False)
    # Each passes for the other.
    both = flicker.believed and uneven.believed
    of_light = _grows_with_light(level, noise) if both else flicker.believed
    if of_light:
        return replace(found, light=1 + flicker.excess)
    return replace(found, offset=uneven.excess) if uneven.believed else found


def _lost(plane: FloatArray) -> Mask:
    """Return the rows whose pixels are all alike, or noisier than those around."""
    change = np.abs(np.diff(plane, axis=1))
    spread = np.stack([np.median(part, 1) for part in np.array_split(change, 4, 1)])
    spread = np.maximum(spread, 0)
    usual = median_filter(spread, size=(1, 4 * _REACH + 1), mode="nearest")
    alike = (spread < _STUCK * usual).all(axis=0) | _empty(plane)
    noisy = (spread > _NOISY * usual).all(axis=0) & (usual > 0).all(axis=0)
    lost = alike | noisy
    return lost if lost.mean() < 0.1 else np.zeros(len(plane), bool)


def _empty(plane: FloatArray) -> Mask:
    """Return the rows of one value only, where most rows are not."""
    flat: Mask = np.ptp(plane, axis=1) == 0
    return flat if flat.mean() < 0.1 else np.zeros(len(plane), bool)


def _bridged(plane: FloatArray, lost: Mask) -> FloatArray:
    """Return a plane with the mean of the next good rows in the place of lost ones."""
    if not lost.any():
        return plane
    good = np.flatnonzero(~lost)
    bridged = plane.copy()
    for row in np.flatnonzero(lost).tolist():
        at = int(np.searchsorted(good, row))
        next_to = good[max(at - 1, 0)], good[min(at, len(good) - 1)]
        bridged[row] = (plane[next_to[0]] + plane[next_to[1]]) / 2
    return bridged


@dataclass(frozen=True, eq=False)
class _Agreement:
    """What every row has too much, in counts or as a share of the light.

    Attributes
    ----------
    excess
        One number a row.
    certain
        How far the quarters of the rows agree, in standard errors.
    believed
        Whether it is far enough, and enough to matter.
    """

    excess: Values
    certain: float
    believed: bool


def _agreement(plane: FloatArray, noise: NoiseModel, *, of_light: bool) -> _Agreement:
    """Return what every row has too much, and how far its quarters agree.

    Quarters are compared by the ranks of their rows: a few rows with much structure
    decide nothing.
    """
    parts = [
        _excess(part, noise, of_light=of_light)
        for part in np.array_split(plane, 4, axis=1)
    ]
    ranks = np.argsort(np.argsort(parts, axis=1), axis=1)
    alike = np.asarray(np.corrcoef(ranks))[np.triu_indices(4, 1)]
    certain = float(alike.mean()) * sqrt(len(alike) * len(plane))
    spread = [1.4826 * float(np.median(np.abs(part))) for part in parts]
    strength = sqrt(max(float(alike.mean()), 0)) * float(np.median(spread))
    usual = sqrt(float(noise.variance(np.asarray(np.median(plane), np.float32))))
    least = _LEAST_FLICKER if of_light else _LEAST_OFFSET * usual
    believed = certain > _CERTAIN and strength > least and bool(alike.min() > 0)
    excess = _excess(plane, noise, of_light=of_light)
    if believed:  # then it differs between the lines
        believed = float(np.corrcoef(excess[1:], excess[:-1])[0, 1]) < _SMOOTH
    return _Agreement(excess, certain, believed)


def _excess(plane: FloatArray, noise: NoiseModel, *, of_light: bool) -> Values:
    """Return how much each row has more than the rows around it.

    A mean over its pixels: those weigh little around which the rows differ anyway, and
    far ones count as less far.
    """
    total = np.zeros(len(plane))
    black = np.float32(noise.offset)
    for _ in range(_ROUNDS):
        more = total[:, None].astype(np.float32)
        even: FloatArray = plane - more
        if of_light:
            left = np.maximum(1 + more, np.float32(_DIMMEST))
            even = np.asarray((plane - black) / left + black, np.float32)
        apart, variance, light = _compared(even, noise)
        del even
        _clip(apart, 2.5, variance)
        light -= black
        np.maximum(light, 0, out=light)
        if not of_light:
            light[...] = 1
        weight = np.divide(light, variance, out=variance)
        change = np.multiply(apart, weight, out=apart).sum(axis=1)
        weight *= light
        change = change / np.maximum(weight.sum(axis=1), 1e-12)
        total = total + np.asarray(change, np.float64)
    total -= total.mean()
    total -= uniform_filter1d(total, 8 * _REACH + 1, mode="nearest")
    return total


def _compared(
    plane: FloatArray, noise: NoiseModel
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return how much pixels exceed the rows around, by what variance, and those."""
    above, below = _beside(plane)
    around = above + below
    around /= 2
    bend = above - below
    del above, below
    bend *= bend
    bend /= 2
    variance = noise.variance(around)
    variance += bend
    variance += np.float32(1e-3 * variance.mean() + 1e-12)
    return np.subtract(plane, around, out=bend), variance, around


def _clip(values: FloatArray, times: float, variance: FloatArray) -> None:
    """Clip values at so many standard deviations from 0, in place."""
    limit = np.sqrt(variance)
    limit *= times
    np.minimum(values, limit, out=values)
    np.maximum(values, np.negative(limit, out=limit), out=values)


def _beside(plane: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the means of the rows above and below each row."""
    size = _REACH // 2
    mean: FloatArray = uniform_filter1d(plane, _REACH, axis=0, mode="reflect")
    wide = np.pad(mean, [(size + _REACH, size + _REACH), (0, 0)], mode="symmetric")
    rows, at = len(plane), size + _REACH
    # The filter of even size reaches from two rows before to one row after.
    above, below = (wide[at + step : at + step + rows] for step in (-2, 3))
    return above, below


def _grows_with_light(plane: FloatArray, noise: NoiseModel) -> bool:
    """Return whether rows are off by more where they are bright than where dark."""
    change, variance, around = _compared(plane, noise)
    _clip(change, 3, variance)
    dark, bright = around <= np.median(around), around >= np.quantile(around, 0.8)
    columns = np.arange(plane.shape[1]) < plane.shape[1] // 2

    def excess(kept: Mask) -> Values:
        weight = kept / variance
        mean = (change * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-12)
        centred: Values = np.asarray(mean - mean.mean(), np.float64)
        return centred

    shared = float((excess(dark & columns) * excess(dark & ~columns)).mean())
    slope = float((excess(dark) * excess(bright)).mean()) / max(shared, 1e-30)
    light = np.array([around[dark].mean(), around[bright].mean()]) - noise.offset
    most = float(light[1] / max(float(light[0]), 0.1 * float(light[1])))
    return slope > sqrt(max(most, 1.0))


def _amplifiers(plane: FloatArray, noise: NoiseModel) -> float:
    """Return the step in counts from the upper half of the rows to the lower half.

    It is compared with the steps between all other rows.
    """
    size = _REACH
    mean: FloatArray = uniform_filter1d(plane, size, axis=0, mode="reflect")
    at = np.arange(2 * size, len(plane) - 2 * size + 1)
    # The mean at a row is that from two rows before it to the one after it.
    far_up, up, down, far_down = (
        mean[at[0] + step : at[-1] + 1 + step]
        for step in (2 - 2 * size, 2 - size, 2, 2 + size)
    )
    near, far = down - up, far_down - far_up
    middle_light = up + down
    del mean, far_up, up, down, far_down
    middle_light /= 2
    bend = far - near
    bend *= bend
    weight = noise.variance(middle_light)
    del middle_light
    weight += bend
    del bend
    weight += np.float32(1e-12)
    np.divide(1, weight, out=weight)
    step = np.multiply(near, 3, out=near)
    step -= far
    step /= 2
    limit = np.sqrt(weight, out=far)
    np.divide(3, limit, out=limit)
    parts = [
        (np.clip(one, -most, most) * w).sum(axis=1) / w.sum(axis=1)
        for one, most, w in zip(
            *(np.array_split(a, 4, axis=1) for a in (step, limit, weight)), strict=True
        )
    ]
    whole = np.mean(parts, axis=0)
    middle = int(np.flatnonzero(at == len(plane) // 2)[0])
    others = np.abs(np.delete(whole, np.s_[middle - size : middle + size + 1]))
    found = float(whole[middle])
    agreed = bool((np.sign([part[middle] for part in parts]) == np.sign(found)).all())
    least = _LEAST_OFFSET * sqrt(
        float(noise.variance(np.asarray(np.median(plane), np.float32)))
    )
    far_away = max(3.5 * 1.4826 * float(np.median(others)), 1.3 * float(others.max()))
    return found if agreed and abs(found) > max(far_away, least) else 0.0
