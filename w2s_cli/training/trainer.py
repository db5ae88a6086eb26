"""The checkpoint of a training, and whether a recipe may go on from it."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from math import isfinite
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import is_zipfile

import torch
from torch import Tensor, nn

from w2s_cli.errors import InputError, UsageError
from w2s_cli.networks.conditional_unet import ConditionalUNet
from w2s_cli.training.discriminator_training import DiscriminatorTrainer
from w2s_cli.training.distributed import Distributed
from w2s_cli.training.initial_network import initial_network
from w2s_cli.training.losses import LOSSES
from w2s_cli.training.optimisation import NetworkOptimiser, rate_share
from w2s_cli.training.progress import Sample
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch

FREE = frozenset(
    [
        *("summary", "paper", "deviates", "licence", "seen"),
        *("steps", "patience", "validate_every"),
    ]
)
"""What of a recipe may change between a checkpoint and going on from it."""
_ELSEWHERE = "give another folder with runs=FOLDER, or delete that one"


def save_checkpoint(content: dict[str, Any], path: Path) -> None:
    """Write a checkpoint; the file appears when it is whole."""
    partial = path.with_suffix(".part")
    torch.save(content, partial)
    partial.replace(path)


def load_checkpoint(path: Path, recipe: Recipe, device: str) -> dict[str, Any]:
    """Return what a checkpoint holds.

    Raises
    ------
    InputError
        When it is of another recipe, has taken more steps already, or is broken.
    """
    content = _content(path, device)
    _check_same(content["recipe"], recipe.as_dict(), path)
    if content["step"] > recipe.steps:
        raise InputError(
            f"{path} has taken {content['step']} steps already, more than "
            f"steps={recipe.steps}",
            hint=_ELSEWHERE,
        )
    return content


def _content(path: Path, device: str) -> dict[str, Any]:
    try:
        # of what is no zip, torch may say anything at all
        found = is_zipfile(path) and torch.load(
            path, weights_only=True, map_location=device
        )
    except (RuntimeError, UnpicklingError, EOFError):
        found = None
    if not isinstance(found, dict) or not {"recipe", "step"} <= found.keys():
        raise InputError(f"{path} is no checkpoint that can be read", hint=_ELSEWHERE)
    return found


def _check_same(found: Any, wanted: dict[str, Any], path: Path) -> None:
    """Refuse to mix two trainings: what decides about the steps must be the same."""
    for key in sorted(wanted.keys() - FREE):
        if found.get(key) != wanted[key]:
            where, was, wants = _difference(key, found.get(key), wanted[key])
            raise InputError(
                f"{path} is of a training with {where} = {was}, not {wants}",
                hint=_ELSEWHERE,
            )


def _difference(key: str, found: Any, wanted: Any) -> tuple[str, Any, Any]:
    """Return the dotted key of the first setting that differs, and both values."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for inner in sorted(found.keys() | wanted.keys()):
            if found.get(inner) != wanted.get(inner):
                return _difference(
                    f"{key}.{inner}", found.get(inner), wanted.get(inner)
                )
    return key, found, wanted


class GrayNetwork(nn.Module):
    """Gray images in, clean ones out: one, or all that the network gives on its way.

    A network that is told of noise and blur takes their planes with the image, and
    gives all of its outputs.

    A network for colours gets the same image in each, and the mean of what it gives is
    taken; one that predicts the noise has it subtracted.

    Parameters
    ----------
    network
        One of `w2s_cli.networks.rebuild.Network`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map (N, 1, Y, X) to a list of (N, 1, Y * scale, X * scale), in float32.

        The last is what the network gives at work; there are others while it trains
        where it has an `every_step`.
        """
        network: Any = self.network
        seen = image.expand(-1, network.channels, -1, -1)
        on_its_way = self.training and hasattr(network, "every_step")
        made = network.every_step(seen) if on_its_way else [network(seen)]
        if network.predicts == "noise":
            made = [seen - noise for noise in made]
        if isinstance(network, ConditionalUNet):
            return [one.float() for one in made]
        return [one.float().mean(1, keepdim=True) for one in made]


DISCRIMINATOR = "discriminator"  # the name of its loss, which is no part of the other
_SHOWN = 4  # patches of a sheet of samples
_DARK_BRIGHT = (0.005, 0.995)  # quantiles that are black and white in it


