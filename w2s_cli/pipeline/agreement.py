"""Whether a restored plane agrees with the data that it was made from.

What is left of the input once the output is taken off, blurred and scaled as the input
shows it, must be noise. In squares of the plane its power is compared with that of the
noise, as it is and smoothed by Gaussians: structure that was lost, moved or made up is
wider than a pixel. A method may fit the noise and leave less than all of it, so only
more counts. A little of the contrast may be off, since neither the blur nor the noise
model is known exactly; an image that was sharpened may be too sharp here and there.

Over the whole plane the residual is compared with what a shift, a change of contrast
and more or less fine structure would leave. That sees what no square shows.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import gammaincc

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.microscope.noise_model import NoiseModel, noise_power
from w2s_cli.microscope.reblurring import Blur, binned, fit_blur
from w2s_cli.pipeline.object_evidence import ObjectEvidence, weigh_objects
from w2s_cli.pipeline.unsupported_structure import find_unsupported

Mask = NDArray[np.bool_]

BLOCK = 16
"""Pixels of the input along a square; squares overlap by half."""
SCALES = (0.0, 1.0, 2.0)
"""Standard deviations of the smoothing of the residual, in pixels."""
_TOLERATED = 0.03  # of the contrast above the darkest parts
_FEIGNED = 10.0  # over the clear photons: contrast that noise may add to a fit
_SHARPNESS = 0.9  # pixels of blur by which a sharpened image may be off locally
_FILLED = 0.5  # share of the pixels of a square that must count
_EVEN = 64  # frequencies along Y and X at which the power of the noise is taken
_DARKEST = 1.0  # percentile of the smoothed input
_FAINT = 0.25  # of the light around: the least that noise is expected of
_LEAST = 0.02  # photons^2 of variance
_ROUNDING = 1 / 12  # counts^2
_MOST_UNSURE = 1.3  # times that the variance of the noise may be off
_FINE = 2.0  # pixels: structure that a Gaussian of this width takes away


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with its standard error."""

    value: float
    error: float

    @property
    def sigmas(self) -> float:
        """Return how many standard errors it is away from 0."""
        return self.value / max(self.error, 1e-30)


@dataclass(frozen=True, eq=False)
class PlaneAgreement:
    """How a plane and what was made of it agree.

    Attributes
    ----------
    blur
        From the output to the input.
    explained
        The input as it would be without noise, were the output true; (Y, X) counts.
    residual
        The input less that, in standard deviations of the noise; 0 where left out.
    good
        The pixels that count, (Y, X).
    p_values
        Of squares, (scales, rows, columns), NaN where too few pixels count.
    structure, unsupported
        Where the output has contrast, and where the input does not ask for it; (Y, X).
    objects
        What the input says of each line and spot of the output.
    left
        Power of the residual over that of the noise.
    neighbours
        Correlation of the residual of pixels side by side.
    light_in, light_out
        Sums of counts above the offset, over the pixels of the input that count.
    gain
        Contrast of the input over that of the output, less 1.
    shift
        Of the output along Y and X, in pixels of the input.
    fine
        Fine structure that the input has more than the output, as a share of that of
        the output; less than 0 where the output has too much.
    photons
        In the brightest parts.
    clear_photons
        That would show the contrast of the brightest parts as well, were there neither
        other light nor read noise.
    """

    blur: Blur
    explained: FloatArray
    residual: FloatArray
    good: Mask
    p_values: DoubleArray
    structure: Mask
    unsupported: Mask
    objects: ObjectEvidence
    left: float
    neighbours: float
    light_in: float
    light_out: float
    gain: Measured
    shift: tuple[Measured, Measured]
    fine: Measured
    photons: float
    clear_photons: float


