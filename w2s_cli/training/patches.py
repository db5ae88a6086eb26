"""Batches of (noisy input, clean target), degraded on the fly.

A batch depends on the seed and the step's number alone, so that a training that was
interrupted goes on with the batches it would have seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from w2s_cli.physics.kernel import Kernel
from w2s_cli.training import truth
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.samples import Draw, Sample

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pool:
    """All the truth that a recipe draws from."""

    recipe: Recipe
    pairs: Sequence[truth.Pair]
    fields: Mapping[str, Sequence[FloatArray]]
    simulated: truth.Simulated
    kernels: Sequence[Kernel]

    @classmethod
    def of(cls, recipe: Recipe, span: tuple[int, int], seed: int) -> "Pool":
        """Return the pool of a recipe for a range of fields of view."""
        shares, data = recipe.sources, recipe.data
        real = shares.pairs or shares.averages
        found = truth.pairs(data, span, recipe.network.scale) if real else []
        fields = {
            "averages": truth.averages(found if shares.averages else []),
            "sharp": truth.sharp(data) if shares.sharp else [],
        }
        simulated = truth.Simulated(seed, recipe.simulated_fields)
        measured = truth.kernels(data) if recipe.light.measured else []
        return cls(recipe, found, fields, simulated, measured)

    def batch(self, stream: int, step: int) -> list[Sample]:
        """Return the samples of a step, drawn from the seed, `stream` and `step`."""
        rng = np.random.default_rng([self.recipe.seed, stream, step])
        fields = {**self.fields, "simulated": self.simulated.at(step)}
        draw = Draw(self.recipe, self.pairs, fields, self.kernels, rng)
        return [draw.sample() for _ in range(self.recipe.patches.batch)]
