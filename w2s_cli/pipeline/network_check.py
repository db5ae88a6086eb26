"""Whether what a network takes away from an image is what the noise model calls noise.

The residual of a good restoration has the variance of the noise, no structure, and no
light. A network for another noise level, one in other units than the image has, or one
that has hardly learned yet leaves noise, or takes more than that.
"""

from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any

import numpy as np
from scipy.ndimage import (
    gaussian_filter,
    maximum_filter,
    minimum_filter,
    uniform_filter,
)

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.restorers.restorer import Restorer, Traits

LEAST_TAKEN, MOST_TAKEN = 0.5, 1.5  # of the variance of the noise
MOST_CLUSTERED = 3.0  # variance of means over 5 x 5 pixels, 1 for white noise
MOST_MISFIT = 0.03  # of the contrast: what was taken beyond the noise
MOST_LIGHT = 0.1  # of the light
_FEWEST = 200  # pixels
_DARKEST = 0.5  # photons of variance, below which noise is far from normal
_CLIPPED = 4.0  # standard deviations, above which a defect or structure is no noise
_BLURS = (0.0, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8)
"""Pixels: an enlarged image is sharper than its input by one of them."""
_FIRST, _EVERY = 8, 8  # tiles of a channel that are looked at: the first, every so many
_SIDE = 448  # pixels of a tile along Y and X, from the middle


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over a tile, or over several."""

    pixels: int = 0  # that are neither dark, clipped nor blank
    power: float = 0.0  # of what was taken, each pixel in variances of its noise
    squares: int = 0  # of 5 x 5 pixels, and the power of their sums over that of noise
    clustered: float = 0.0
    excess: float = 0.0  # counts^2 beyond the noise
    contrast: float = 0.0  # counts; of several tiles the most
    seen: int = 0  # pixels that are not blank: the light of them, that which was taken,
    light: float = 0.0
    taken_light: float = 0.0
    variance: float = 0.0  # and their noise, counts^2


@dataclass
class NetworkCheck:
    """What was found in tiles of one channel, before and after a network."""

    noise: NoiseModel  # that the image shows
    scale: int = 1
    tiles: int = 0  # so far, whether looked at or not
    found: list[Sums] = field(default_factory=list)  # of each that was looked at

    def add(self, before: FloatArray, after: FloatArray) -> None:
        """Compare a (Y, X) tile in counts with what was made of it."""
        self.tiles += 1
        if self.tiles > _FIRST and self.tiles % _EVERY:
            return
        rows, columns = (_middle(side) for side in before.shape)
        before = before[rows, columns]
        after = after[_enlarged(rows, self.scale), _enlarged(columns, self.scale)]
        same = maximum_filter(before, 5) == minimum_filter(before, 5)
        if not same.all():  # most pixels are the same where photons are counted
            same &= before != np.median(before)
        known = ~maximum_filter(same, 17)
        if known.sum() < _FEWEST:
            return
        small = _mean_of_squares(after, self.scale)
        made = small if self.scale == 1 else _as_input(before, small, known)
        level = np.asarray(gaussian_filter(made, 1.0), np.float32)
        variance = np.maximum(self.noise.variance(level), 1e-12)
        above = level - 3 * self.noise.read_noise >= before.min()
        inside = above & (level + 3 * np.sqrt(variance) < before.max())
        good = known & inside & (variance >= _DARKEST * self.noise.gain**2)
        taken = before - made
        relative = np.clip(taken / np.sqrt(variance), -_CLIPPED, _CLIPPED)
        count = uniform_filter(good.astype(np.float32), 5) * 25
        sums = uniform_filter(np.where(good, relative, 0), 5) * 25
        many = count > 12
        dark, bright = np.percentile(level[known], [0.5, 99.5])
        self.found.append(
            Sums(
                pixels=int(good.sum()),
                power=float((relative[good] ** 2).sum()),
                squares=int(many.sum()),
                clustered=float((sums[many] ** 2 / count[many]).sum()),
                excess=float((taken[good] ** 2 - variance[good]).sum()),
                contrast=float(bright - dark),
                seen=int(known.sum()),
                light=float((before[known] - self.noise.offset).sum()),
                taken_light=float((before - small)[known].sum()),
                variance=float(variance[known].sum()),
            )
        )

    @property
    def sums(self) -> Sums:
        """Return those over all tiles."""
        if not self.found:
            return Sums()
        totals: dict[str, Any] = {
            name: sum(getattr(one, name) for one in self.found)
            for name in Sums.__slots__
        }
        contrast = max(one.contrast for one in self.found)
        return replace(Sums(**totals), contrast=max(contrast, 0.0))

    def doubt(self, name: str, *, shipped: bool, hazeless: bool = False) -> str:
        """Return what speaks against the network `name`; "" for nothing.

        One of others that learned from structured illumination has its brightness; one
        that removes light out of focus is `hazeless`.
        """
        if hazeless:
            return self._removed(name)
        found = self._doubt(light=self.scale == 1 or shipped)
        if not found:
            return ""
        own, other = ("jdsr", "pure-let+bicubic")
        if self.scale == 1:
            own, other = "denoise", "pure-let"
        return (
            f"{name} does not fit this image: {found}; compare with "
            f"--method {other if shipped else own}"
        )

    def _removed(self, name: str) -> str:
        sums = self.sums
        if sums.seen < _FEWEST or sums.taken_light < MOST_LIGHT * sums.light:
            return ""
        share = min(sums.taken_light / sums.light, 1.0)
        return (
            f"{name} has taken {share:.0%} of the light away as out of focus; even "
            "light of the sample may be among it: compare with -O haze=keep"
        )

    def _doubt(self, *, light: bool) -> str:
        sums = self.sums
        if sums.seen < _FEWEST:
            return ""
        pixels = max(sums.pixels, 1)
        taken, beyond = sums.power / pixels, sqrt(max(sums.excess / pixels, 0.0))
        if sums.pixels >= _FEWEST and taken < LEAST_TAKEN:
            return f"it has taken only {taken:.0%} of the noise away"
        whole = max(sums.light, sums.contrast / 16 * sums.seen)
        change = -sums.taken_light / whole
        sure = 6 * sqrt(sums.variance) / whole
        if light and abs(change) > max(MOST_LIGHT, sure):
            more = " or more" if whole > sums.light else ""
            return f"it has changed the light by {change:+.0%}{more}"
        if (
            sums.pixels >= _FEWEST
            and taken > MOST_TAKEN
            and sums.clustered > MOST_CLUSTERED * sums.squares
            and beyond > MOST_MISFIT * sums.contrast
        ):
            return f"it has taken {taken:.1f} times the noise away, and structure"
        return ""


def _middle(length: int) -> slice:
    start = max(length - _SIDE, 0) // 2
    return slice(start, start + _SIDE if start else length)


def _enlarged(part: slice, scale: int) -> slice:
    return slice(part.start * scale, part.stop * scale)


def _mean_of_squares(image: FloatArray, side: int) -> FloatArray:
    height, width = (length // side for length in image.shape)
    squares = image.reshape(height, side, width, side)
    return np.asarray(squares.mean((1, 3)), np.float32)


def _as_input(before: FloatArray, small: FloatArray, known: FloatArray) -> FloatArray:
    """Return a sharper image as its input would show it: blurred and scaled."""
    best, least = small, np.inf
    for sigma in _BLURS:
        blurred = gaussian_filter(small, sigma) if sigma else small
        x, y = blurred[known].astype(np.float64), before[known].astype(np.float64)
        slope = ((x - x.mean()) * (y - y.mean())).mean() / max(float(x.var()), 1e-30)
        fitted = slope * (blurred - x.mean()) + y.mean()
        error = float(((fitted[known] - y) ** 2).mean())
        if error < least:
            best, least = fitted, error
    return np.asarray(best, np.float32)


@dataclass(frozen=True)
class Watched:
    """A restorer from counts to counts whose residual is looked at."""

    restorer: Restorer
    check: NetworkCheck

    @property
    def traits(self) -> Traits:
        """Return those of the restorer."""
        return self.restorer.traits

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the restored blocks."""
        made = self.restorer(blocks)
        for before, after in zip(blocks, made, strict=True):
            self.check.add(before, after)
        return made
