"""The training, from the first step to weights that `w2s restore` takes.

Read it top to bottom: `train` goes through the phases, `_train_phase` is the loop.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias

import torch

from w2s_cli.io.targets import make_folder
from w2s_cli.training.distributed import Distributed, join_processes
from w2s_cli.training.patches import Part, PatchSampler, open_sampler
from w2s_cli.training.progress import (
    LossLog,
    ProgressCallback,
    Sample,
    TrainingProgress,
)
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.trainer import DISCRIMINATOR, Trainer
from w2s_cli.training.training_batch import Batch
from w2s_cli.weights import checkpoint

SAVE_EVERY = 30.0  # seconds: what a crash may cost, and a step


SamplerFactory: TypeAlias = Callable[[Recipe, Part], PatchSampler]


def train(
    recipe: Recipe,
    progress: ProgressCallback = lambda _: None,
    sampler: SamplerFactory = open_sampler,
) -> Path:
    """Train all phases of a recipe, from the last checkpoint if there is one.

    - `recipe`: what to train.
    - `progress`: called after each step, in the first of several processes.
    - `sampler`: opens the patches of the training, and of the validation.

    Returns the weights, in safetensors. Raises W2SError when the recipe, its data or
    its weights don't fit.
    """
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    with join_processes(recipe.device) as distributed:
        start = recipe.start
        for phase in recipe.parts:
            part = replace(phase, start=start or phase.start)
            start = str(_train_phase(part, distributed, progress, sampler))
    last = Path(start)
    if not recipe.phases:
        return last
    found = checkpoint.load(last, as_stored=True)
    path = recipe.folder / f"{recipe.name}.safetensors"
    checkpoint.save(path, found.state, _record(recipe), halve=False)
    return path


def _train_phase(
    recipe: Recipe,
    distributed: Distributed,
    progress: ProgressCallback,
    sampler: SamplerFactory,
) -> Path:
    """Train one phase to its end."""
    trainer, log = Trainer(recipe, distributed), LossLog(recipe.folder / "log.csv")
    trainer.resume(checkpoint_path := recipe.folder / "checkpoint.pt")
    if distributed.first:
        log.truncate(trainer.step)
    validation = _validation_batches(sampler, recipe, distributed)
    make_folder(recipe.folder, hint="name another with runs=FOLDER")
    saved = monotonic()
    for batch, real in _batches(sampler, recipe, distributed, trainer.step):
        terms = trainer.train_step(batch, real)
        now = _progress(recipe, trainer, terms, validation)
        if distributed.first:
            log.add(now)
            progress(now)
        stop = bool(recipe.patience) and distributed.decided_by_first(
            trainer.should_stop
        )
        done = stop or trainer.step == recipe.steps
        if distributed.first and (done or monotonic() - saved > SAVE_EVERY):
            trainer.save(checkpoint_path)
            saved = monotonic()
        if done:
            break
    path = recipe.folder / f"{recipe.folder.name}.safetensors"
    if distributed.first:
        halve = recipe.units == "root"
        checkpoint.save(path, trainer.weights(), _record(recipe), halve=halve)
    return path


def _progress(
    recipe: Recipe,
    trainer: Trainer,
    terms: dict[str, float],
    batches: Sequence[Batch],
) -> TrainingProgress:
    """Return where the training stands, validated on batches when it is time for it."""
    validation: float | None = None
    samples: tuple[Sample, ...] = ()
    step, last = trainer.step, recipe.steps
    if batches and (step == last or step % recipe.validate_every == 0):
        validation = trainer.validate(batches)
        samples = trainer.samples(batches[0])
    return TrainingProgress(
        step=step,
        steps=last,
        loss=sum(terms.values()) - terms.get(DISCRIMINATOR, 0.0),
        validation=validation,
        rate=trainer.rate,
        terms=terms,
        folder=recipe.folder,
        samples=samples,
    )


def _batches(
    sampler: SamplerFactory, recipe: Recipe, distributed: Distributed, start: int
) -> Iterator[tuple[Batch, Batch]]:
    """Yield the batch of every step from `start`, the next one always under way.

    Beside it, the batch whose truths a discriminator takes for real: the same, or one
    of a step that never comes.
    """
    patches = sampler(recipe, "training")
    numbers = distributed.share(recipe.patches.batch)

    def draw(step: int) -> tuple[Batch, Batch]:
        batch = patches.batch(step, numbers)
        if not recipe.discriminator.unpaired:
            return batch, batch
        return batch, patches.batch(recipe.steps + step, numbers)

    with ThreadPoolExecutor(1) as worker:
        ahead: Future[tuple[Batch, Batch]] = worker.submit(draw, start)
        for step in range(start, recipe.steps):
            batch, real = ahead.result()
            if step + 1 < recipe.steps:
                ahead = worker.submit(draw, step + 1)
            yield batch.to(distributed.device), real.to(distributed.device)


def _validation_batches(
    sampler: SamplerFactory, recipe: Recipe, distributed: Distributed
) -> list[Batch]:
    """Return the fixed batches of the validation, which the first process does."""
    if not distributed.first:
        return []
    patches = sampler(recipe, "validation")
    numbers = range(recipe.patches.batch)
    return [
        patches.batch(step, numbers).to(distributed.device)
        for step in range(recipe.validation_batches)
    ]


def _record(recipe: Recipe) -> dict[str, Any]:
    if recipe.units != "root":
        return recipe.record(units=recipe.units)
    return recipe.record(
        expects="counts under the generalised Anscombe transform",
        gives="the truth under the same transform",
        trained_on=recipe.trained_range,
    )
