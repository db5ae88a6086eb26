"""Blur, change of size, noise and JPEG of Real-ESRGAN [1]_, and its unsharp mask.

With `q` the squared Mahalanobis distance from the middle, a generalized Gaussian is
``exp(-q^b / 2)`` and a plateau ``1 / (1 + q^b)``; the plain Gaussian has b = 1. They
are round ("iso"), or have two widths and an angle ("aniso"). The low-pass filter is a
sinc for two dimensions, ``w J1(w r) / (2 pi r)`` at a distance of r pixels.

What is done otherwise than in the published code:

- Each patch is degraded by itself, with draws of its own. There, a batch shares the
  kind of noise and the sizes, and a queue of 180 patches mixes the batches again.
- Images have one channel: gray and colour noise are the same.
- JPEG is Pillow's, of 8-bit gray, and a quality is a whole number; there it is a
  differentiable imitation in floats.
- Sizes, not factors, place the pixels when a size changes, so that a rounded size moves
  nothing.
- A blur mirrors the image beyond its edge with the pixel at the edge, not without it.

As there, nothing is smoothed before an image gets smaller: bilinear and bicubic
reductions alias, area reductions do not.

References
----------
.. [1] X. Wang, L. Xie, C. Dong and Y. Shan, "Real-ESRGAN: training real-world blind
   super-resolution with pure synthetic data", ICCV Workshops (2021): section 3.
"""

import io
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import special
from torch.nn import functional

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.microscope.psf import PSF
from w2s_cli.training.recipe_tables import Span, Stage

SIDES = range(7, 22, 2)
_LARGE = 13  # side from which a kernel can hold the rings of a lower cut-off
_LOWEST, _LOWEST_LARGE = np.pi / 3, np.pi / 5  # cut-offs, in radians a pixel


def draw_kernel(stage: Stage, rng: np.random.Generator) -> PSF:
    """Return a random blur of a stage."""
    side = _side(rng)
    if rng.random() < stage.sinc:
        lowest = _LOWEST if side < _LARGE else _LOWEST_LARGE
        return low_pass(rng.uniform(lowest, np.pi), side)
    names, weights = [*stage.kernels], np.array([*stage.kernels.values()])
    name = names[rng.choice(len(names), p=weights / weights.sum())]
    return KINDS[name](stage, _covariance(stage.sigma, name, rng), side, rng)


def draw_low_pass(rng: np.random.Generator) -> PSF:
    """Return a random low-pass filter, as the last step of the chain has it."""
    side = _side(rng)
    return low_pass(rng.uniform(_LOWEST, np.pi), side)


def gaussian(covariance: DoubleArray, side: int, exponent: float = 1.0) -> PSF:
    """Return a generalized Gaussian; `covariance` is (2, 2) squared pixels, (y, x).

    It is the covariance of the kernel where `exponent` is 1.
    """
    distance = _squared_distance(covariance, side)
    return PSF.normalised(np.exp(-0.5 * distance**exponent))


def plateau(covariance: DoubleArray, side: int, exponent: float) -> PSF:
    """Return a kernel that is flat in the middle; parameters as for `gaussian`."""
    distance = _squared_distance(covariance, side)
    return PSF.normalised(1 / (1 + distance**exponent))


def low_pass(cutoff: float, side: int) -> PSF:
    """Return a filter that passes up to `cutoff` radians a pixel in all directions."""
    y, x = _grid(side)
    radius = np.hypot(y, x)
    radius[side // 2, side // 2] = 1
    weights = cutoff * special.j1(cutoff * radius) / (2 * np.pi * radius)
    weights[side // 2, side // 2] = cutoff**2 / (4 * np.pi)  # its limit
    return PSF.normalised(weights)


def _plain(stage: Stage, covariance: DoubleArray, side: int, *_: Any) -> PSF:
    return gaussian(covariance, side)


def _generalized(
    stage: Stage, covariance: DoubleArray, side: int, rng: np.random.Generator
) -> PSF:
    return gaussian(covariance, side, _exponent(stage.generalized, rng))


def _flat(
    stage: Stage, covariance: DoubleArray, side: int, rng: np.random.Generator
) -> PSF:
    return plateau(covariance, side, _exponent(stage.plateau, rng))


_Kind = Callable[[Stage, DoubleArray, int, np.random.Generator], PSF]
KINDS: dict[str, _Kind] = {
    "iso": _plain,
    "aniso": _plain,
    "generalized_iso": _generalized,
    "generalized_aniso": _generalized,
    "plateau_iso": _flat,
    "plateau_aniso": _flat,
}


def _side(rng: np.random.Generator) -> int:
    return SIDES[int(rng.integers(len(SIDES)))]


def _covariance(span: Span, name: str, rng: np.random.Generator) -> DoubleArray:
    first = rng.uniform(*span)
    if not name.endswith("aniso"):
        return np.eye(2) * first**2
    second, angle = rng.uniform(*span), rng.uniform(-np.pi, np.pi)
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.asarray(turn @ np.diag([first**2, second**2]) @ turn.T)


def _exponent(span: Span, rng: np.random.Generator) -> float:
    """Return an exponent, below and above 1 in half of the draws each."""
    low, high = span
    return rng.uniform(low, 1) if rng.random() < 0.5 else rng.uniform(1, high)


def _squared_distance(covariance: DoubleArray, side: int) -> DoubleArray:
    points = np.stack(_grid(side), axis=-1)
    inverse = np.linalg.inv(covariance)
    return np.asarray(np.einsum("yxi,ij,yxj->yx", points, inverse, points))


def _grid(side: int) -> tuple[DoubleArray, DoubleArray]:
    line = np.arange(side) - float(side // 2)
    y, x = np.meshgrid(line, line, indexing="ij")
    return y, x


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
