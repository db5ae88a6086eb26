"""Where patches and their truths come from.

`open_sampler` opens what a recipe asks for; the `PatchSampler` gives the batch of any
step.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from w2s_cli.registry import Entry, Registry

if TYPE_CHECKING:
    from w2s_cli.training.recipe import Recipe
    from w2s_cli.training.training_batch import Batch

Part = Literal["training", "validation"]
STREAMS = {"training": 0, "validation": 1}
"""They keep the random numbers of both apart."""


@dataclass(frozen=True, eq=False)
class PatchSampler(ABC):
    """Draws the patches of one part of a training, without end.

    A patch depends on the seed, the part, the step and its number in the step's batch
    alone, so that a training that was interrupted goes on with the batches it would
    have had, and several processes may share one.
    """

    recipe: "Recipe"
    part: Part

    def rng(self, step: int, number: int) -> np.random.Generator:
        """Return the random numbers of a patch."""
        return np.random.default_rng(
            [self.recipe.seed, STREAMS[self.part], step, number]
        )

    @abstractmethod
    def patch(self, step: int, number: int) -> "Batch":
        """Return one patch of a step's batch, as a batch of one."""

    def batch(self, step: int, numbers: Sequence[int]) -> "Batch":
        """Return some patches of a step's batch, by their numbers in it."""
        patches = [self.patch(step, number) for number in numbers]
        return type(patches[0]).concatenate(patches)


EXAMPLES = Registry(
    "kind of examples",
    Entry(
        "physics",
        "w2s_cli.training.patches.degraded_truth:open_physics",
        "truth from several sources, degraded by the package's own physics",
    ),
    Entry(
        "imaging",
        "w2s_cli.training.patches.imaging:open_imaging",
        "the same for networks that are told of noise and blur: correlated noise, "
        "defects, light in focus and out of focus",
    ),
    Entry(
        "pairs",
        "w2s_cli.training.patches.real_pairs:open_pairs",
        "real pairs of any set that w2s knows",
    ),
    Entry(
        "real-esrgan",
        "w2s_cli.training.patches.real_esrgan_patches:open_degraded",
        "sharp images, degraded twice",
        "Wang et al. 2021, Real-ESRGAN",
    ),
    Entry(
        "self-supervised",
        "w2s_cli.training.patches.noisy_patches:open_noisy",
        "noisy images, parts of which are masked",
    ),
)


def open_sampler(recipe: "Recipe", part: Part) -> PatchSampler:
    """Return the sampler of the training, or of the validation, of a recipe."""
    sampler: PatchSampler = EXAMPLES[recipe.examples].load()(recipe, part)
    return sampler
