"""The blurs of Real-ESRGAN [1]_, each summing to 1.

With `q` the squared Mahalanobis distance from the middle, a generalized Gaussian is
``exp(-q^b / 2)`` and a plateau ``1 / (1 + q^b)``; the plain Gaussian has b = 1. They
are round ("iso"), or have two widths and an angle ("aniso"). The low-pass filter is a
sinc for two dimensions, ``w J1(w r) / (2 pi r)`` at a distance of r pixels.

References
----------
.. [1] X. Wang et al., "Real-ESRGAN", ICCV Workshops (2021): sections 3.1 and 3.3.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from w2s_cli.microscope.psf import PSF
from w2s_cli.training.recipe_tables import Span, Stage

FloatArray = NDArray[np.float64]

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


def gaussian(covariance: FloatArray, side: int, exponent: float = 1.0) -> PSF:
    """Return a generalized Gaussian; `covariance` is (2, 2) squared pixels, (y, x).

    It is the covariance of the kernel where `exponent` is 1.
    """
    distance = _squared_distance(covariance, side)
    return PSF.normalised(np.exp(-0.5 * distance**exponent))


def plateau(covariance: FloatArray, side: int, exponent: float) -> PSF:
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


def _plain(stage: Stage, covariance: FloatArray, side: int, *_: Any) -> PSF:
    return gaussian(covariance, side)


def _generalized(
    stage: Stage, covariance: FloatArray, side: int, rng: np.random.Generator
) -> PSF:
    return gaussian(covariance, side, _exponent(stage.generalized, rng))


def _flat(
    stage: Stage, covariance: FloatArray, side: int, rng: np.random.Generator
) -> PSF:
    return plateau(covariance, side, _exponent(stage.plateau, rng))


_Kind = Callable[[Stage, FloatArray, int, np.random.Generator], PSF]
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


def _covariance(span: Span, name: str, rng: np.random.Generator) -> FloatArray:
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


def _squared_distance(covariance: FloatArray, side: int) -> FloatArray:
    points = np.stack(_grid(side), axis=-1)
    inverse = np.linalg.inv(covariance)
    return np.asarray(np.einsum("yxi,ij,yxj->yx", points, inverse, points))


def _grid(side: int) -> tuple[FloatArray, FloatArray]:
    line = np.arange(side) - float(side // 2)
    y, x = np.meshgrid(line, line, indexing="ij")
    return y, x
