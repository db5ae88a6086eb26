"""What cameras and programs do to a noisy image before anybody sees it.

Each way gives neighbours a part of each other's noise, so that denoisers for white
noise take it for structure: demosaicing of a colour camera, registration by a fraction
of a pixel, binning that was enlarged again, the smear along a scan line, resampling,
JPEG. All but JPEG are linear.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.ndimage import convolve, gaussian_filter, zoom
from scipy.signal import lfilter

from w2s_cli._typing import FloatArray
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

    Attributes
    ----------
    apply
        Maps a (Y, X) image to its result, of about the same size.
    sensitivity
        (2, 2), repeated over the image: how much of the light a pixel sees.
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
    return _DRAWN[name](rng, in_place)


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

    Parameters
    ----------
    mosaic
        (Y, X), red, green, green, blue in each 2 x 2 pixels.
    phase
        0 to 3: where in them the first pixel is.
    balance
        (2, 2), what each pixel is divided by.
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


def _shifted(rng: np.random.Generator, in_place: bool) -> Processing:
    by = [rng.uniform(0, 1) if rng.random() < 0.8 else 0.0 for _ in range(2)]
    by[rng.integers(2)] = rng.uniform(0.1, 0.9)
    return Processing(partial(shifted, down=by[0], right=by[1]))


def _binned(rng: np.random.Generator, in_place: bool) -> Processing:
    phase = (int(rng.integers(2)), int(rng.integers(2)))
    return Processing(partial(binned, smooth=rng.random() < 0.5, phase=phase))


def _smeared(rng: np.random.Generator, in_place: bool) -> Processing:
    axis, share = int(rng.integers(2)), rng.uniform(0.15, 0.75)
    if in_place or rng.random() < 0.5:
        return Processing(partial(averaged, axis=axis, share=share))
    return Processing(partial(smeared, axis=axis, kept=share))


def _smoothed(rng: np.random.Generator, in_place: bool) -> Processing:
    sigma = rng.uniform(0.4, 0.8 if in_place else 1.1)
    return Processing(partial(gaussian_filter, sigma=sigma, mode="mirror"))


def _bayer(rng: np.random.Generator, in_place: bool) -> Processing:
    """Return a colour camera; a dye lights its colours unevenly, half of the time."""
    even = rng.random() < 0.5
    red, blue = (1.0, 1.0) if even else rng.uniform(0.05, 1, 2)
    phase = int(rng.integers(4))
    cell = np.array([[red, 1], [1, blue]], np.float32)
    cell = np.roll(cell, (-(phase // 2), -(phase % 2)), (0, 1))
    balance = cell if rng.random() < 0.5 else np.ones_like(cell)
    return Processing(partial(demosaiced, phase=phase, balance=balance), cell)


def _resampled(rng: np.random.Generator, in_place: bool) -> Processing:
    factor, order = rng.uniform(0.7, 1.4), int(rng.choice([1, 3]))
    return Processing(
        partial(zoom, zoom=factor, order=order, mode="mirror", grid_mode=True)
    )


_DRAWN: dict[str, Callable[[np.random.Generator, bool], Processing]] = {
    "shifted": _shifted,
    "binned": _binned,
    "smeared": _smeared,
    "smoothed": _smoothed,
    "bayer": _bayer,
    "resampled": _resampled,
}
