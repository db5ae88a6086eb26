"""Where patches and their truths come from.

`supply` opens what a recipe asks for; the `Supply` gives the batch of any step. A batch
depends on the seed, the stream and the step alone, so that a training that was
interrupted goes on with the batches it would have seen; and each of its patches on its
number, so that several processes may share one.
"""

from typing import TYPE_CHECKING, Literal, Protocol

from w2s_cli.registry import Entry, Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from w2s_cli.training.recipe import Recipe
    from w2s_cli.training.training_batch import Batch

Part = Literal["training", "validation"]
STREAMS = {"training": 0, "validation": 1}
"""They keep the random numbers of both apart."""


class PatchSampler(Protocol):
    """An endless row of batches."""

    def batch(self, step: int, numbers: "Sequence[int]") -> "Batch":
        """Return some patches of a step's batch, by their numbers in it."""
        ...


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
        "w2s_cli.training.real_esrgan_degradation:opened",
        "sharp images, degraded twice",
        "Wang et al. 2021, Real-ESRGAN",
    ),
    Entry(
        "self-supervised",
        "w2s_cli.training.self_supervised.noisy_patches:open_noisy",
        "noisy images, parts of which are hidden",
    ),
)


def open_sampler(recipe: "Recipe", part: Part) -> PatchSampler:
    """Return what the training, or the validation, of a recipe draws from."""
    opened: PatchSampler = EXAMPLES[recipe.examples].load()(recipe, part)
    return opened
