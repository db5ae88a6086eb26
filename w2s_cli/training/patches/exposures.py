"""From the light on a camera to a stabilised image, and what is known of it.

Cameras and programs process images before anybody sees them. Each way gives neighbours
a part of each other's noise, so that denoisers for white noise take it for structure:
demosaicing of a colour camera, registration by a fraction of a pixel, binning that was
enlarged again, the smear along a scan line, resampling, JPEG. All but JPEG are linear.
The truth of a processed image is the processed light: what the same camera and program
would have given without noise.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, gaussian_filter, zoom
from scipy.signal import lfilter

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.defects import filled
from w2s_cli.microscope.imaging_conditions import ImagingConditions, autocorrelation
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import halved

Way = Callable[[FloatArray], FloatArray]

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the usual grey (ITU-R BT.601)."""
_SHARES = {
    "shifted": 0.24,
    "binned": 0.16,
    "smeared": 0.16,
    "smoothed": 0.16,
    "bayer": 0.2,
    "resampled": 0.08,
}
_IN_PLACE = {"smeared": 0.2, "smoothed": 0.4, "bayer": 0.4}
"""Those that move nothing by a fraction of a pixel, for truths on a finer grid."""


@dataclass(frozen=True, eq=False)
class Processing:
    """One way, with its numbers drawn.

    - `apply`: maps a (Y, X) image to its result, of about the same size.
    - `sensitivity`: (2, 2), repeated over the image: how much of the light a pixel
      sees.
    """

    apply: Way
    sensitivity: FloatArray | None = None

    def lit(self, light: FloatArray) -> FloatArray:
        """Return what of (Y, X) light each pixel sees."""
        if self.sensitivity is None:
            return light
        height, width = light.shape
        times = (-(-height // 2), -(-width // 2))
        return light * np.tile(self.sensitivity, times)[:height, :width]


def draw_processing(rng: np.random.Generator, in_place: bool = False) -> Processing:
    """Return a way at random; `in_place` for one that moves no light."""
    shares = _IN_PLACE if in_place else _SHARES
    name = str(rng.choice([*shares], p=[*shares.values()]))
    way: Way
    if name == "shifted":
        by = [rng.uniform(0, 1) if rng.random() < 0.8 else 0.0 for _ in range(2)]
        by[rng.integers(2)] = rng.uniform(0.1, 0.9)
        way = partial(shifted, down=by[0], right=by[1])
    elif name == "binned":
        phase = (int(rng.integers(2)), int(rng.integers(2)))
        way = partial(binned, smooth=rng.random() < 0.5, phase=phase)
    elif name == "smeared":
        axis, share = int(rng.integers(2)), rng.uniform(0.15, 0.75)
        if in_place or rng.random() < 0.5:
            way = partial(averaged, axis=axis, share=share)
        else:
            way = partial(smeared, axis=axis, kept=share)
    elif name == "smoothed":
        sigma = rng.uniform(0.4, 0.8 if in_place else 1.1)
        way = partial(gaussian_filter, sigma=sigma, mode="mirror")
    elif name == "resampled":
        factor, order = rng.uniform(0.7, 1.4), int(rng.choice([1, 3]))
        way = partial(zoom, zoom=factor, order=order, mode="mirror", grid_mode=True)
    else:
        return _colour_camera(rng)
    return Processing(way)


def _colour_camera(rng: np.random.Generator) -> Processing:
    """Return a Bayer mosaic; a dye lights its colours unevenly, half of the time."""
    even = rng.random() < 0.5
    red, blue = (1.0, 1.0) if even else rng.uniform(0.05, 1, 2)
    phase = int(rng.integers(4))
    cell = np.array([[red, 1], [1, blue]], np.float32)
    cell = np.roll(cell, (-(phase // 2), -(phase % 2)), (0, 1))
    balance = cell if rng.random() < 0.5 else np.ones_like(cell)
    return Processing(partial(demosaiced, phase=phase, balance=balance), cell)


def shifted(image: FloatArray, down: float, right: float) -> FloatArray:
    """Return an image moved by fractions of a pixel, between pixels linearly."""
    image = (1 - down) * image + down * np.roll(image, 1, 0)
    return np.asarray((1 - right) * image + right * np.roll(image, 1, 1), np.float32)


def binned(image: FloatArray, smooth: bool, phase: tuple[int, int]) -> FloatArray:
    """Return the means of 2 x 2 pixels, enlarged to the size of the image again.

    The sides of the image are even. `phase` is where the first of them begins.
    """
    small = halved(np.roll(image, phase, (0, 1)))
    if smooth:
        large = zoom(small, 2, order=1, mode="mirror", grid_mode=True)
    else:
        large = small.repeat(2, 0).repeat(2, 1)
    return np.asarray(np.roll(large, [-one for one in phase], (0, 1)), np.float32)


def smeared(image: FloatArray, axis: int, kept: float) -> FloatArray:
    """Return an image whose detector answers slowly along an axis."""
    return np.asarray(lfilter([1 - kept], [1, -kept], image, axis=axis), np.float32)


def averaged(image: FloatArray, axis: int, share: float) -> FloatArray:
    """Return an image with a share of both neighbours along an axis in each pixel."""
    both = np.roll(image, 1, axis) + np.roll(image, -1, axis)
    return np.asarray((image + share * both) / (1 + 2 * share), np.float32)


def demosaiced(mosaic: FloatArray, phase: int, balance: FloatArray) -> FloatArray:
    """Return the grey of a Bayer mosaic whose colours are interpolated bilinearly.

    - `mosaic`: (Y, X), red, green, green, blue in each 2 x 2 pixels.
    - `phase`: 0 to 3: where in them the first pixel is.
    - `balance`: (2, 2), what each pixel is divided by.
    """
    height, width = mosaic.shape
    times = (-(-height // 2), -(-width // 2))
    mosaic = mosaic / np.tile(balance, times)[:height, :width]
    y, x = np.mgrid[:height, :width]
    y, x = (y + phase // 2) % 2, (x + phase % 2) % 2
    red, blue = (y == 0) & (x == 0), (y == 1) & (x == 1)
    cross = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 4
    square = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 4
    parts = ((red, square), (~(red | blue), cross), (blue, square))
    grey = sum(
        weight * convolve(mosaic * where, kernel, mode="mirror")
        for weight, (where, kernel) in zip(GREY, parts, strict=True)
    )
    return np.asarray(grey, np.float32)


def jpeg(image: FloatArray, quality: int) -> FloatArray:
    """Return an image of 8-bit greys as JPEG keeps it."""
    from PIL import Image

    whole = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    kept = io.BytesIO()
    Image.fromarray(whole).save(kept, "JPEG", quality=quality)
    with Image.open(kept) as opened:
        return np.asarray(opened, np.float32)


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

    - `stabilised`: (Y, X) stabilised counts.
    - `unknown`: (Y, X), True where a pixel holds what its neighbours do.
    - `truth`: (Y, X) photons, in the units of the image: its effective gain is 1.
    - `gain`: what photons of the light were divided by to be in these units.
    - `shift`: what was added to the truth: an offset that is not known exactly.
    - `conditions`: the noise floor and its correlation.
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

    - `light`: (Y, X) expected photons; with `processing` there are `MARGIN` pixels on
      each side that are cut off.
    - `noise`: of the camera, with a gain of 1.
    - `rng`: decides about all that is random.
    - `multiplied`: whether the noise is that of an EMCCD.
    - `processing`: what correlates the noise; None for nothing.
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