def compare_plane(
    seen: FloatArray,
    restored: FloatArray,
    noise: NoiseModel,
    good: Mask,
    *,
    rescaled: bool = False,
    planes: int = 1,
) -> PlaneAgreement:
    """Return how a plane and what was made of it agree.

    Parameters
    ----------
    seen
        (Y, X) counts, all finite.
    restored
        (Y * scale, X * scale) counts, all finite.
    noise
        Of `seen`.
    good
        (Y, X) pixels that say something of the light; some are.
    rescaled
        Whether the output is in other units.
    planes
        How many are looked at.
    """
    around = np.asarray(gaussian_filter(seen, 2.0), np.float32)
    # The noise of an estimated model is known where there is light, not below it.
    darkest = float(np.percentile(around[good], _DARKEST))
    blur = fit_blur(seen, restored, _variance(noise, around, around, darkest), good)
    explained = blur(restored)
    variance = _variance(noise, explained, around, darkest)
    spread = np.sqrt(variance)
    residual = np.where(good, (seen - explained) / spread, 0).astype(np.float32)
    dark, bright = np.percentile(explained[good], [1, 99.5])
    allowed = _TOLERATED * (explained - dark)
    if blur.scale > 1 or blur.sigma > _SHARPNESS:
        allowed = np.hypot(allowed, explained - gaussian_filter(explained, _SHARPNESS))
    level = float(np.average(explained[good], weights=1 / variance[good]))
    clear = float((bright - dark) ** 2 / max(float(noise.variance(bright)), 1e-30))
    gain = max(blur.gain, 1e-6)
    if gain > 1 and not rescaled:
        # A method that has drawn after the noise fits the input best with more contrast
        # than it has: what that adds to the output speaks not against it.
        feigned = min(gain - 1, _FEIGNED / max(clear, 1e-6)) / gain
        allowed = np.hypot(allowed, feigned * (explained - level))
    light = np.maximum(explained - noise.offset, 0)
    peaked = noise.gain**3 * light / variance**2  # what a Poisson number adds
    p_values = np.stack(
        [
            _p_values(residual, allowed / spread, peaked, good, noise, sigma)
            for sigma in SCALES
        ]
    )
    small = binned(restored, blur.scale)
    power = float(residual[good] @ residual[good])
    flat = gaussian_filter(explained, _FINE)

    def found(pattern: NDArray[Any]) -> Measured:
        shown = np.where(good, pattern, 0) / spread
        return _projected(residual, shown.astype(np.float32), noise)

    structure, unsupported = find_unsupported(
        small, explained, residual, spread, good, noise
    )
    objects = weigh_objects(restored, residual, spread, good, blur, noise, planes)
    down, across = (found(np.gradient(explained, axis=axis)) for axis in (0, 1))
    contrast = found(explained - level)
    return PlaneAgreement(
        blur,
        explained,
        residual,
        good,
        p_values,
        structure,
        unsupported | objects.mask,
        objects,
        left=power / int(good.sum()),
        neighbours=float(
            (residual[:, 1:] * residual[:, :-1]).sum()
            + (residual[1:] * residual[:-1]).sum()
        )
        / max(2 * power, 1e-30),
        light_in=float((seen[good] - noise.offset).sum(dtype=np.float64)),
        light_out=float((small[good] - noise.offset).sum(dtype=np.float64)),
        gain=Measured(gain - 1, contrast.error * gain),
        shift=(down, across),
        fine=found(explained - flat),
        photons=float((bright - noise.offset) / noise.gain),
        clear_photons=clear,
    )


def _variance(
    noise: NoiseModel, level: FloatArray, around: FloatArray, darkest: float
) -> FloatArray:
    """Return that of the noise; an output that says 0 does not make it noiseless."""
    least = noise.offset + _FAINT * np.maximum(around - noise.offset, 0)
    least = np.maximum(least, np.float32(darkest))
    variance = noise.variance(np.maximum(level, least))
    return np.maximum(variance, np.float32(_LEAST * noise.gain**2 + _ROUNDING))


def _projected(
    residual: FloatArray, pattern: FloatArray, noise: NoiseModel
) -> Measured:
    """Return how much of a pattern a residual holds; both in sd of the noise."""
    power = max(float((pattern**2).sum(dtype=np.float64)), 1e-9)
    value = float((residual * pattern).sum(dtype=np.float64)) / power
    return Measured(value, sqrt(max(noise.shared, 1.0) / power))


def _p_values(
    residual: FloatArray,
    allowed: FloatArray,
    peaked: FloatArray,
    good: Mask,
    noise: NoiseModel,
    sigma: float,
) -> DoubleArray:
    """Return that of each square: the chance of so much power, were it noise.

    The sum of squares of correlated numbers is about a multiple of a chi-squared one,
    of the same mean and variance.
    """
    power = np.ones((_EVEN, _EVEN))
    if noise.correlation:
        power = np.maximum(noise_power(noise.correlation, power.shape), 0)
        power /= power.mean()
    counted = good.astype(np.float32)
    if sigma:
        waves = np.fft.fftfreq(_EVEN) ** 2
        power = power * np.exp(-((2 * np.pi * sigma) ** 2) * np.add.outer(waves, waves))
        share = gaussian_filter(counted, sigma / sqrt(2))
        spread = np.sqrt(np.float32(power.mean()) * np.maximum(share, 0.1))
        residual = gaussian_filter(residual, sigma) / spread
        allowed = gaussian_filter(allowed, sigma) / spread
        counted *= share > _FILLED
    shared = float((power**2).mean() / power.mean() ** 2)
    count, total, bias, tail = (
        _sums(part * counted) for part in (1, residual**2, allowed**2, peaked)
    )
    full = count >= _FILLED * BLOCK**2
    if not full.any():
        return np.full(full.shape, np.nan)
    count = np.maximum(count, 1)
    unsure = np.clip(np.median((total / count)[full]), 1, _MOST_UNSURE)
    mean = unsure * count + bias
    variance = unsure**2 * (2 * count * shared + tail) + 4 * bias * shared
    degrees = 2 * mean**2 / variance
    return np.where(full, gammaincc(degrees / 2, total / mean * degrees / 2), np.nan)


def _sums(image: FloatArray) -> DoubleArray:
    """Return sums over squares that overlap by half."""
    sums = np.asarray(image, np.float64)
    for axis in (0, 1):
        sums = np.add.reduceat(sums, np.arange(0, sums.shape[axis], BLOCK // 2), axis)
        count = sums.shape[axis]
        if count > 1:
            first, second = (
                np.take(sums, range(at, count - 1 + at), axis) for at in (0, 1)
            )
            sums = first + second
    return sums
