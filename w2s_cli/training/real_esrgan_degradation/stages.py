"""The noise of Real-ESRGAN [1]_: even over the image, or that of its light.

Published code draws it once for all channels of a colour picture ("gray"), or for each.
Images here have one channel, where both are the same draw: a deviation without effect.

References
----------
.. [1] X. Wang et al., "Real-ESRGAN", ICCV Workshops (2021): section 3.1.

What JPEG leaves of an image.

It is Pillow's, of an 8-bit gray image in memory; the published code has a
differentiable imitation, in floats and of colours.

Changes of size, as careless as those that images on the web go through.

Nothing is smoothed before an image gets smaller, as in the published code (`torch`'s
`interpolate` without `antialias`): bilinear and bicubic reductions alias, area
reductions do not.

The unsharp mask that Real-ESRGAN sharpens truths with [1]_.

References
----------
.. [1] X. Wang et al., "Real-ESRGAN", ICCV Workshops (2021): section 3.4; the numbers
   are those of the published code.
"""

import io
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.psf import PSF
from w2s_cli.training.real_esrgan_degradation.blur_kernels import gaussian
from w2s_cli.training.recipe_tables import Stage

WHITE = 255


def add_noise(image: FloatArray, stage: Stage, rng: np.random.Generator) -> FloatArray:
    """Return the (Y, X) `image` with random noise of a stage, clipped to [0, 1]."""
    if rng.random() < stage.gaussian:
        noise = gaussian_noise(image.shape, rng.uniform(*stage.noise), rng)
    else:
        noise = poisson_noise(image, rng.uniform(*stage.poisson), rng)
    return np.asarray(np.clip(image + noise, 0, 1), np.float32)


def gaussian_noise(
    shape: tuple[int, ...], sigma: float, rng: np.random.Generator
) -> FloatArray:
    """Return noise with a standard deviation of `sigma` 8-bit gray levels."""
    return rng.standard_normal(shape, np.float32) * np.float32(sigma / WHITE)


def poisson_noise(
    image: FloatArray, scale: float, rng: np.random.Generator
) -> FloatArray:
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


def compress(image: FloatArray, stage: Stage, rng: np.random.Generator) -> FloatArray:
    """Return the (Y, X) `image` after JPEG at a random quality of a stage."""
    return compressed(image, round(rng.uniform(*stage.jpeg)))


def compressed(image: FloatArray, quality: int) -> FloatArray:
    """Return the (Y, X) `image`, in [0, 1], after JPEG at a quality from 1 to 100."""
    file = io.BytesIO()
    Image.fromarray(gray_levels(image)).save(file, "JPEG", quality=quality)
    with Image.open(file, formats=["JPEG"]) as read:
        return np.asarray(read, np.float32) / np.float32(WHITE)


Mode = Literal["area", "bilinear", "bicubic"]
Shape = tuple[int, ...]

MODES: tuple[Mode, ...] = ("area", "bilinear", "bicubic")


def draw_factor(stage: Stage, rng: np.random.Generator) -> float:
    """Return a random change of size: above 1, below 1, or 1."""
    weights = np.array(stage.resize)
    low, high = stage.factor
    spans = ((1.0, high), (low, 1.0), (1.0, 1.0))
    return rng.uniform(*spans[rng.choice(len(spans), p=weights / weights.sum())])


def draw_mode(rng: np.random.Generator) -> Mode:
    """Return a random way to change a size."""
    return MODES[int(rng.integers(len(MODES)))]


def resized(image: FloatArray, shape: Shape, mode: Mode) -> FloatArray:
    """Return the (Y, X) `image` in another shape, its edges where they were."""
    here = torch.from_numpy(np.ascontiguousarray(image))[None, None]
    there = functional.interpolate(here, size=list(shape), mode=mode)
    return np.asarray(there[0, 0].numpy(), np.float32)


def scaled(shape: Shape, factor: float) -> Shape:
    """Return a shape times `factor`, rounded down, at least one pixel."""
    return tuple(max(int(side * factor), 1) for side in shape)


WEIGHT = 0.5
SIDE = 51  # pixels of the Gaussian, which the published code calls its radius
THRESHOLD = 10  # 8-bit gray levels
_SIGMA = 0.3 * ((SIDE - 1) / 2 - 1) + 0.8  # what OpenCV takes for a side
_GAUSSIAN: PSF = gaussian(np.eye(2) * _SIGMA**2, SIDE)


def sharpened(image: FloatArray) -> FloatArray:
    """Return the (Y, X) `image`, in [0, 1], with its details stronger by a half.

    Details are what a wide Gaussian blur takes away. Where they are fainter than the
    threshold, as noise is, the image stays; the border between is soft.
    """
    details = image - _GAUSSIAN.blur(image)
    strong = (np.abs(details) * WHITE > THRESHOLD).astype(np.float32)
    mask = _GAUSSIAN.blur(strong)
    sharper = np.clip(image + np.float32(WEIGHT) * details, 0, 1)
    return np.asarray(mask * sharper + (1 - mask) * image, np.float32)
