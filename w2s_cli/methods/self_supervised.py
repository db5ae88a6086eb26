"""What the methods that are fitted to the noisy images themselves share."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from torch import nn

from w2s_cli import __version__
from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError, WeightsError
from w2s_cli.methods.published_network import UserNetwork
from w2s_cli.methods.shipped import Denoise, Shipped
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.networks.inference import available_device, fastest
from w2s_cli.networks.rebuild import recognise
from w2s_cli.restorers.orientations import mean_over_orientations
from w2s_cli.restorers.restorer import FitProgress, Fitting, Series, Traits
from w2s_cli.restorers.units import Units, excess
from w2s_cli.training.initial_network import initial_network
from w2s_cli.training.kept_weights import trained_once
from w2s_cli.training.loop import train
from w2s_cli.training.patches import Part
from w2s_cli.training.patches.noisy_patches import NoisyPatchSampler, fit_patch_side
from w2s_cli.training.progress import fit_progress
from w2s_cli.training.recipe import Recipe, load
from w2s_cli.training.recipe_tables import Masking, masking_of_record
from w2s_cli.weights import checkpoint


def fit_weights(
    recipe: Recipe, series: Sequence[Series], progress: FitProgress
) -> Path:
    """Return the weights that a self-supervised recipe gives on images.

    They are cached by the pixels and the recipe. A training that was interrupted goes
    on, and one that another process is at is waited for.
    """

    def open_sampler(recipe: Recipe, part: Part) -> NoisyPatchSampler:
        return NoisyPatchSampler(recipe, part, series)

    decides = sha256(json.dumps([__version__, recipe.as_dict()]).encode())
    for one in series:
        decides.update(b"series")
        for plane in one:
            decides.update(str(plane.shape).encode())
            decides.update(np.ascontiguousarray(plane).data)

    def training(folder: Path) -> Path:
        fitting = replace(fit_patch_side(recipe, series), runs=folder)
        return train(fitting, fit_progress(progress), open_sampler)

    return trained_once(recipe.name, decides.hexdigest(), training)


Quality = Literal["fast", "default", "best"]
# Steps of training, over those of the recipe
EFFORT: dict[Quality, float] = {"fast": 0.4, "default": 1.0, "best": 3.0}
# Bytes that a step takes for each channel of the network's finest level, in fp32
_STEP = 8 << 20
# Option -> its least value, of the methods that have it
_LEAST = {
    **dict.fromkeys(("iterations", "patience", "seed"), 0),
    **dict.fromkeys(("mosaics", "rows", "columns"), 0),
    "width": 1,
}


@dataclass(frozen=True)
class SelfSupervised:
    """A method that is fitted to the noisy images themselves."""

    weights: Path | None = None  # of a method that is fitted; None before
    # As for the networks that ship
    device: str = "auto"
    precision: str = "auto"
    quality: Annotated[
        Quality,
        "how long to learn: fast takes 0.4 of the steps, best 3 times as many, and "
        "then restores each tile laid in 8 ways",
    ] = "default"
    iterations: Annotated[int, "steps to learn; 0 for what quality says"] = 0
    patience: Annotated[
        int,
        "stop after so many steps no better on what is held out; 0 for never",
    ] = 600
    width: Annotated[int, "channels of the network's finest level"] = 16
    seed: Annotated[int, "of the weights to begin with, and of what is hidden"] = 0
    # What is taken from stabilised counts: see `restorers.units.excess`
    lowered: float = 0.0

    name: ClassVar[str]
    network: ClassVar[type[Shipped]] = Denoise

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name, None)
            if value is not None and value < least:
                raise UsageError(
                    f"option {name} must be {least} or more, found {value}",
                    hint=f"`w2s methods {self.name}` says what it is for",
                )

    @property
    def recipe(self) -> Recipe:
        """Return what is trained; `w2s_cli.training.recipes` has the rest of it."""
        recipe = _recipe(self.name, tuple(self._settings()))
        steps = self.iterations or round(recipe.steps * EFFORT[self.quality])
        often = min(recipe.validate_every, steps, self.patience or steps)
        recipe = replace(recipe, steps=steps, validate_every=often, device=self.device)
        fast = fastest(available_device(self.device)) == "bf16"
        return recipe if fast else replace(recipe, precision="fp32")

    def _settings(self) -> list[str]:
        return [
            f"network.options.width={self.width}",
            f"patience={self.patience}",
            f"seed={self.seed}",
        ]

    @property
    def traits(self) -> Traits:
        """Return the traits, before the fit as well as after."""
        if isinstance(known := self.weights and self.at_work, UserNetwork):
            return replace(known.traits, scale=1)
        network: Any = (
            self.at_work.running.network
            if self.weights
            else _initial_network(self.name, tuple(self._settings()))
        )
        return Traits(
            margin=network.margin,
            multiple_of=network.multiple_of,
            expects=Units.ROOT,
            knows_noise=True,
            fit=Fitting(
                0 if self.weights else self.recipe.steps,
                0 if self.weights else _STEP * self.width,
                self.needs_white_noise,
            ),
            provenance=self.at_work.provenance if self.weights else {},
            device=available_device(self.device),
        )

    @property
    def needs_white_noise(self) -> bool:
        """Return whether it takes noise that neighbours share for structure."""
        return True

    @property
    def one_pass(self) -> bool:
        """Return whether a restoration is what the network makes of all the pixels."""
        return False

    @property
    def masking(self) -> Masking:
        """Return what is hidden in training, or was in that of the weights."""
        return _masking_of(self.weights) if self.weights else self.recipe.masking

    def fitted(
        self, series: Callable[[], Sequence[Series]], progress: FitProgress
    ) -> Self:
        """Return the method, fitted to planes in stabilised counts; only once."""
        if self.weights:
            return self
        return replace(self, weights=fit_weights(self.recipe, series(), progress))

    @property
    def at_work(self) -> Shipped | UserNetwork:
        """Return the network that was fitted; one in units of its own for others."""
        assert self.weights, f"{self.name} is not fitted yet"
        if other := _in_own_units(self.weights, self.device, self.precision):
            scale, wanted = other.traits.scale, self.network.scale
            if scale != wanted:
                raise WeightsError(
                    f"{self.weights} enlarges x{scale}, but the networks of "
                    f"{self.name} enlarge x{wanted}",
                    hint="leave out --method: the weights say which they were "
                    "trained for",
                )
            return other
        ways: Literal[1, 8] = 8 if self.quality == "best" else 1
        return self.network(self.weights, self.device, self.precision, ways)

    def with_noise(self, noise: NoiseModel) -> Self:
        """Return the restorer for images with this noise."""
        return replace(self, lowered=excess(noise))

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the restored planes."""
        lowered = np.float32(self.lowered)
        output = self._restored(blocks - lowered)
        if not lowered:
            return output
        # The network gives roots of the mean of squares of noisy values: the square of
        # their mean, and 1 for the variance of the noise. What is under it is raised.
        mean = np.sqrt(np.maximum(output**2 - 1, 0)) + lowered
        return np.asarray(np.sqrt(mean**2 + 1), np.float32)

    def _restored(self, blocks: FloatArray) -> FloatArray:
        network = self.at_work
        if isinstance(network, UserNetwork) and self.quality == "best":
            return mean_over_orientations(network, blocks)
        return network(blocks)


_recipe = lru_cache(maxsize=8)(load)


@lru_cache(maxsize=8)
def _initial_network(name: str, settings: tuple[str, ...]) -> nn.Module:
    return initial_network(_recipe(name, settings))


@lru_cache(maxsize=8)
def _in_own_units(weights: Path, device: str, precision: str) -> UserNetwork | None:
    """Return the network of weights that don't take roots; None for those that do."""
    found = checkpoint.load(weights)
    row = recognise(found.state)
    if row is None or "units" not in found.record:
        return None
    return UserNetwork(
        name=row.name, device=device, precision=precision, weights=weights
    )


@lru_cache(maxsize=8)
def _masking_of(weights: Path) -> Masking:
    """Return the masking that weights were trained with."""
    recipe = checkpoint.load(weights).record.get("recipe", {})
    return masking_of_record(recipe) or Masking()