class Trainer:
    """A network, its moving average, its adversary, and how well it did best.

    Parameters
    ----------
    recipe
        Of one phase.
    world
        The processes that share the training.
    """

    def __init__(self, recipe: Recipe, world: Distributed) -> None:
        self._recipe, self._device = recipe, world.device
        network = initial_network(recipe)
        network.to(world.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._answer = GrayNetwork(network).train()
        self._shared = world.shared(self._answer)
        self._average = deepcopy(self._answer).eval()
        self._steps = NetworkOptimiser(network, recipe.optimiser)
        self._losses = {
            name: (weight, LOSSES[name].load()(recipe, world.device))
            for name, weight in recipe.loss.items()
        }
        hostile = recipe.discriminator.network
        self._adversary = DiscriminatorTrainer(recipe, world) if hostile else None
        self.step, self.rate = 0, 0.0
        self._best = float("inf")
        self._best_step = 0
        self._best_state: dict[str, Tensor] = {}

    def learn(self, batch: Batch, other: Batch) -> dict[str, float]:
        """Take one step; return the parts of its loss.

        Parameters
        ----------
        batch
            What to learn from.
        other
            Where the adversary takes its real images from.

        Raises
        ------
        UsageError
            When the loss is no number any more.
        """
        rate = rate_share(self._recipe.schedule, self.step, self._recipe.steps)
        outputs, against = self._run(self._shared, batch), self._adversary
        terms = self._terms(outputs, batch)
        if against:
            terms["adversarial"] = against.loss(outputs[-1], batch, other)
        found = {name: term.item() for name, term in terms.items()}
        self._check_finite(found)
        self._steps.take(torch.stack([*terms.values()]).sum(), rate)
        if against:
            found[DISCRIMINATOR] = against.learn(outputs[-1], batch, other, rate)
            self._check_finite(found)
        self.step += 1
        self.rate = rate * self._recipe.optimiser.rate
        self._follow()
        return found

    def validate(self, batches: Sequence[Batch]) -> float:
        """Return the mean loss of the averaged network, and remember the best.

        What an adversary would say is not part of it: it learns as well.
        """
        with torch.inference_mode():
            losses = [
                sum(self._terms(self._run(self._average, batch), batch).values())
                for batch in batches
            ]
        mean = float(sum(losses)) / len(losses)
        if mean < self._best:
            self._best, self._best_step = mean, self.step
            if self._recipe.patience:
                self._best_state = deepcopy(self._average.network.state_dict())
        return mean

    def samples(self, batch: Batch) -> tuple[Sample, ...]:
        """Return pictures of some inputs, outputs and truths.

        The darkest parts of each truth are 0 and the brightest 1, in all three.
        """
        with torch.inference_mode():
            output, truth = self._run(self._average, batch)[-1], batch.real
            ends = torch.tensor(_DARK_BRIGHT, device=truth.device)
            low, high = truth.flatten(1).quantile(ends, dim=1)[..., None, None, None]
            span = (high - low).clamp(min=1e-6)
            planes = [
                ((one.float() - low) / span)[:_SHOWN, 0].cpu().numpy()
                for one in (batch.image, output, truth)
            ]
        return tuple(zip(*planes, strict=True))

    @property
    def weary(self) -> bool:
        """Return whether the validation has been no better for too long."""
        patience = self._recipe.patience
        return bool(patience) and self.step - self._best_step >= patience

    def weights(self) -> dict[str, Tensor]:
        """Return the weights that the training gives: the best, or else the last."""
        return self._best_state or self._average.network.state_dict()

    def save(self, path: Path) -> None:
        """Write a checkpoint; the file appears when it is whole.

        Raises
        ------
        UsageError
            When weights are no numbers any more; the last checkpoint stays.
        """
        self._check_weights()
        content = {
            "recipe": self._recipe.as_dict(),
            "step": self.step,
            "network": self._answer.network.state_dict(),
            "average": self._average.network.state_dict(),
            "steps": self._steps.state(),
            "adversary": self._adversary.state() if self._adversary else {},
            "best": (self._best, self._best_step, self._best_state),
        }
        save_checkpoint(content, path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint, if there is one.

        Raises
        ------
        InputError
            When it is of another recipe, has taken more steps already, or is broken.
        """
        if not path.is_file():
            return
        content = load_checkpoint(path, self._recipe, self._device)
        self.step = content["step"]
        self._answer.network.load_state_dict(content["network"])
        self._average.network.load_state_dict(content["average"])
        self._steps.resume(content["steps"])
        if self._adversary:
            self._adversary.resume(content["adversary"])
        self._best, self._best_step, self._best_state = content["best"]

    def _run(self, answer: Any, batch: Batch) -> list[Tensor]:
        bf16 = self._recipe.precision == "bf16"
        kind = torch.device(self._device).type
        with torch.autocast(kind, torch.bfloat16, enabled=bf16):
            outputs: list[Tensor] = answer(batch.image)
        return outputs

    def _terms(self, outputs: Sequence[Tensor], batch: Batch) -> dict[str, Tensor]:
        """Return each weighed loss, summed over all that the network gave."""
        return {
            name: torch.stack([weight * loss(one, batch) for one in outputs]).sum()
            for name, (weight, loss) in self._losses.items()
        }

    def _check_finite(self, terms: Mapping[str, float]) -> None:
        for name, value in terms.items():
            if not isfinite(value):
                raise self._diverged(f"the loss {name!r} is {value}")

    def _check_weights(self) -> None:
        for name, weight in self._answer.network.state_dict().items():
            if not weight.isfinite().all():
                raise self._diverged(f"weights {name!r} of the network are not finite")

    def _diverged(self, what: str) -> UsageError:
        rate = self._recipe.optimiser.rate
        return UsageError(
            f"after {self.step} steps of {self._recipe.name}, {what}; checkpoints "
            "written before stay as they are",
            hint=f"set optimiser.rate below {rate:g}, or optimiser.clip=1, and begin "
            "anew with runs=FOLDER",
        )

    def _follow(self) -> None:
        """Let the moving average follow; a young one forgets its start sooner."""
        memory = min(self._recipe.average, self.step / (self.step + 10))
        pairs = zip(
            self._average.state_dict().values(),
            self._answer.state_dict().values(),
            strict=True,
        )
        for mean, latest in pairs:
            if mean.is_floating_point():
                mean.lerp_(latest, 1 - memory)
            else:
                mean.copy_(latest)
