"""Patches of truth from several sources, degraded on the fly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.physics.kernel import Kernel
from w2s_cli.training.batch import Batch
from w2s_cli.training.examples import STREAMS, Part, truth
from w2s_cli.training.examples.samples import Draw, Sample
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.start import scale_of

FloatArray = NDArray[np.float32]
_FEWER = 8  # times fewer simulated fields to validate on than to train on


def opened(recipe: Recipe, part: Part) -> "Pool":
    """Return all the truth that the training, or the validation, draws from.

    Raises
    ------
    InputError
        When the recipe needs real images or kernels that are not there.
    """
    shares, data, scale = recipe.sources, recipe.data, scale_of(recipe)
    validation = part == "validation"
    span = recipe.validation_fields if validation else recipe.train_fields
    real = shares.pairs or shares.averages
    found = truth.pairs(data, span, scale) if real else []
    fields = {
        "averages": truth.averages(found if shares.averages else []),
        "sharp": truth.sharp(data) if shares.sharp else [],
    }
    given = {"pairs": found, **fields}
    for source, some in given.items():
        if getattr(shares, source) and not some:
            raise _nothing(recipe, source, part)
    kept = recipe.simulated_fields
    kept = max(kept // _FEWER, 1) if validation else kept
    return Pool(
        recipe=recipe,
        scale=scale,
        stream=STREAMS[part],
        pairs=found,
        fields=fields,
        simulated=truth.Simulated(STREAMS[part], kept),
        kernels=truth.kernels(data) if recipe.light.measured else [],
    )


@dataclass(frozen=True, eq=False)
class Pool:
    """What patches are drawn from.

    Attributes
    ----------
    scale
        Pixels of a truth along a pixel of an input, 1 or 2.
    stream
        Of the random numbers.
    pairs, fields, simulated, kernels
        Real pairs, clean fields by source, fields without end, measured blur.
    """

    recipe: Recipe
    scale: int
    stream: int
    pairs: Sequence[truth.Pair]
    fields: Mapping[str, Sequence[FloatArray]]
    simulated: truth.Simulated
    kernels: Sequence[Kernel]

    def batch(self, step: int, numbers: Sequence[int]) -> Batch:
        """Return some patches of a step's batch, by their numbers in it."""
        return Batch.piled([_alone(one) for one in self.samples(step, numbers)])

    def samples(self, step: int, numbers: Sequence[int]) -> list[Sample]:
        """Return the same patches, one by one."""
        fields = {**self.fields, "simulated": self.simulated.at(step)}
        return [
            Draw(
                self.recipe,
                self.scale,
                self.pairs,
                fields,
                self.kernels,
                np.random.default_rng([self.recipe.seed, self.stream, step, number]),
            ).sample()
            for number in numbers
        ]


def _nothing(recipe: Recipe, source: str, part: Part) -> InputError:
    span = recipe.train_fields if part == "training" else recipe.validation_fields
    where = (
        f"usable image at {recipe.data / 'sharp'}/*.tif"
        if source == "sharp"
        else f"field of view from {span[0]} to {span[1]} in {recipe.data / 'w2s'}"
    )
    return InputError(
        f"sources.{source} is {getattr(recipe.sources, source):g}, but there is no "
        f"{where} for {part}",
        hint=f"name another folder with data=FOLDER, or set sources.{source}=0",
    )


def _alone(sample: Sample) -> Batch:
    def tensor(plane: NDArray[np.generic]) -> torch.Tensor:
        return torch.from_numpy(plane)[None, None]

    return Batch(
        image=tensor(sample.stabilised),
        truth=tensor(sample.photons),
        valid=tensor(sample.valid),
        lift=torch.full((1, 1, 1, 1), sample.lift),
        units="root",
    )
