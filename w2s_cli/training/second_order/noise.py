"""The noise of Real-ESRGAN [1]_: even over the image, or that of its light.

Published code draws it once for all channels of a colour picture ("gray"), or for each.
Images here have one channel, where both are the same draw: a deviation without effect.

References
----------
.. [1] X. Wang et al., "Real-ESRGAN", ICCV Workshops (2021): section 3.1.
"""

import numpy as np
from numpy.typing import NDArray

from w2s_cli.training.tables.second_order import Stage

FloatArray = NDArray[np.float32]
WHITE = 255


def drawn(image: FloatArray, stage: Stage, rng: np.random.Generator) -> FloatArray:
    """Return the (Y, X) `image` with random noise of a stage, clipped to [0, 1]."""
    if rng.random() < stage.gaussian:
        noise = gaussian(image.shape, rng.uniform(*stage.noise), rng)
    else:
        noise = poisson(image, rng.uniform(*stage.poisson), rng)
    return np.asarray(np.clip(image + noise, 0, 1), np.float32)


def gaussian(
    shape: tuple[int, ...], sigma: float, rng: np.random.Generator
) -> FloatArray:
    """Return noise with a standard deviation of `sigma` 8-bit gray levels."""
    return rng.standard_normal(shape, np.float32) * np.float32(sigma / WHITE)


def poisson(image: FloatArray, scale: float, rng: np.random.Generator) -> FloatArray:
    """Return `scale` times the noise that the light of an image has.

    White stands for 2^ceil(log2(n)) photons, where n is how many of the 256 gray
    levels occur: an image of few levels is taken for one of little light.
    """
    grays = gray_levels(image)
    different = np.count_nonzero(np.bincount(grays.ravel(), minlength=WHITE + 1))
    photons = 2 ** np.ceil(np.log2(different))
    light = grays / WHITE
    noise = rng.poisson(light * photons) / photons - light
    return np.asarray(noise * scale, np.float32)


def gray_levels(image: FloatArray) -> NDArray[np.uint8]:
    """Return an image whose white is 1 in 8 bits, rounded and clipped."""
    return np.clip(np.round(image * WHITE), 0, WHITE).astype(np.uint8)
