"""Whether noisy images can be trained on, and how large the patches are."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from scipy import fft

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.networks import NETWORKS
from w2s_cli.restorers.restorer import Series
from w2s_cli.training.initial_network import build_module
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.self_supervised.masking import mask_of

HELD_OUT_SIDE = 32  # pixels along a square that is held out
LEAST_SIDE = 2 * HELD_OUT_SIDE  # a square of it is held out
MOST_DRIFT = 0.5  # pixels between captures of the same
_COARSE = 2.0  # standard deviation of the blur before captures are compared, in pixels
_CLEAR = 12.0  # standard deviations of a peak; that of noise stays below 9


def fit_patch_side(recipe: Recipe, all_series: Sequence[Series]) -> Recipe:
    """Return the recipe with patches no larger than the smallest image.

    `all_series` has planes in stabilised counts; those of one series are captures of
    the same. Raises InputError when an image is too small or constant; when another
    capture is the target and there is none, or one has moved.
    """
    planes = [plane for series in all_series for plane in series]
    for plane in planes:
        _check_plane(plane)
    if recipe.masking.kind == "capture":
        _check_captures(all_series)
    scale = mask_of(recipe.masking).scale
    with torch.device("meta"):  # its size alone matters
        step = build_module(NETWORKS, recipe.network).multiple_of
    smallest = min(planes, key=lambda plane: min(plane.shape))
    most = min(smallest.shape) // scale
    side = min(recipe.patches.side, most // step * step)
    if not side:
        raise _too_small(smallest, scale * step)
    return replace(recipe, patches=replace(recipe.patches, side=side))


def _check_plane(plane: FloatArray) -> None:
    if min(plane.shape) < LEAST_SIDE:
        raise _too_small(plane, LEAST_SIDE)
    if plane.min() == plane.max():
        raise InputError(
            "an image without any structure or noise has nothing to fit",
            hint="is it the right channel, and exposed?",
        )


def _too_small(plane: FloatArray, least: int) -> InputError:
    height, width = plane.shape
    return InputError(
        f"an image of {height} x {width} pixels is too small to train on: it takes "
        f"{least} x {least}",
        hint="--train-on takes larger images of the same kind, or use --method denoise",
    )


def _check_captures(all_series: Sequence[Series]) -> None:
    if all(len(series) == 1 for series in all_series):
        raise InputError(
            "n2n is fitted to captures of the same place, and there is one of each",
            hint="give a time series (--axes TYX where the file doesn't say), or use "
            "--method n2sr, which takes single images",
        )
    for series in all_series:
        for number, (one, other) in enumerate(pairwise(series)):
            far = drift(one, other)
            if far > MOST_DRIFT:
                raise InputError(
                    f"captures {number} and {number + 1} have moved by {far:.1f} "
                    "pixels against each other; n2n is fitted to what stays in place",
                    hint="register them, or use --method n2sr",
                )


def drift(one: FloatArray, other: FloatArray) -> float:
    """Return how far two captures have moved against each other, in pixels.

    The phases of their coarse structure are correlated ([1]_). It is 0 where they have
    too little in common to tell.

    - `one`, `other`: (Y, X) stabilised counts, of the same shape.

    References
    ----------
    .. [1] C. D. Kuglin and D. C. Hines, "The phase correlation image alignment method",
       Proc. IEEE Int. Conf. on Cybernetics and Society (1975).
    """
    window = _window(one.shape)
    spectra = [fft.rfft2((plane - plane.mean()) * window) for plane in (one, other)]
    crossed = spectra[0] * spectra[1].conj()
    # phases alone, where there is more than noise: its power is that of the window
    phases = crossed / (abs(crossed) + (window**2).sum()) * _coarse(one.shape)
    likeness = fft.irfft2(phases, s=one.shape)
    if likeness.max() < _CLEAR * likeness.std():
        return 0.0
    y, x = map(int, np.unravel_index(likeness.argmax(), likeness.shape))
    return float(np.hypot(_highest(likeness[:, x], y), _highest(likeness[y], x)))


def _highest(line: FloatArray, at: int) -> float:
    """Return where a parabola through a peak is highest, counted around 0."""
    length = len(line)
    before, here, after = (float(line[(at + step) % length]) for step in (-1, 0, 1))
    exact = at + 0.5 * (before - after) / (before - 2 * here + after)
    return (exact + length / 2) % length - length / 2


def _window(shape: tuple[int, ...]) -> FloatArray:
    height, width = shape
    window = np.hanning(height)[:, None] * np.hanning(width)
    return window.astype(np.float32)


def _coarse(shape: tuple[int, ...]) -> FloatArray:
    """Return what a Gaussian blur leaves of each part of a spectrum."""
    height, width = shape
    y, x = fft.fftfreq(height)[:, None], fft.rfftfreq(width)
    left = np.exp(-2 * (np.pi * _COARSE) ** 2 * (y**2 + x**2))
    return np.asarray(left, np.float32)
