"""From the light on a camera to a stabilised image, and what is known of it.

The truth of a processed image is the processed light: what the same camera and program
would have given without noise.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.defects import filled
from w2s_cli.microscope.imaging_conditions import ImagingConditions, autocorrelation
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.training.patches.processing import Processing, jpeg

MARGIN = 24  # pixels around a patch, for what processing takes from beyond it
_PROBE = 96  # side of the noise that tells what processing does to all noise
_RIM = 8
_JPEG = 0.25  # share of processed images that are kept as JPEG
_COARSE = 2.5  # greys of noise without which JPEG leaves none
_GAIN_ERROR = 0.05  # standard deviation of the error of an estimated gain, relative
_CORRELATION_ERROR = 0.03
_MOST_DEFECTS = 0.012  # share of the pixels of a patch


@dataclass(frozen=True, eq=False)
class CameraImage:
    """An image, its truth and what is known.

    Attributes
    ----------
    stabilised
        (Y, X) stabilised counts.
    unknown
        (Y, X), True where a pixel holds what its neighbours do.
    truth
        (Y, X) photons, in the units of the image: its effective gain is 1.
    gain
        What photons of the light were divided by to be in these units.
    shift
        What was added to the truth: an offset that is not known exactly.
    conditions
        The noise floor and its correlation.
    """

    stabilised: FloatArray
    unknown: NDArray[np.bool_]
    truth: FloatArray
    gain: float
    shift: float
    conditions: ImagingConditions

    @property
    def lift(self) -> float:
        """Return what the stabilisation adds to photons under the root."""
        return float((self.conditions.floor / 2) ** 2)


@dataclass(frozen=True, eq=False)
class _Noisy:
    """Photons as they are seen, and as they should be; noise variance p + sigma^2."""

    seen: FloatArray
    truth: FloatArray
    sigma: float
    correlation: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    gain: float = 1.0
    shift: float = 0.0

    def over(self, gain: float) -> "_Noisy":
        """Return it in units in which light is by `gain` less."""
        return replace(
            self,
            seen=self.seen / np.float32(gain),
            truth=self.truth / np.float32(gain),
            sigma=self.sigma / gain,
            gain=self.gain * gain,
        )


def expose(
    light: FloatArray,
    noise: NoiseModel,
    rng: np.random.Generator,
    *,
    multiplied: bool = False,
    processing: Processing | None = None,
) -> CameraImage:
    """Return what is seen of the expected light.

    Parameters
    ----------
    light
        (Y, X) expected photons; with `processing` there are `MARGIN` pixels on each
        side that are cut off.
    noise
        Of the camera, with a gain of 1.
    rng
        Decides about all that is random.
    multiplied
        Whether the noise is that of an EMCCD.
    processing
        What correlates the noise; None for nothing.
    """
    if processing is None:
        seen = noise.sample(light, rng, multiplied=multiplied)
        return _known(_Noisy(seen, light, noise.sigma), rng)
    lit = processing.lit(light)
    side = light.shape[0] - 2 * MARGIN
    sampled = noise.sample(lit, rng, multiplied=multiplied)
    seen, truth = (
        _middle(processing.apply(plane), side) for plane in (sampled, lit.astype("f4"))
    )
    # White noise whose variance is the light, put through the same.
    even = processing.lit(np.ones((_PROBE, _PROBE), np.float32))
    probe = np.sqrt(even) * rng.standard_normal(even.shape, np.float32)
    left, mean = (
        plane[_RIM:-_RIM, _RIM:-_RIM]
        for plane in (processing.apply(probe), processing.apply(even))
    )
    power = float(left.var())
    gain = power / float(mean.mean())
    noisy = _Noisy(seen, truth, noise.sigma * power**0.5, autocorrelation(left))
    noisy = noisy.over(gain)
    return _known(_compressed(noisy, rng) if rng.random() < _JPEG else noisy, rng)


def add_defects(
    seen: CameraImage, rng: np.random.Generator, *, wide: bool = False
) -> CameraImage:
    """Return an image some pixels of which are not known: spots, rows, columns.

    `wide`: their neighbours aren't either, as after demosaicing.
    """
    height, width = seen.stabilised.shape
    unknown = np.zeros((height, width), bool)
    most = max(_MOST_DEFECTS * unknown.size, 2)
    spots = int(np.exp(rng.uniform(0, np.log(most))))
    unknown[rng.integers(height, size=spots), rng.integers(width, size=spots)] = True
    if rng.random() < 0.25:
        for _ in range(rng.integers(1, 3)):
            lines = unknown if rng.random() < 0.5 else unknown.T
            first = rng.integers(len(lines))
            lines[first : first + (rng.integers(1, 3) if rng.random() < 0.3 else 1)] = 1
    if wide:
        for axis in (0, 1):
            unknown |= np.roll(unknown, 1, axis) | np.roll(unknown, -1, axis)
    return replace(seen, stabilised=filled(seen.stabilised, unknown), unknown=unknown)


def _known(noisy: _Noisy, rng: np.random.Generator) -> CameraImage:
    """Return the image as an estimate of the noise, with its errors, has it."""
    if rng.random() < 0.35:
        wrong = float(np.exp(rng.normal(0, _GAIN_ERROR)))
        noisy = replace(noisy.over(wrong), sigma=noisy.sigma / wrong**0.5)
    if rng.random() < 0.15:
        lift = 0.375 + noisy.sigma**2
        shift = np.float32(rng.uniform(-0.15, 0.25) * min(1.0, lift))
        truth = np.maximum(noisy.truth + shift, np.float32(1e-3 - lift))
        seen = noisy.seen + shift
        noisy = replace(noisy, seen=seen, truth=truth, shift=float(shift))
    errors = rng.normal(0, _CORRELATION_ERROR, len(noisy.correlation))
    correlation = tuple(float(one) for one in np.add(noisy.correlation, errors))
    model = NoiseModel(gain=1, read_noise=noisy.sigma)
    return CameraImage(
        stabilised=model.stabilise(noisy.seen),
        unknown=np.zeros(noisy.seen.shape, bool),
        truth=np.asarray(noisy.truth, np.float32),
        gain=noisy.gain,
        shift=noisy.shift,
        conditions=ImagingConditions(model.floor, correlation),
    )


def _compressed(noisy: _Noisy, rng: np.random.Generator) -> _Noisy:
    """Return the image as JPEG keeps it, where that leaves some of the noise."""
    top = max(float(np.quantile(noisy.seen, 0.999)), 1e-3)
    one, zero = rng.uniform(120, 250) / top, rng.uniform(0, 15)
    grain = one * np.sqrt(max(float(noisy.truth.mean()), 0) + noisy.sigma**2)
    if grain < _COARSE:
        return noisy
    kept = (jpeg(noisy.seen * one + zero, int(rng.integers(60, 97))) - zero) / one
    unclipped = noisy.truth < 0.9 * top
    if not unclipped.any():
        return noisy
    before, after = (
        float(np.mean((plane - noisy.truth)[unclipped] ** 2))
        for plane in (noisy.seen, kept)
    )
    change = after / max(before, 1e-12)
    if not 0.2 < change < 1.5:
        return noisy
    made = replace(noisy, seen=np.asarray(kept, np.float32)).over(change)
    made = replace(made, sigma=noisy.sigma / change**0.5)
    model = NoiseModel(gain=1, read_noise=made.sigma)
    roots = model.stabilise(made.seen) - model.stabilise(made.truth)
    return replace(made, correlation=autocorrelation(roots))


def _middle(plane: FloatArray, side: int) -> FloatArray:
    """Return the middle of a square plane, mirrored beyond it where it is small."""
    missing = side - len(plane)
    if missing > 0:
        plane = np.pad(plane, (missing + 1) // 2, mode="reflect")
    first = (len(plane) - side) // 2
    return np.ascontiguousarray(plane[first : first + side, first : first + side])
