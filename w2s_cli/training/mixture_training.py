"""Fit a Gaussian mixture of clean patches, for the methods that take one as a prior.

The mixture is fitted by expectation maximisation on a stream of small batches ([1]_):
every step draws new patches, and the sums that the parameters follow from are moving
averages.

The patches are those of truth at many exposures, under the square root that makes
noise uniform. So the mixture itself knows contrasts from a tenth of the noise to a
hundred times it, and a plane needs no normalisation.

References
----------
.. [1] O. Cappe and E. Moulines, "On-line expectation-maximization algorithm for latent
   data models", J. R. Stat. Soc. B 71 (2009).
"""

from dataclasses import dataclass
from math import log, pi
from pathlib import Path

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from w2s_cli.io.targets import make_folder
from w2s_cli.networks.patch_mixture import PatchMixture
from w2s_cli.training.patches import STREAMS
from w2s_cli.training.patches.degraded_truth import PhysicsSampler, Sample, open_physics
from w2s_cli.training.progress import (
    LossLog,
    ProgressCallback,
    TrainingProgress,
)
from w2s_cli.training.recipe import Recipe
from w2s_cli.weights import checkpoint

FORGETTING = 0.6  # step t counts (t + 2)^-FORGETTING; between 1/2 and 1, as [1]_ asks
NEGLIGIBLE = 1e-3  # a patch's share in a component that is left out
REGION = 16  # side, in patches, of the regions whose covariances EM starts from
_START, _PLACES = 2, 3  # keep random numbers apart from those of the examples
_CHUNK = 4096  # patches whose products fit into a processor's cache


def train(recipe: Recipe, progress: ProgressCallback = lambda _: None) -> Path:
    """Fit the mixture of a recipe.

    - `recipe`: what to fit it to; its `mixture` table says how many patches.
    - `progress`: called after each step; the loss is the negative log-likelihood of a
      patch.

    Returns the weights, in safetensors.
    """
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    make_folder(recipe.folder, hint="name another with runs=FOLDER")
    log = LossLog(recipe.folder / "log.csv")
    log.truncate(0)
    sampler = open_physics(recipe, "training")
    validation_patches = _patches(recipe, open_physics(recipe, "validation"), 0)
    sums = Sums.start(_first_guesses(recipe, sampler), recipe.mixture.floor)
    for step in range(recipe.steps):
        loss = sums.update(_patches(recipe, sampler, step))
        done = step + 1 == recipe.steps
        validation = None
        if done or (step + 1) % recipe.validate_every == 0:
            validation = sums.loss(validation_patches)
        now = TrainingProgress(
            step + 1, recipe.steps, loss, validation, folder=recipe.folder
        )
        log.add(now)
        progress(now)
    path = recipe.folder / f"{recipe.name}.safetensors"
    expects = "patches of counts under the generalised Anscombe transform"
    checkpoint.save(path, sums.mixture.state(), recipe.record(expects=expects))
    return path


@dataclass
class Sums:
    """The moving averages that the parameters of a mixture follow from.

    - `share`: (K,), the share of the patches that belong to each component.
    - `scatter`: (K, D, D), the sum of their outer products, times the share.
    - `floor`: the variance that every component has in every direction, at least.
    """

    share: Tensor
    scatter: Tensor
    floor: float
    steps: int = 0

    @classmethod
    def start(cls, covariances: Tensor, floor: float) -> "Sums":
        """Return the sums of equally likely components."""
        count = len(covariances)
        return cls(torch.full((count,), 1 / count), covariances / count, floor)

    @property
    def mixture(self) -> PatchMixture:
        """Return the mixture with the greatest likelihood."""
        share = self.share.clamp(min=1e-12)
        floor = self.floor * torch.eye(self.scatter.shape[1])
        covariances = self.scatter / share[:, None, None] + floor
        return PatchMixture((share / share.sum()).log(), covariances)

    def update(self, patches: Tensor) -> float:
        """Take one step on (N, D) patches; return their loss before it."""
        densities = _log_densities(self.mixture, patches)
        evidence = densities.logsumexp(1, keepdim=True)
        belongs = (densities - evidence).exp_()
        rate = (self.steps + 2) ** -FORGETTING
        self.share.lerp_(belongs.mean(0), rate)
        for number, degree in enumerate(belongs.T):
            members = (degree > NEGLIGIBLE).nonzero()[:, 0]
            chosen = patches[members]
            scatter = (chosen * degree[members, None]).T @ chosen / len(patches)
            self.scatter[number].lerp_(scatter, rate)
        self.steps += 1
        return -evidence.mean().item()

    def loss(self, patches: Tensor) -> float:
        """Return the negative log-likelihood of a patch, the mean of (N, D)."""
        return -_log_densities(self.mixture, patches).logsumexp(1).mean().item()


def _log_densities(mixture: PatchMixture, patches: Tensor) -> Tensor:
    """Return (N, K), the logarithm of weight times density."""
    size = patches.shape[1]
    factors = torch.linalg.cholesky(mixture.covariances)
    whitening = torch.linalg.solve_triangular(factors, torch.eye(size), upper=False)
    volume = factors.diagonal(dim1=1, dim2=2).log().sum(1)
    constant = mixture.log_weights - volume - size / 2 * log(2 * pi)
    energy = torch.empty(len(patches), len(factors))
    for start in range(0, len(patches), _CHUNK):
        few = slice(start, start + _CHUNK)
        for number, whitener in enumerate(whitening):
            energy[few, number] = (patches[few] @ whitener.T).square_().sum(1)
    densities: Tensor = constant - energy / 2
    return densities


def _patches(recipe: Recipe, sampler: PhysicsSampler, step: int) -> Tensor:
    """Return (N, D) patches of a batch of truth."""
    rng = np.random.default_rng([recipe.seed, STREAMS[sampler.part], step, 0, _PLACES])
    each = -(-recipe.mixture.patches // recipe.patches.batch)
    found = []
    for sample in sampler.samples(step, range(recipe.patches.batch)):
        windows, whole = _windows(sample, recipe.mixture.side)
        usable = np.flatnonzero(whole)
        chosen = rng.choice(usable, each) if len(usable) else usable
        found.append(windows.flatten(0, 1)[chosen])
    return torch.cat(found)


def _windows(sample: Sample, side: int) -> tuple[Tensor, NDArray[np.bool_]]:
    """Return the patches of a sample's truth, (Y, X, D), and which of them are whole.

    Each is without its mean.
    """
    light = np.maximum(sample.photons + np.float32(sample.lift), 0)
    root = torch.from_numpy(2 * np.sqrt(light))
    patches = root.unfold(0, side, 1).unfold(1, side, 1).flatten(2)
    valid = sliding_window_view(sample.valid, (side, side))
    whole = np.asarray(valid.all((2, 3)))
    return patches - patches.mean(2, keepdim=True), whole


def _first_guesses(recipe: Recipe, sampler: PhysicsSampler) -> Tensor:
    """Return the covariance of the patches in one small region for each component."""
    rng = np.random.default_rng([recipe.seed, _START])
    count, step = recipe.mixture.components, recipe.steps
    found: list[Tensor] = []
    while len(found) < count:
        for sample in sampler.samples(step, range(recipe.patches.batch)):
            windows, _ = _windows(sample, recipe.mixture.side)
            y, x = (rng.integers(max(n - REGION, 0) + 1) for n in windows.shape[:2])
            region = windows[y : y + REGION, x : x + REGION].flatten(0, 1)
            found.append(region.T @ region / len(region))
        step += 1
    return torch.stack(found[:count])
