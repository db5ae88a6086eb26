"""The trainer: all that changes in a training, and its checkpoint."""

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
from w2s_cli.io.atomic_files import replacing
from w2s_cli.networks.unet import ConditionalUNet
from w2s_cli.training.distributed import Distributed
from w2s_cli.training.initial_network import initial_network
from w2s_cli.training.losses import LOSSES
from w2s_cli.training.optimisation import (
    DiscriminatorTrainer,
    NetworkOptimiser,
    rate_share,
)
from w2s_cli.training.progress import Sample
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch

FREE = frozenset(
    [
        *("summary", "paper", "deviates", "licence", "trained_on"),
        *("steps", "patience", "validate_every"),
    ]
)
"""The keys of a recipe that may change before a training is resumed."""
_ELSEWHERE = "give another folder with runs=FOLDER, or delete that one"


def save_checkpoint(content: dict[str, Any], path: Path) -> None:
    """Write a checkpoint; the file appears when it is whole."""
    with replacing(path) as temporary:
        torch.save(content, temporary)


def load_checkpoint(path: Path, recipe: Recipe, device: str) -> dict[str, Any]:
    """Return the content of a checkpoint.

    Raises InputError when it is of another recipe, has more steps, or is broken.
    """
    content = _content(path, device)
    found = content["recipe"]
    wanted = recipe.as_dict()
    found = {**Recipe("").as_dict(), **found}  # an old one knows fewer keys
    for key in sorted(wanted.keys() - FREE):
        if found[key] != wanted[key]:
            where, was, wants = _difference(key, found[key], wanted[key])
            raise InputError(
                f"{path} is of a training with {where} = {was}, not {wants}",
                hint=_ELSEWHERE,
            )
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
    """Gray images in, clean ones out: one, or all intermediate outputs of the network.

    A network that is told of noise and blur takes their planes with the image, and
    gives all of its outputs.

    A network for colours gets the same image in each, and the mean of what it gives is
    taken; one that predicts the noise has it subtracted.

    - `network`: one of `w2s_cli.networks.rebuild.Network`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map (N, 1, Y, X) to a list of (N, 1, Y * scale, X * scale), in float32.

        The last is the output of the network; there are others in training where it has
        an `every_step`.
        """
        network: Any = self.network
        image = image.expand(-1, network.channels, -1, -1)
        intermediate = self.training and hasattr(network, "every_step")
        outputs = network.every_step(image) if intermediate else [network(image)]
        if network.predicts == "noise":
            outputs = [image - noise for noise in outputs]
        if isinstance(network, ConditionalUNet):
            return [one.float() for one in outputs]
        return [one.float().mean(1, keepdim=True) for one in outputs]


DISCRIMINATOR = "discriminator"  # the name of its loss, which is no part of the other
_SHOWN = 4  # patches of a sheet of samples
_DARK_BRIGHT = (0.005, 0.995)  # quantiles that are black and white in it


