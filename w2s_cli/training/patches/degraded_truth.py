"""One patch of truth, and what a camera makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF, gaussian_psf
from w2s_cli.microscope.simulation import Exposure, out_of_focus, widefield
from w2s_cli.training.initial_network import scale_of
from w2s_cli.training.patches import STREAMS, Part, PatchSampler, truth
from w2s_cli.training.patches.augmentation import (
    augment_planes,
    inner,
    one_of,
    random_squares,
    weighted_name,
)
from w2s_cli.training.patches.truth import PhotonPair
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch

# The blur of the target, as a share of the blur that is to be undone: structured
# illumination resolves twice as finely. A sharper target teaches a network to guess.
TARGET_BLUR = (0.33, 0.5)
MEASURED_SPREAD = 3.2  # standard deviation of the measured kernels, in their pixels
HALO = 24  # pixels around a patch of truth, so that its blur has no edge
OVERLAID = 0.5  # share of patches with a second field laid over the first
HAZY = 0.5
"""Share of patches with haze. It stays in the target: from one plane nobody can tell
light out of focus from even light in focus, and a network that tries takes both."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One patch.

    - `stabilised`: (Y, X), what the network sees.
    - `photons`: (Y * scale, X * scale), what was there.
    - `lift`: what the stabilisation adds to the photons: 3/8 and the read noise,
      squared.
    - `valid`: the shape of `photons`, False where the loss must not look.
    """

    stabilised: FloatArray
    photons: FloatArray
    lift: float
    valid: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Draw:
    """A random patch of the fields of one step."""

    recipe: Recipe
    scale: int
    pairs: Sequence[PhotonPair]
    fields: Mapping[str, Sequence[FloatArray]]
    kernels: Sequence[PSF]
    rng: np.random.Generator

    def sample(self) -> Sample:
        """Return the patch, real or degraded."""
        source = weighted_name(vars(self.recipe.sources), self.rng)
        return self._real() if source == "pairs" else self._simulated(source)

    def _real(self) -> Sample:
        pair = one_of(self.pairs, self.rng)
        planes = [pair.noisy, pair.clean, pair.valid]
        noisy, clean, valid = random_squares(planes, self.recipe.patches.side, self.rng)
        noise = NoiseModel(gain=1)
        return Sample(noise.stabilise(noisy), clean, noise.lift, valid)

    def _simulated(self, source: str) -> Sample:
        light, rng = self.recipe.light, self.rng
        exposure = Exposure(
            photons=float(np.exp(rng.uniform(*np.log(light.photons)))),
            background=rng.uniform(*light.background),
        )
        read = rng.uniform(*light.sigma) if rng.random() < 0.5 else 0.0
        noise = NoiseModel(gain=1, read_noise=read)
        same_size = self.scale == 1
        if source == "even":
            side = self.recipe.patches.side
            expected, target = (
                _lit(np.zeros((side * scale,) * 2, np.float32), exposure)
                for scale in (1, self.scale)
            )
        elif same_size and source == "averages":
            clean = self._cropped(source, self.recipe.patches.side)
            expected = target = _lit(clean, exposure)
        else:
            fine, expected = self._blurred(source, exposure)
            target = expected if same_size else _lit(fine, exposure)
        multiplied = rng.random() < light.multiplied
        photons = (
            noise.sample(expected, rng, multiplied=multiplied)
            if light.noisy
            else expected
        )
        seen = noise.stabilise(photons)
        return Sample(seen, target, noise.lift, np.ones(target.shape, bool))

    def _blurred(
        self, source: str, exposure: Exposure
    ) -> tuple[FloatArray, FloatArray]:
        """Return a patch of truth at twice the size, and the light of it on a camera.

        A second field over the first, from any source, makes many fields out of few.
        """
        rng, light = self.rng, self.recipe.light
        if rng.random() < light.measured:
            chosen = one_of(self.kernels, rng)
            (weights,) = augment_planes([chosen.weights], "turns", rng)
            kernel, spread = PSF(weights), MEASURED_SPREAD
        else:
            spread = rng.uniform(*light.blur)
            kernel = gaussian_psf(spread)
        sharpness = spread * rng.uniform(*TARGET_BLUR)
        fine = self._fine(source, sharpness)
        if rng.random() < OVERLAID:
            shares = {**vars(self.recipe.sources), "pairs": 0.0, "even": 0.0}
            other = self._fine(weighted_name(shares, rng), sharpness)
            fine = fine + np.float32(rng.uniform(0.1, 1)) * other
        if rng.random() < HAZY:
            haze = rng.uniform(*light.haze)
            fine = fine + np.float32(haze) * out_of_focus(fine)
        expected = widefield(fine, kernel, exposure)
        return inner(fine, HALO), inner(expected, HALO // 2)

    def _fine(self, source: str, spread: float) -> FloatArray:
        """Return a patch as sharp as the target; an average is blurred already."""
        fine = self._cropped(source, 2 * self.recipe.patches.side + 2 * HALO)
        return fine if source == "averages" else gaussian_psf(spread).blur(fine)

    def _cropped(self, source: str, side: int) -> FloatArray:
        field = one_of(self.fields[source], self.rng)
        (square,) = random_squares([field], side, self.rng)
        return square


def _lit(plane: FloatArray, exposure: Exposure) -> FloatArray:
    """Return the photons that the parts of a plane give, before any blur."""
    light = (plane + exposure.background) * exposure.photons
    return np.asarray(light, np.float32)


_FEWER = 8  # times fewer simulated fields to validate on than to train on


def open_physics(recipe: Recipe, part: Part) -> "PhysicsSampler":
    """Return all the truth that the training, or the validation, draws from.

    Raises InputError when the recipe needs real images or kernels that are not there.
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
            where = (
                f"usable image at {data / 'sharp'}/*.tif"
                if source == "sharp"
                else f"field of view from {span[0]} to {span[1]} in {data / 'w2s'}"
            )
            raise InputError(
                f"sources.{source} is {getattr(shares, source):g}, but there is no "
                f"{where} for {part}",
                hint=f"name another folder with data=FOLDER, or set sources.{source}=0",
            )
    kept = recipe.simulated_fields
    kept = max(kept // _FEWER, 1) if validation else kept
    return PhysicsSampler(
        recipe=recipe,
        scale=scale,
        part=part,
        pairs=found,
        fields=fields,
        simulated=truth.Simulated(STREAMS[part], kept),
        kernels=truth.kernels(data) if recipe.light.measured else [],
    )


@dataclass(frozen=True, eq=False)
class PhysicsSampler(PatchSampler):
    """What patches are drawn from.

    - `scale`: pixels of a truth along a pixel of an input, 1 or 2.
    - `pairs`, `fields`, `simulated`, `kernels`: real pairs, clean fields by source,
      fields without end, measured blur.
    """

    scale: int
    pairs: Sequence[truth.PhotonPair]
    fields: Mapping[str, Sequence[FloatArray]]
    simulated: truth.Simulated
    kernels: Sequence[PSF]

    def patch(self, step: int, number: int) -> Batch:
        """Return one patch of a step's batch, as a batch of one."""
        [one] = self.samples(step, [number])
        return Batch.of_patch(one.stabilised, one.photons, one.valid, "root", one.lift)

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
                self.rng(step, number),
            ).sample()
            for number in numbers
        ]
