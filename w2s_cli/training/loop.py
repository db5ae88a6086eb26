"""The training, from the first step to weights that `w2s restore` takes.

Read it top to bottom: `train` is the loop, the rest is what it remembers and writes.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, replace
from math import cos, pi
from pathlib import Path

import torch

from w2s_cli import __version__
from w2s_cli.assets import checkpoint
from w2s_cli.networks.unet import UNet
from w2s_cli.training.loss import Batch, loss_of
from w2s_cli.training.patches import Pool
from w2s_cli.training.progress import Progress
from w2s_cli.training.recipe import Recipe

WARM_UP = 100  # steps until the learning rate is at its peak
_TRAINING, _VALIDATION = 0, 1  # keep the two streams of random numbers apart
_VALIDATION_BATCHES = 16


def train(recipe: Recipe, on_step: Callable[[Progress], None] = lambda _: None) -> Path:
    """Train a recipe to its last step, from its last checkpoint if there is one.

    Parameters
    ----------
    recipe
        What to train.
    on_step
        Called after each step.

    Returns
    -------
    Path
        The weights: the moving average of the network, in safetensors.
    """
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    folder = recipe.runs / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    state = _State.start(recipe)
    state.resume(folder / "checkpoint.pt")
    pool = Pool.of(recipe, recipe.train_fields, seed=_TRAINING)
    held_out = _held_out(recipe)
    for step, batch in _batches(recipe, pool, state.step):
        loss = state.learn(batch, _rate(recipe, step))
        done = step + 1 == recipe.steps
        validation = None
        if done or state.step % recipe.validate_every == 0:
            validation = state.validate(held_out)
        progress = Progress(state.step, loss, validation)
        progress.log(folder / "log.csv")
        if done or state.step % recipe.save_every == 0:
            state.save(folder / "checkpoint.pt")
        on_step(progress)
    return _finish(recipe, state, folder / f"{recipe.name}.safetensors")


@dataclass
class _State:
    """All that changes while a network learns."""

    recipe: Recipe
    network: UNet
    average: UNet
    optimiser: torch.optim.Optimizer
    step: int = 0

    @classmethod
    def start(cls, recipe: Recipe) -> "_State":
        torch.manual_seed(recipe.seed)
        network = UNet(**vars(recipe.network))
        network.to(recipe.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimiser = torch.optim.Adam(network.parameters())
        return cls(recipe, network, deepcopy(network).eval(), optimiser)

    def learn(self, batch: Batch, rate: float) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self._loss(self.network, batch)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        # A young average forgets its start sooner.
        decay = min(self.recipe.decay, self.step / (self.step + 10))
        pairs = zip(self.average.parameters(), self.network.parameters(), strict=True)
        with torch.no_grad():
            for mean, latest in pairs:
                mean.lerp_(latest, 1 - decay)
        return loss.item()

    def validate(self, batches: list[Batch]) -> float:
        with torch.inference_mode():
            losses = [self._loss(self.average, batch).item() for batch in batches]
        return sum(losses) / len(losses)

    def _loss(self, network: UNet, batch: Batch) -> torch.Tensor:
        bf16 = self.recipe.precision == "bf16"
        with torch.autocast(self.recipe.device, torch.bfloat16, enabled=bf16):
            output = network(batch.stabilised)
        return loss_of(self.recipe.loss, output, batch)

    def save(self, path: Path) -> None:
        partial = path.with_suffix(".part")
        content = {
            "recipe": self.recipe.as_dict(),
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        torch.save(content, partial)
        partial.replace(path)

    def resume(self, path: Path) -> None:
        if not path.is_file():
            return
        content = torch.load(path, weights_only=True)
        self.network.load_state_dict(content["network"])
        self.average.load_state_dict(content["average"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.step = content["step"]


def _batches(recipe: Recipe, pool: Pool, start: int) -> Iterator[tuple[int, Batch]]:
    """Yield the batch of every step from `start`, the next one always under way."""
    with ThreadPoolExecutor(1) as worker:
        ahead = worker.submit(pool.batch, _TRAINING, start)
        for step in range(start, recipe.steps):
            samples = ahead.result()
            ahead = worker.submit(pool.batch, _TRAINING, step + 1)
            yield step, Batch.of(samples, recipe.device)


def _held_out(recipe: Recipe) -> list[Batch]:
    """Return the fixed batches of the validation range."""
    few = replace(recipe, simulated_fields=max(recipe.simulated_fields // 8, 1))
    pool = Pool.of(few, recipe.validation_fields, seed=_VALIDATION)
    return [
        Batch.of(pool.batch(_VALIDATION, number), recipe.device)
        for number in range(_VALIDATION_BATCHES)
    ]


def _rate(recipe: Recipe, step: int) -> float:
    """Return the learning rate: a warm-up, then half a cosine down to zero."""
    warm = min((step + 1) / WARM_UP, 1)
    return recipe.learning_rate * warm * (1 + cos(pi * step / recipe.steps)) / 2


def _finish(recipe: Recipe, state: _State, path: Path) -> Path:
    record = {
        "name": recipe.name,
        "summary": recipe.summary,
        "licence": recipe.licence,
        "expects": "counts under the generalised Anscombe transform",
        "gives": "the truth under the same transform",
        "seen": dict(recipe.seen),
        "recipe": recipe.as_dict(),
        "trained by": f"w2s {__version__}",
    }
    checkpoint.save(path, state.average.state_dict(), record)
    return path