class Trainer:
    """A network in training, its moving average, its discriminator, the best weights.

    `recipe` is that of one phase; `distributed` the processes that share the training.
    """

    def __init__(self, recipe: Recipe, distributed: Distributed) -> None:
        device = distributed.device
        self._recipe, self._device = recipe, device
        network = initial_network(recipe)
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._model = GrayNetwork(network).train()
        self._parallel = distributed.parallel(self._model)
        self._average = deepcopy(self._model).eval()
        self._optimiser = NetworkOptimiser(network, recipe.optimiser)
        self._losses = {
            name: (weight, LOSSES[name].load()(recipe, device))
            for name, weight in recipe.loss.items()
        }
        self._discriminator = (
            DiscriminatorTrainer(recipe, distributed)
            if recipe.discriminator.network
            else None
        )
        self.step, self.rate = 0, 0.0
        self._best = float("inf")
        self._best_step = 0
        self._best_state: dict[str, Tensor] = {}

    def train_step(self, batch: Batch, real: Batch) -> dict[str, float]:
        """Take one step; return the terms of its loss.

        The discriminator takes the truths of `real` for its real images. Raises
        UsageError when the loss is not finite.
        """
        rate = rate_share(self._recipe.schedule, self.step, self._recipe.steps)
        outputs, discriminator = self._run(self._parallel, batch), self._discriminator
        terms = self._terms(outputs, batch)
        if discriminator:
            terms["adversarial"] = discriminator.loss(outputs[-1], batch, real)
        values = {name: term.item() for name, term in terms.items()}
        self._check_finite(values)
        self._optimiser.take_step(torch.stack([*terms.values()]).sum(), rate)
        if discriminator:
            loss = discriminator.train_step(outputs[-1], batch, real, rate)
            values[DISCRIMINATOR] = loss
            self._check_finite(values)
        self.step += 1
        self.rate = rate * self._recipe.optimiser.rate
        self._update_average()
        return values

    def validate(self, batches: Sequence[Batch]) -> float:
        """Return the mean loss of the averaged network, and keep the best weights.

        The discriminator's is no part of it, for the discriminator changes as well.
        """
        with torch.inference_mode():
            losses = [
                sum(self._terms(self._run(self._average, batch), batch).values())
                for batch in batches
            ]
        mean = float(sum(losses)) / len(losses)
        if mean < self._best:
            self._best, self._best_step = mean, self.step
            if self._recipe.patience or self._recipe.keep == "best":
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
    def should_stop(self) -> bool:
        """Return whether the validation has been no better for too long."""
        patience = self._recipe.patience
        return bool(patience) and self.step - self._best_step >= patience

    def weights(self) -> dict[str, Tensor]:
        """Return the best weights where they are to be kept, else the last."""
        return self._best_state or self._average.network.state_dict()

    def save(self, path: Path) -> None:
        """Write a checkpoint; the file appears when it is whole.

        Raises UsageError when weights are not finite; the last checkpoint stays.
        """
        for name, weight in self._model.network.state_dict().items():
            if not weight.isfinite().all():
                raise self._diverged(f"weights {name!r} of the network are not finite")
        content = {
            "recipe": self._recipe.as_dict(),
            "step": self.step,
            "network": self._model.network.state_dict(),
            "average": self._average.network.state_dict(),
            "steps": self._optimiser.state(),
            "discriminator": self._discriminator.state() if self._discriminator else {},
            "best": (self._best, self._best_step, self._best_state),
        }
        save_checkpoint(content, path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint, if there is one; errors are `load_checkpoint`'s."""
        if not path.is_file():
            return
        content = load_checkpoint(path, self._recipe, self._device)
        self.step = content["step"]
        self._model.network.load_state_dict(content["network"])
        self._average.network.load_state_dict(content["average"])
        self._optimiser.resume(content["steps"])
        if self._discriminator:
            self._discriminator.resume(content["discriminator"])
        self._best, self._best_step, self._best_state = content["best"]

    def _run(self, model: Any, batch: Batch) -> list[Tensor]:
        bf16 = self._recipe.precision == "bf16"
        kind = torch.device(self._device).type
        with torch.autocast(kind, torch.bfloat16, enabled=bf16):
            outputs: list[Tensor] = model(batch.image)
        return outputs

    def _terms(self, outputs: Sequence[Tensor], batch: Batch) -> dict[str, Tensor]:
        """Return each weighted loss, summed over all outputs of the network."""
        return {
            name: torch.stack([weight * loss(one, batch) for one in outputs]).sum()
            for name, (weight, loss) in self._losses.items()
        }

    def _check_finite(self, terms: Mapping[str, float]) -> None:
        for name, value in terms.items():
            if not isfinite(value):
                raise self._diverged(f"the loss {name!r} is {value}")

    def _diverged(self, what: str) -> UsageError:
        rate = self._recipe.optimiser.rate
        return UsageError(
            f"after {self.step} steps of {self._recipe.name}, {what}; checkpoints "
            "written before stay as they are",
            hint=f"set optimiser.rate below {rate:g}, or optimiser.clip=1, and begin "
            "anew with runs=FOLDER",
        )

    def _update_average(self) -> None:
        """Update the moving average; a young one forgets its start sooner."""
        memory = min(self._recipe.average, self.step / (self.step + 10))
        pairs = zip(
            self._average.state_dict().values(),
            self._model.state_dict().values(),
            strict=True,
        )
        for mean, latest in pairs:
            if mean.is_floating_point():
                mean.lerp_(latest, 1 - memory)
            else:
                mean.copy_(latest)
