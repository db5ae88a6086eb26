"""Two images with noise of their own, from one.

With noise `n` of variance `v`, and `z` drawn with variance 1, ``n + a sqrt(v) z`` and
``n - sqrt(v) z / a`` are uncorrelated: Recorrupted-to-Recorrupted ([1]_, Eq. 7). A
network that gets the one and must give the other fits the light.

It is done in photons, where `v` is known wherever the light is. Divided by
``1 + a^2``, the first is an image of so much less light with a read noise that is less
by its root. But where light is dim, noise is skewed: with a normal `z` the third
moment ``E{n n n}`` makes both alike, and a network passes some of it on. So
`z` is skewed too, such that ``E{n n n} + a^2 (-1 / a) v^1.5 E{z z z} = 0``: then they
are independent to the third order. That is what thinning does with Poisson counts.

References
----------
.. [1] T. Pang et al., "Recorrupted-to-Recorrupted: unsupervised deep learning for image
   denoising", CVPR 2021.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Restorer
from w2s_cli.restorers.tiling import restore_plane

ADDED = 0.5
"""The `a` above: what is shown has 1 / (1 + a^2) of the light."""
LESS = 1 + ADDED**2
LEAST_SKEW, MOST_SKEW = 1.0, 1.5
"""Third moment of the noise over the photons: of a camera that counts them, and of one
that multiplies electrons at random."""
_LEAST_VARIANCE = 0.02  # photons: an estimate of no light at all may be a little wrong
_SYMMETRIC = 1e-3  # skewness that is none
_TILE = 512

Plane: TypeAlias = tuple[NDArray[Any], NoiseModel]
"""(Y, X) counts, and their noise."""


@dataclass(frozen=True, eq=False)
class Field:
    """A noisy image, and what is known of its light and noise.

    - `noisy`: (Y, X) photons.
    - `expected`: (Y, X) photons, an estimate of the light: 0 or more.
    - `noise`: of the image; a count is a photon.
    - `skew`: third moment of the noise over the photons.
    """

    noisy: FloatArray
    expected: FloatArray
    noise: NoiseModel
    skew: float = LEAST_SKEW

    @property
    def dimmed(self) -> NoiseModel:
        """Return the noise of what is shown of it."""
        return NoiseModel(1.0, 0.0, self.noise.sigma / LESS**0.5)

    def cut(self, window: tuple[slice, slice]) -> "Field":
        """Return a part of the field."""
        return replace(self, noisy=self.noisy[window], expected=self.expected[window])

    def redraw(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Return an input and its noisy truth, in photons of the dimmed light.

        Their noise is independent, as far as the field knows its own.
        """
        variance = np.maximum(self.expected + self.noise.sigma**2, _LEAST_VARIANCE)
        skewness = self.skew * self.expected / (ADDED * variance**1.5)
        drawn = np.sqrt(variance) * _skewed(skewness, rng)
        image, truth = self.noisy + ADDED * drawn, self.noisy - drawn / ADDED
        return (image / LESS).astype(np.float32), (truth / LESS).astype(np.float32)


def _skewed(skewness: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return random numbers of mean 0, variance 1 and some skewness of 0 or more."""
    shape = 4 / np.maximum(skewness, _SYMMETRIC).astype(np.float64) ** 2
    drawn: NDArray[np.float64] = (rng.standard_gamma(shape) - shape) / np.sqrt(shape)
    return drawn


def fields(planes: Sequence[Plane], guide: Restorer) -> list[Field]:
    """Return planes in photons, with the light that the denoiser `guide` estimates."""
    found = []
    for counts, noise in planes:
        own = NoiseModel(1.0, 0.0, noise.sigma)
        noisy = noise.photons(counts)
        light = restore_plane(noisy, Chain([guide]).bound(own), tile=_TILE)
        found.append(Field(noisy, np.maximum(light, 0), own))
    skew = skew_of(found)
    return [replace(field, skew=skew) for field in found]


def skew_of(found: Sequence[Field]) -> float:
    """Return the third moment of the noise over the photons, as residuals show it.

    Kept between `LEAST_SKEW` and `MOST_SKEW`: in bright light, structure that the
    estimate misses hides it, and there it matters little.
    """
    third = sum(
        float(((field.noisy - field.expected).astype(np.float64) ** 3).sum())
        for field in found
    )
    light = sum(float(field.expected.sum(dtype=np.float64)) for field in found)
    return float(np.clip(third / max(light, 1.0), LEAST_SKEW, MOST_SKEW))
