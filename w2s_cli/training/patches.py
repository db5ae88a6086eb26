"""Batches of (noisy input, clean target), degraded on the fly.

A batch depends on the seed and the step's number alone, so that a training that was
interrupted goes on with the batches it would have seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from w2s_cli.physics.kernel import Kernel, gaussian_kernel
from w2s_cli.physics.noise import NoiseModel
from w2s_cli.physics.simulate import Exposure, widefield
from w2s_cli.training import truth
from w2s_cli.training.recipe import Recipe

FloatArray = NDArray[np.float32]
_T = TypeVar("_T")

# The blur of the target, as a share of the blur that is to be undone: structured
# illumination, with its Wiener filter, resolves two to three times as finely.
TARGET_BLUR = (0.15, 0.35)
MEASURED_SPREAD = 3.2  # standard deviation of the measured kernels, in their pixels
HALO = 24  # pixels around a patch of truth, so that its blur has no edge


@dataclass(frozen=True, eq=False)
class Sample:
    """One patch.

    Attributes
    ----------
    stabilised
        (Y, X), what the network sees.
    photons
        (Y * scale, X * scale), what was there.
    lift
        What the stabilisation adds to the photons: 3/8 and the read noise, squared.
    valid
        The shape of `photons`, False where the loss must not look.
    """

    stabilised: FloatArray
    photons: FloatArray
    lift: float
    valid: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Pool:
    """All the truth that a recipe draws from."""

    recipe: Recipe
    pairs: Sequence[truth.Pair]
    fields: Mapping[str, Sequence[FloatArray]]
    kernels: Sequence[Kernel]

    @classmethod
    def of(cls, recipe: Recipe, span: tuple[int, int], seed: int) -> "Pool":
        """Return the pool of a recipe for a range of fields of view."""
        shares, data = recipe.sources, recipe.data
        real = shares.pairs or shares.averages
        found = truth.pairs(data, span) if real else {}
        finer = recipe.network.scale > 1
        fields = {
            "averages": truth.averages(found if shares.averages else {}, finer=finer),
            "sharp": truth.sharp(data) if shares.sharp else [],
            "simulated": truth.simulated(recipe.simulated_fields, seed),
        }
        measured = truth.kernels(data) if recipe.light.measured else []
        return cls(recipe, list(found.values()), fields, measured)

    def batch(self, *entropy: int) -> list[Sample]:
        """Return the samples of a batch, drawn from the seed and `entropy`."""
        rng = np.random.default_rng([self.recipe.seed, *entropy])
        return [self._sample(rng) for _ in range(self.recipe.patches.batch)]

    def _sample(self, rng: np.random.Generator) -> Sample:
        shares = vars(self.recipe.sources)
        weights = np.array([*shares.values()], float)
        source = rng.choice([*shares], p=weights / weights.sum())
        if source == "pairs":
            return self._real(rng)
        plane = _one_of(self.fields[source], rng)
        return self._simulated(plane, already_blurred=source == "averages", rng=rng)

    def _real(self, rng: np.random.Generator) -> Sample:
        pair = _one_of(self.pairs, rng)
        planes = _crop(
            [pair.noisy, pair.clean, pair.valid], self.recipe.patches.side, rng
        )
        noisy, clean, valid = planes
        noise = NoiseModel(gain=1)
        return Sample(noise.stabilise(noisy), clean, noise.lift, valid)

    def _simulated(
        self, plane: FloatArray, *, already_blurred: bool, rng: np.random.Generator
    ) -> Sample:
        light, same_size = self.recipe.light, self.recipe.network.scale == 1
        exposure = Exposure(
            photons=float(np.exp(rng.uniform(*np.log(light.photons)))),
            background=rng.uniform(*light.background),
            haze=rng.uniform(*light.haze) if rng.random() < 0.5 else 0.0,
        )
        read = rng.uniform(*light.sigma) if rng.random() < 0.5 else 0.0
        noise = NoiseModel(gain=1, read_noise=read)
        if same_size and already_blurred:
            (clean,) = _crop([plane], self.recipe.patches.side, rng)
            expected = target = _lit(clean, exposure)
        else:
            fine, expected = self._blurred(plane, already_blurred, exposure, rng)
            target = expected if same_size else _lit(fine, exposure)
        multiplied = rng.random() < light.multiplied
        seen = noise.stabilise(noise.sample(expected, rng, multiplied=multiplied))
        return Sample(seen, target, noise.lift, np.ones(target.shape, bool))

    def _blurred(
        self,
        plane: FloatArray,
        already_blurred: bool,
        exposure: Exposure,
        rng: np.random.Generator,
    ) -> tuple[FloatArray, FloatArray]:
        """Return a crop of truth at twice the size, and the light of it on a camera."""
        kernel, spread = self._kernel(rng)
        (fine,) = _crop([plane], 2 * self.recipe.patches.side + 2 * HALO, rng)
        if not already_blurred:
            fine = gaussian_kernel(spread * rng.uniform(*TARGET_BLUR)).blur(fine)
        expected = widefield(fine, kernel, exposure)
        return _inner(fine, HALO), _inner(expected, HALO // 2)

    def _kernel(self, rng: np.random.Generator) -> tuple[Kernel, float]:
        """Return a kernel, and the standard deviation of its middle part."""
        if rng.random() < self.recipe.light.measured:
            chosen = _one_of(self.kernels, rng)
            return Kernel(_turned([chosen.weights], rng)[0]), MEASURED_SPREAD
        spread = rng.uniform(*self.recipe.light.blur)
        return gaussian_kernel(spread), spread


def _crop(
    planes: Sequence[NDArray[Any]], side: int, rng: np.random.Generator
) -> list[NDArray[Any]]:
    """Return the same random square of every plane, turned the same way."""
    height, width = planes[0].shape
    if min(height, width) < side:
        pad = [(0, max(side - length, 0)) for length in (height, width)]
        planes = [np.pad(plane, pad, mode="symmetric") for plane in planes]
        height, width = planes[0].shape
    y, x = rng.integers(height - side + 1), rng.integers(width - side + 1)
    return _turned([plane[y : y + side, x : x + side] for plane in planes], rng)


def _turned(
    planes: Sequence[NDArray[Any]], rng: np.random.Generator
) -> list[NDArray[Any]]:
    turns, mirror = int(rng.integers(4)), rng.random() < 0.5
    turned = (np.rot90(plane, turns) for plane in planes)
    return [np.ascontiguousarray(p.T if mirror else p) for p in turned]


def _one_of(things: Sequence[_T], rng: np.random.Generator) -> _T:
    return things[int(rng.integers(len(things)))]


def _lit(plane: FloatArray, exposure: Exposure) -> FloatArray:
    """Return the photons of a plane in focus: what no haze has been added to."""
    light = (plane + exposure.background) * exposure.photons
    return np.asarray(light, np.float32)


def _inner(plane: FloatArray, edge: int) -> FloatArray:
    return np.ascontiguousarray(plane[edge:-edge, edge:-edge])
