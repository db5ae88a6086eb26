"""One image through both degradations, in the published order."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from w2s_cli.training.second_order import jpeg, kernels, noise
from w2s_cli.training.second_order.resizing import (
    Shape,
    drawn_factor,
    drawn_mode,
    resized,
    scaled,
)
from w2s_cli.training.second_order.sharpening import sharpened
from w2s_cli.training.tables.second_order import SecondOrder, Stage

FloatArray = NDArray[np.float32]


class Degraded(NamedTuple):
    """An image and what it was.

    Attributes
    ----------
    low
        (Y / scale, X / scale), values k / 255.
    high
        (Y, X), the truth.
    sharpened
        (Y, X), the truth after an unsharp mask, which was degraded.
    """

    low: FloatArray
    high: FloatArray
    sharpened: FloatArray


def degraded(
    sharp: FloatArray, scale: int, options: SecondOrder, rng: np.random.Generator
) -> Degraded:
    """Return a sharp image degraded twice.

    Parameters
    ----------
    sharp
        (Y, X) in [0, 1], sides multiples of `scale`.
    scale
        Pixels of the truth along a pixel of the input.
    options
        Shares and spans.
    rng
        All that is random comes from it.
    """
    height, width = sharp.shape
    small = height // scale, width // scale
    source = sharpened(sharp)
    image = _stage(source, sharp.shape, options.first, rng)
    image = jpeg.drawn(image, options.first, rng)
    image = _stage(image, small, options.second, rng)
    image = _finished(image, small, options, rng)
    low = noise.gray_levels(image).astype(np.float32) / np.float32(noise.WHITE)
    return Degraded(low, sharp, source)


def _stage(
    image: FloatArray, whole: Shape, stage: Stage, rng: np.random.Generator
) -> FloatArray:
    """Return an image after blur, a change of size from `whole`, and noise."""
    if rng.random() < stage.blur:
        image = kernels.drawn(stage, rng).blur(image)
    shape = scaled(whole, drawn_factor(stage, rng))
    return noise.drawn(resized(image, shape, drawn_mode(rng)), stage, rng)


def _finished(
    image: FloatArray, small: Shape, options: SecondOrder, rng: np.random.Generator
) -> FloatArray:
    """Return an image of the last size, after JPEG and the filter in either order."""
    if rng.random() < 0.5:
        image = _filtered(image, small, options, rng)
        return jpeg.drawn(image, options.second, rng)
    image = jpeg.drawn(image, options.second, rng)
    return _filtered(image, small, options, rng)


def _filtered(
    image: FloatArray, small: Shape, options: SecondOrder, rng: np.random.Generator
) -> FloatArray:
    image = resized(image, small, drawn_mode(rng))
    if rng.random() < options.final_sinc:
        image = kernels.drawn_low_pass(rng).blur(image)
    return image
