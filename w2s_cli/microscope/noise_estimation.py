"""The noise of a camera, from one noisy image.

The variance of a pixel is `slope * mean + intercept` ([1]_), and one image shows both:
its smooth windows are gathered by brightness, the mean of their high-pass energy is
the variance there, and a line is fitted through variance over mean.

References
----------
.. [1] A. Foi, M. Trimeche, V. Katkovnik and K. Egiazarian, "Practical
   Poissonian-Gaussian noise modeling and fitting for single-image raw-data", IEEE
   Trans. Image Process. 17 (2008).
"""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_fit import Dark, NoiseFit, model_of, rising_line
from w2s_cli.microscope.noise_levels import Scale, levels_of, summed
from w2s_cli.microscope.noise_windows import (
    OVERLAP,
    Windows,
    correlation,
    windows_touched,
)

Indices = NDArray[np.intp]

LEAST_SIDE = 32
LEAST_WINDOWS = 64
LEAST_CONTRAST = 5e-4
"""Weaker noise, as a part of the image's range, is no camera's."""
ROUNDING = 0.2
"""Variance, in squared levels, that rounding to integers alone can make."""
SMOOTH_PART = 0.75
COARSE = 4
"""Bins of brightness taken together to tell smooth from rough."""
CROWD = 2000
"""Windows of like brightness among which those with hot pixels are looked for."""
FAR = 10.0
"""Energy of a hot pixel or a cosmic ray, in that of one window in fifty of the crowd:
some 7 standard deviations of the noise."""
CLIPPED_PART = 0.5
NO_NOISE = "the image shows no noise from pixel to pixel"
CLIPPED = "nearly the whole image is clipped at its lowest or highest value"
HINT = "w2s restore takes a noise model that you know: --gain, --offset, --read-noise"


def fit_noise(
    planes: Sequence[NDArray[Any]],
    dark: Dark | None = None,
    unknown: Sequence[NDArray[np.bool_]] = (),
) -> NoiseFit:
    """Return the Poisson-Gaussian noise of one channel, from a single exposure.

    One image shows the slope and the intercept of the variance, but not how the
    intercept is shared between offset and read noise. Without `dark`, a negative one is
    read as an offset without read noise, any other as read noise without an offset
    (below 0 only where the image is). Nothing is lost: variance stabilisation and
    everything that works in stabilised values depend on slope and intercept alone.

    Noise that does not grow with light gets a small gain, so that the read noise
    makes 99 % of the variance.

    Parameters
    ----------
    planes
        Images of the same channel, (Y, X) each, of any real dtype, in counts.
    dark
        The camera without light, if it is known.
    unknown
        Of each plane the pixels, (Y, X), whose noise is not that of the camera, such as
        defects that were filled; none are where it is empty.

    Raises
    ------
    InputError
        When the image is too small, constant, mostly clipped, not finite, or shows no
        noise.
    """
    pixels = _checked(planes)
    windows = Windows.of(pixels)
    if any(mask.any() for mask in unknown):
        windows = windows.where(~windows_touched(unknown))
    windows = _in_range(windows)
    scale = Scale.of(windows.around)
    smooth = _smoothest(scale.bins(windows.around) // COARSE, windows.rough)
    windows = _without_hot_pixels(windows.where(smooth))
    bins = scale.bins(windows.around)
    sums = summed(bins, windows.mean, windows.energy, windows.low, windows.high)
    levels = levels_of(sums, 2 * OVERLAP)
    line = rising_line(levels, dark)
    lowest, highest = float(levels.mean.min()), float(levels.mean.max())
    typical = line.slope * (lowest + highest) / 2 + line.intercept
    if typical <= _least_variance(planes, highest - lowest):
        raise InputError(NO_NOISE, hint=HINT)
    model = model_of(line, lowest, dark)
    variance = np.maximum(model.variance(windows.around), 0.02 * typical)
    return NoiseFit(model, line, levels, correlation(windows, variance))


def _checked(planes: Sequence[NDArray[Any]]) -> list[FloatArray]:
    """Return `planes` as float32, if noise can be measured on them at all."""
    small = [plane.shape for plane in planes if min(plane.shape) < LEAST_SIDE]
    if small or not planes:
        found = " x ".join(map(str, small[0])) if small else "no"
        raise InputError(
            f"{found} pixels are too few to estimate noise, "
            f"which takes {LEAST_SIDE} x {LEAST_SIDE}",
            hint=HINT,
        )
    pixels = [plane.astype(np.float32) for plane in planes]
    if not all(np.isfinite(plane).all() for plane in pixels):
        raise InputError("the image holds NaN or infinite values", hint=HINT)
    value = pixels[0].flat[0]
    if all((plane == value).all() for plane in pixels):
        raise InputError(f"every pixel of the image is {value:g}", hint=HINT)
    return pixels


def _least_variance(planes: Sequence[NDArray[Any]], contrast: float) -> float:
    """Return the variance that needs no noise to explain it."""
    rounding = ROUNDING if planes[0].dtype.kind in "iu" else 0.0
    return max(rounding, (LEAST_CONTRAST * contrast) ** 2)


def _in_range(windows: Windows) -> Windows:
    kept = windows.where(windows.low + windows.high < CLIPPED_PART)
    if len(kept) < LEAST_WINDOWS:
        raise InputError(CLIPPED, hint=HINT)
    return kept


def _smoothest(bins: Indices, rough: FloatArray) -> Indices:
    """Return the windows of each bin whose surroundings vary least."""
    order = np.argsort(bins.astype(np.int16), kind="stable")
    crowds = np.split(order, np.cumsum(np.bincount(bins))[:-1])
    counts = [ceil(SMOOTH_PART * len(crowd)) for crowd in crowds]
    return np.concatenate(
        [
            crowd[np.argpartition(rough[crowd], count - 1)[:count]]
            for crowd, count in zip(crowds, counts, strict=True)
            if count
        ]
    )


def _without_hot_pixels(windows: Windows) -> Windows:
    order = np.argsort(windows.around)
    kept = [
        some[(energy := windows.energy[some]) <= FAR * np.quantile(energy, 0.98)]
        for some in np.array_split(order, max(len(order) // CROWD, 1))
    ]
    return windows.where(np.concatenate(kept))
