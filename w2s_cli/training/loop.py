"""The training, from the first step to weights that `w2s restore` takes.

Read it top to bottom: `train` goes through the phases, `_trained` is the loop.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias

import torch

from w2s_cli import __version__
from w2s_cli.training.distributed import Distributed, join_processes
from w2s_cli.training.patches import Part, PatchSampler, open_sampler
from w2s_cli.training.progress import (
    LossLog,
    ProgressCallback,
    Sample,
    TrainingProgress,
    make_folder,
)
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.trainer import DISCRIMINATOR, Trainer
from w2s_cli.training.training_batch import Batch
from w2s_cli.weights import checkpoint

SAVE_EVERY = 30.0  # seconds: what a crash may cost, and a step


SamplerFactory: TypeAlias = Callable[[Recipe, Part], PatchSampler]


def train(
    recipe: Recipe,
    on_step: ProgressCallback = lambda _: None,
    source: SamplerFactory = open_sampler,
) -> Path:
    """Train all phases of a recipe, from the last checkpoint if there is one.

    Parameters
    ----------
    recipe
        What to train.
    on_step
        Called after each step, in the first of several processes.
    source
        Opens what the training, or the validation, draws from.

    Returns
    -------
    Path
        The weights, in safetensors.

    Raises
    ------
    W2SError
        When the recipe, its data or its weights don't fit.
    """
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    with join_processes(recipe.device) as world:
        start = recipe.start
        for phase in recipe.parts:
            part = replace(phase, start=start or phase.start)
            start = str(_train_phase(part, world, on_step, source))
    last = Path(start)
    return last if not recipe.phases else _copy_last_weights(recipe, last)


def _train_phase(
    recipe: Recipe,
    world: Distributed,
    on_step: ProgressCallback,
    source: SamplerFactory,
) -> Path:
    """Train one phase to its end."""
    learner, log = Trainer(recipe, world), LossLog(recipe.folder / "log.csv")
    learner.resume(kept := recipe.folder / "checkpoint.pt")
    if world.first:
        log.cut(learner.step)
    held_out = _validation_batches(source, recipe, world)
    make_folder(recipe.folder)
    saved = monotonic()
    for batch, other in _batches(source, recipe, world, learner.step):
        terms = learner.learn(batch, other)
        progress = _progress(recipe, learner, terms, held_out)
        if world.first:
            log.add(progress)
            on_step(progress)
        weary = bool(recipe.patience) and world.agreed(learner.weary)
        done = weary or learner.step == recipe.steps
        if world.first and (done or monotonic() - saved > SAVE_EVERY):
            learner.save(kept)
            saved = monotonic()
        if done:
            break
    path = recipe.folder / f"{recipe.folder.name}.safetensors"
    if world.first:
        foreign = recipe.units != "root"
        checkpoint.save(path, learner.weights(), _record(recipe), halve=not foreign)
    return path


def _progress(
    recipe: Recipe, learner: Trainer, terms: dict[str, float], held_out: Sequence[Batch]
) -> TrainingProgress:
    """Return where the training stands, validated when it is time for it."""
    validation: float | None = None
    samples: tuple[Sample, ...] = ()
    if held_out and (
        learner.step == recipe.steps or learner.step % recipe.validate_every == 0
    ):
        validation = learner.validate(held_out)
        samples = learner.samples(held_out[0])
    return TrainingProgress(
        step=learner.step,
        steps=recipe.steps,
        loss=sum(terms.values()) - terms.get(DISCRIMINATOR, 0.0),
        validation=validation,
        rate=learner.rate,
        terms=terms,
        folder=recipe.folder,
        samples=samples,
    )


def _batches(
    source: SamplerFactory, recipe: Recipe, world: Distributed, start: int
) -> Iterator[tuple[Batch, Batch]]:
    """Yield the batch of every step from `start`, the next one always under way.

    Beside it, the batch whose truths an adversary takes for real: the same, or one of a
    step that never comes.
    """
    drawn_from, numbers = source(recipe, "training"), world.share(recipe.patches.batch)

    def drawn(step: int) -> tuple[Batch, Batch]:
        batch = drawn_from.batch(step, numbers)
        if not recipe.discriminator.unpaired:
            return batch, batch
        return batch, drawn_from.batch(recipe.steps + step, numbers)

    with ThreadPoolExecutor(1) as worker:
        ahead: Future[tuple[Batch, Batch]] = worker.submit(drawn, start)
        for step in range(start, recipe.steps):
            batch, other = ahead.result()
            if step + 1 < recipe.steps:
                ahead = worker.submit(drawn, step + 1)
            yield batch.to(world.device), other.to(world.device)


def _validation_batches(
    source: SamplerFactory, recipe: Recipe, world: Distributed
) -> list[Batch]:
    """Return the fixed batches of the validation range; the first process judges."""
    if not world.first:
        return []
    drawn_from = source(recipe, "validation")
    numbers = range(recipe.patches.batch)
    return [
        drawn_from.batch(step, numbers).to(world.device)
        for step in range(recipe.validation_batches)
    ]


def _copy_last_weights(recipe: Recipe, last: Path) -> Path:
    """Copy the weights of the last phase to where those of the whole belong."""
    found = checkpoint.load(last, as_stored=True)
    path = recipe.folder / f"{recipe.name}.safetensors"
    checkpoint.save(path, found.state, _record(recipe), halve=False)
    return path


def _record(recipe: Recipe) -> dict[str, Any]:
    expects: dict[str, Any] = {
        "expects": "counts under the generalised Anscombe transform",
        "gives": "the truth under the same transform",
        "seen": recipe.trained_range,
    }
    return {
        "name": recipe.name,
        "summary": recipe.summary,
        "licence": recipe.licence,
        **(expects if recipe.units == "root" else {"units": recipe.units}),
        "recipe": recipe.as_dict(),
        "trained by": f"w2s {__version__}",
    }
