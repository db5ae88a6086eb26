"""Pixels that a camera reads wrongly: hot, dead and blinking ones, and whole lines.

What the optics make is never narrower than their blur: a pixel that stands out while
its neighbours do not is none of theirs. A pixel is compared with its four neighbours
and with the ring of sixteen pixels two away: of the light that a bead of the narrowest
blur adds to its brightest pixel, the middle two of the four neighbours have at least a
share that follows from the blur. A pixel is a defect where it stands out from the ring
beyond its noise, and they have too little by more than the noise allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.line_defects import LineDefects, find_line_defects
from w2s_cli.microscope.noise_model import NoiseModel

Mask = NDArray[np.bool_]
Kinds = NDArray[np.uint8]

GOOD, HOT, DEAD, BLINKING, LINE = range(5)
"""Values of a map of defects."""
NARROWEST = 0.7
"""Standard deviation of the narrowest blur that is thought possible, in pixels: a pixel
is then 0.6 of its full width at half maximum."""
MOST = 0.02
"""Share of defects beyond which they are taken for structure without blur."""
_FAR = 7.0  # standard deviations that a hot pixel stands out from the ring
_DEEP = 5.5  # and a dead one from the darker of those around it
_UNLIKE = 3.2  # and its neighbours are below their share
_DARK = 0.25  # light of a dead pixel, of its neighbours' light
_FLAT = 1.5  # variance of a ring without structure, over that of the noise
_ROUNDS = 4
_ROWS = 64  # that are compared with those around at a time
_AGREED = 6.0  # standard errors, over several images
_NEAR = [(-1, 0), (1, 0), (0, -1), (0, 1)]
_RING = [(y, x) for y in range(-2, 3) for x in range(-2, 3) if max(abs(y), abs(x)) == 2]


@dataclass(frozen=True, eq=False)
class Defects:
    """What is wrong with the pixels of one plane.

    Attributes
    ----------
    kinds
        (Y, X): `GOOD`, `HOT`, `DEAD`, `BLINKING` or `LINE`.
    rows, columns
        What is wrong with whole lines.
    black
        Counts without light.
    evens_lines
        Whether a repair evens out lines; else uneven lines are reported alone.
    """

    kinds: Kinds
    rows: LineDefects
    columns: LineDefects
    black: float
    evens_lines: bool = True

    @property
    def unknown(self) -> Mask:
        """Return the pixels that say nothing of the light, shape (Y, X)."""
        unknown: Mask = self.kinds != GOOD
        return unknown

    @property
    def found(self) -> bool:
        """Return whether there is anything to repair."""
        return bool(self.kinds.any()) or (self.evens_lines and self.uneven)

    @property
    def uneven(self) -> bool:
        """Return whether lines differ in offset or light."""
        return any(one.shifts or one.flickers for one in (self.rows, self.columns))

    def part(self, rows: slice, columns: slice) -> Self:
        """Return what is wrong with some of the pixels."""
        return replace(
            self,
            kinds=self.kinds[rows, columns],
            rows=self.rows.part(rows),
            columns=self.columns.part(columns),
        )

    def repaired(self, plane: NDArray[Any]) -> FloatArray:
        """Return the plane with even lines and filled pixels, float32 counts."""
        return filled(self.even(plane), self.unknown)

    def even(self, plane: NDArray[Any]) -> FloatArray:
        """Return the plane with even lines, its unknown pixels as they are."""
        if not self.evens_lines:
            return plane.astype(np.float32)
        pixels = self.rows.repaired(plane.astype(np.float32), self.black)
        return self.columns.repaired(pixels.T, self.black).T

    def as_json(self) -> dict[str, Any]:
        """Return what a repair changes, the number of each kind, as a JSON object."""
        lines = {"row": self.rows, "column": self.columns}
        numbers: dict[str, Any] = {
            "hot": int(np.count_nonzero(self.kinds == HOT)),
            "dead": int(np.count_nonzero(self.kinds == DEAD)),
            "blinking": int(np.count_nonzero(self.kinds == BLINKING)),
            **{f"lost_{name}s": int(one.lost.sum()) for name, one in lines.items()},
        }
        if not self.evens_lines:
            return numbers
        return {
            **numbers,
            **{
                f"{name}_offset": round(float(one.offset.std()), 4)
                for name, one in lines.items()
            },
            **{
                f"{name}_flicker": round(float(one.light.std()), 4)
                for name, one in lines.items()
            },
            "amplifier_step": self.rows.amplifiers or self.columns.amplifiers,
        }

    @property
    def words(self) -> str:
        """Return what a repair changes, in words."""
        found = self.as_json()
        numbers = [
            (found["hot"], "hot pixel"),
            (found["dead"], "dead pixel"),
            (found["blinking"], "blinking pixel"),
            (found["lost_rows"], "lost row"),
            (found["lost_columns"], "lost column"),
        ]
        parts = [f"{n} {name}{'s' * (n != 1)}" for n, name in numbers if n]
        if self.evens_lines and self.uneven:
            parts.append(self.line_words)
        return ", ".join(parts) or "no defects"

    @property
    def line_words(self) -> str:
        """Return how lines differ, in words."""
        parts = []
        for name, lines in (("row", self.rows), ("column", self.columns)):
            if lines.amplifiers:
                parts.append(f"two amplifiers {lines.amplifiers:+.3g} counts apart")
            if lines.offset.any():
                parts.append(f"{name} offsets of {lines.offset.std():.2g} counts")
            if lines.flickers:
                parts.append(f"{name}s that flicker by {lines.light.std():.1%}")
        return ", ".join(parts)


def find_defects(
    plane: NDArray[Any],
    noise: NoiseModel,
    known: Kinds | None = None,
    narrowest: float = NARROWEST,
    *,
    even_lines: bool = True,
) -> Defects:
    """Return the defects of a plane.

    Parameters
    ----------
    plane
        (Y, X) counts.
    noise
        Of its good pixels.
    known
        Defects that are known before, from a map; the rest is looked for.
    narrowest
        Standard deviation in pixels of the narrowest blur.
    even_lines
        Whether a repair is to even out lines. Structure along a line can pass for an
        offset of it, or for flicker.
    """
    pixels = plane.astype(np.float32)
    kinds = np.zeros(plane.shape, np.uint8) if known is None else known.copy()
    even = filled(pixels, kinds != GOOD)
    rows = find_line_defects(even, noise)
    level = rows.repaired(even, noise.offset)
    columns = find_line_defects(level.T, noise)
    if rows.flickers and columns.flickers:  # objects in rows and columns, no scanner
        rows, columns = rows.steady, columns.steady
        level = rows.repaired(even, noise.offset)
    if even_lines:
        even = columns.repaired(level.T, noise.offset).T
    kinds[rows.lost], kinds[:, columns.lost] = LINE, LINE
    even = filled(even, kinds != GOOD)
    for _ in range(_ROUNDS):
        new = _outliers(even, noise, narrowest)
        new[kinds != GOOD] = GOOD
        if not new.any() or np.count_nonzero(new) > MOST * new.size:
            break
        kinds = np.maximum(kinds, new)
        even = filled(even, kinds != GOOD)
    return Defects(kinds, rows, columns, noise.offset, even_lines)


def no_defects(plane: NDArray[Any], noise: NoiseModel) -> Defects:
    """Return the defects of a plane that has none."""
    kinds = np.zeros(plane.shape, np.uint8)
    rows, columns = (LineDefects.none(side) for side in plane.shape)
    return Defects(kinds, rows, columns, noise.offset)


def map_defects(
    planes: Sequence[NDArray[Any]],
    noise: Sequence[NoiseModel],
    narrowest: float = NARROWEST,
) -> Kinds:
    """Return the defects that many images of a camera share, (Y, X).

    A pixel that stands out now and again is a blinking one; one that does so in one of
    several images is none.

    Parameters
    ----------
    planes
        (Y, X) counts each, of one shape: of any scenes, or without light.
    noise
        Of the good pixels of each plane.
    narrowest
        Standard deviation in pixels of the narrowest blur.
    """
    found = [
        find_defects(*one, narrowest=narrowest)
        for one in zip(planes, noise, strict=True)
    ]
    if len(found) == 1:
        return found[0].kinds
    times: Kinds = np.stack([one.kinds for one in found])
    kinds: Kinds = np.zeros(times.shape[1:], np.uint8)
    seen = np.count_nonzero(times, axis=0)
    kinds[seen > 1] = BLINKING
    often = seen > len(found) / 2
    kinds[often] = times.max(axis=0)[often]
    evidence = np.zeros(kinds.shape)
    for one, plane, model in zip(found, planes, noise, strict=True):
        evidence += _unlikeness(one.even(plane), model, narrowest)
    evidence /= np.sqrt(len(found))
    weak = (kinds == GOOD) & (evidence > _AGREED)
    if np.count_nonzero(weak) <= MOST * weak.size:
        kinds[weak] = HOT
    return kinds


def filled(plane: FloatArray, unknown: Mask) -> FloatArray:
    """Return a plane with unknown pixels interpolated from known ones around them.

    The weights fall off as a Gaussian; where no pixel is known it is widened.
    """
    if not unknown.any() or unknown.all():
        return plane
    result = plane.copy()
    known = (~unknown).astype(np.float32)
    left = unknown
    sigma = 0.6
    while left.any():
        weight = gaussian_filter(known, sigma, truncate=3.0)
        light = gaussian_filter(np.where(unknown, 0, plane), sigma, truncate=3.0)
        enough = left & (weight > 0.05)
        result[enough] = light[enough] / weight[enough]
        left = left & ~enough
        sigma *= 1.6
    return result


def _outliers(plane: FloatArray, noise: NoiseModel, narrowest: float) -> Kinds:
    """Return the pixels that stand out as none of the optics' making can."""
    kinds = np.zeros(plane.shape, np.uint8)
    wide = np.pad(plane, 2, mode="reflect")
    middle, apart = np.empty_like(plane), []
    for top in range(0, len(plane), _ROWS):  # so that little more is held
        rows = slice(top, top + _ROWS)
        near = np.sort(_around(wide[top : top + _ROWS + 4], _NEAR), axis=0)
        middle[rows] = (near[1] + near[2]) / 2
        seen, expected = (noise.stabilise(one[rows]) for one in (plane, middle))
        down, across = np.nonzero(np.abs(seen - expected) > _FAR / 2)
        apart.append((down + top, across, near[1][down, across]))
    y, x, least = (np.concatenate(one) for one in zip(*apart, strict=True))
    if not y.size:
        return kinds
    here, beside = plane[y, x], middle[y, x]
    ring = np.sort([wide[y + 2 + dy, x + 2 + dx] for dy, dx in _RING], axis=0)
    low, usual = ring[len(_RING) // 4], (ring[7] + ring[8]) / 2
    # Pixels apart from the extremes, lest another defect pass for structure.
    uneven = ring[2:-2].var(axis=0)
    flat = uneven < _FLAT * noise.variance(usual)
    dark = np.where(flat, usual, low)
    inside = (y > 0) & (x > 0) & (y < len(plane) - 1) & (x < plane.shape[1] - 1)
    # At the border a mirrored neighbour stands for the one that would show a bead.
    share = np.where(inside, _share(narrowest), _share(narrowest) / 3).astype(
        np.float32
    )
    missing = share * (here - dark) - np.maximum(beside - dark, 0)
    error = np.maximum(
        _error(noise, here, beside, dark, share), np.sqrt((0.3 + share**2) * uneven)
    )
    hot = (_surprise(here, dark, uneven, noise) > _FAR) & (missing > _UNLIKE * error)
    around = np.minimum(low, least)
    spread = np.sqrt(np.maximum(noise.variance(usual), uneven))
    deep = around - here > _DEEP * spread
    black = min(noise.offset, float(np.quantile(middle, 1e-3)))
    dead = deep & (here - black < _DARK * (around - black))
    kinds[y[hot], x[hot]] = HOT
    kinds[y[dead], x[dead]] = DEAD
    return kinds


def _surprise(
    here: FloatArray, dark: FloatArray, least: FloatArray, noise: NoiseModel
) -> FloatArray:
    """Return how many standard deviations pixels are above what is expected of them.

    The root of the deviance of a Poisson variable, read noise counted as light: it
    knows that few photons are skewed. Its variance in counts is at least `least`: the
    offset of the model may be too high.
    """
    light = noise.photons(dark) + noise.sigma**2
    light = np.maximum(light, np.maximum(least / noise.gain**2, np.float32(1e-3)))
    seen = np.maximum(light + (here - dark) / noise.gain, np.float32(1e-3))
    deviance = 2 * (seen * np.log(seen / light) - (seen - light))
    return np.asarray(
        np.sign(seen - light) * np.sqrt(np.maximum(deviance, 0)), np.float32
    )


def _unlikeness(plane: FloatArray, noise: NoiseModel, narrowest: float) -> FloatArray:
    """Return by how many standard errors neighbours miss their share of a pixel."""
    middle, ring = neighbours(plane)
    share = _share(narrowest)
    above = share * (plane - ring) - (middle - ring)
    return np.asarray(above / _error(noise, plane, middle, ring, share), np.float32)


def _error(
    noise: NoiseModel,
    here: FloatArray,
    beside: FloatArray,
    ring: FloatArray,
    share: FloatArray | float,
) -> FloatArray:
    variance = share**2 * noise.variance(here) + 0.3 * noise.variance(beside)
    variance = variance + (1 - share) ** 2 / 8 * noise.variance(ring)
    return np.asarray(np.sqrt(variance + 1e-12), np.float32)


def _share(narrowest: float) -> float:
    """Return the light of a neighbour over that of the middle pixel of a bead."""
    return exp(-1 / (2 * narrowest**2))


def neighbours(plane: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean of the middle two of four neighbours, and the ring's median."""
    wide = np.pad(plane, 2, mode="reflect")
    near = np.partition(_around(wide, _NEAR), (1, 2), axis=0)[1:3].mean(axis=0)
    return near, np.median(_around(wide, _RING), axis=0)


def _around(wide: FloatArray, steps: Sequence[tuple[int, int]]) -> FloatArray:
    """Return what is some steps away from each pixel but the outer two all around."""
    height, width = (side - 4 for side in wide.shape)
    return np.stack(
        [wide[2 + y : 2 + y + height, 2 + x : 2 + x + width] for y, x in steps]
    )
