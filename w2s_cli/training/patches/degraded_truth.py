"""One patch of truth, and what a camera makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF, gaussian_psf
from w2s_cli.microscope.simulation import Exposure, out_of_focus, widefield
from w2s_cli.training.initial_network import scale_of
from w2s_cli.training.patches import STREAMS, Part, PatchSampler, truth
from w2s_cli.training.patches.augmentation import augment_planes
from w2s_cli.training.patches.truth import PhotonPair
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch

_T = TypeVar("_T")

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
        source = self._source({**vars(self.recipe.sources)})
        return self._real() if source == "pairs" else self._simulated(source)

    def _source(self, shares: dict[str, float]) -> str:
        weights = np.array([*shares.values()], float)
        return str(self.rng.choice([*shares], p=weights / weights.sum()))

    def _real(self) -> Sample:
        pair = _one_of(self.pairs, self.rng)
        planes = [pair.noisy, pair.clean, pair.valid]
        noisy, clean, valid = _crop(planes, self.recipe.patches.side, self.rng)
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
            expected, target = (
                self._even(exposure, scale) for scale in (1, self.scale)
            )
        elif same_size and source == "averages":
            clean = self._cropped(source, self.recipe.patches.side)
            expected = target = _lit(clean, exposure)
        else:
            fine, expected = self._blurred(source, exposure)
            target = expected if same_size else _lit(fine, exposure)
        multiplied = rng.random() < light.multiplied
        seen = noise.stabilise(noise.sample(expected, rng, multiplied=multiplied))
        return Sample(seen, target, noise.lift, np.ones(target.shape, bool))

    def _even(self, exposure: Exposure, scale: int) -> FloatArray:
        """Return light without structure: the background."""
        side = self.recipe.patches.side * scale
        return _lit(np.zeros((side, side), np.float32), exposure)

    def _blurred(
        self, source: str, exposure: Exposure
    ) -> tuple[FloatArray, FloatArray]:
        """Return a patch of truth at twice the size, and the light of it on a camera.

        A second field over the first, from any source, makes many fields out of few.
        """
        kernel, spread = self._kernel()
        sharpness = spread * self.rng.uniform(*TARGET_BLUR)
        fine = self._fine(source, sharpness)
        if self.rng.random() < OVERLAID:
            shares = {**vars(self.recipe.sources), "pairs": 0.0, "even": 0.0}
            other = self._fine(self._source(shares), sharpness)
            fine = fine + np.float32(self.rng.uniform(0.1, 1)) * other
        if self.rng.random() < HAZY:
            haze = self.rng.uniform(*self.recipe.light.haze)
            fine = fine + np.float32(haze) * out_of_focus(fine)
        expected = widefield(fine, kernel, exposure)
        return _inner(fine, HALO), _inner(expected, HALO // 2)

    def _fine(self, source: str, spread: float) -> FloatArray:
        """Return a patch as sharp as the target; an average is blurred already."""
        fine = self._cropped(source, 2 * self.recipe.patches.side + 2 * HALO)
        return fine if source == "averages" else gaussian_psf(spread).blur(fine)

    def _cropped(self, source: str, side: int) -> FloatArray:
        (crop,) = _crop([_one_of(self.fields[source], self.rng)], side, self.rng)
        return crop

    def _kernel(self) -> tuple[PSF, float]:
        """Return a kernel, and the standard deviation of its middle part."""
        if self.rng.random() < self.recipe.light.measured:
            chosen = _one_of(self.kernels, self.rng)
            (weights,) = augment_planes([chosen.weights], "turns", self.rng)
            return PSF(weights), MEASURED_SPREAD
        spread = self.rng.uniform(*self.recipe.light.blur)
        return gaussian_psf(spread), spread


def _crop(
    planes: Sequence[NDArray[Any]], side: int, rng: np.random.Generator
) -> list[NDArray[Any]]:
    """Return the same random square of every plane, turned the same way.

    `side` is in pixels of the first plane; the others may be so many times as large.
    """
    height, width = planes[0].shape
    if min(height, width) < side:
        pad = [(0, max(side - length, 0)) for length in (height, width)]
        planes = [np.pad(plane, pad, mode="symmetric") for plane in planes]
        height, width = planes[0].shape
    y, x = rng.integers(height - side + 1), rng.integers(width - side + 1)
    finer = (len(plane) // height for plane in planes)
    return augment_planes(
        [
            plane[y * n : (y + side) * n, x * n : (x + side) * n]
            for plane, n in zip(planes, finer, strict=True)
        ],
        "turns",
        rng,
    )


def _one_of(things: Sequence[_T], rng: np.random.Generator) -> _T:
    return things[int(rng.integers(len(things)))]


def _lit(plane: FloatArray, exposure: Exposure) -> FloatArray:
    """Return the photons that the parts of a plane give, before any blur."""
    light = (plane + exposure.background) * exposure.photons
    return np.asarray(light, np.float32)


def _inner(plane: FloatArray, edge: int) -> FloatArray:
    return np.ascontiguousarray(plane[edge:-edge, edge:-edge])


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
            raise _nothing(recipe, source, part)
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


def _nothing(recipe: Recipe, source: str, part: Part) -> InputError:
    span = recipe.train_fields if part == "training" else recipe.validation_fields
    where = (
        f"usable image at {recipe.data / 'sharp'}/*.tif"
        if source == "sharp"
        else f"field of view from {span[0]} to {span[1]} in {recipe.data / 'w2s'}"
    )
    return InputError(
        f"sources.{source} is {getattr(recipe.sources, source):g}, but there is no "
        f"{where} for {part}",
        hint=f"name another folder with data=FOLDER, or set sources.{source}=0",
    )
