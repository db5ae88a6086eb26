"""Patches for networks that are told of noise and blur, for `examples = "imaging"`.

At scale 1 the truth is the light on the camera. At scale 2 there are two: the light in
focus, sharp, and that out of focus, with all even light in it. A real pair has neither;
its long average is what both must give together, blurred and binned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.microscope.imaging_conditions import (
    BLUR_NUMBERS,
    CAMERA_NUMBERS,
    ImagingConditions,
)
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF, halved
from w2s_cli.training.initial_network import scale_of
from w2s_cli.training.losses.photons import ImagingBatch
from w2s_cli.training.patches import STREAMS, Part, PatchSampler, truth
from w2s_cli.training.patches.augmentation import (
    inner,
    one_of,
    random_squares,
    weighted_name,
)
from w2s_cli.training.patches.exposures import (
    MARGIN,
    CameraImage,
    add_defects,
    draw_processing,
    expose,
)
from w2s_cli.training.patches.scenes import (
    HALO,
    Scenes,
    draw_blur,
    mean_transfer,
    out_of_focus_light,
)
from w2s_cli.training.recipe import Recipe

_FEWER = 8  # times fewer simulated fields to validate on than to train on
_AVERAGE_MOST = 200.0  # photons: beyond, the noise of an average would be learned
_WIDTH_ERROR = 0.04  # standard deviation of the error of a known blur's width, relative
_GAIN_ERROR = 0.04  # that of the gain of a real pair


def open_imaging(recipe: Recipe, part: Part) -> "ImagingPatches":
    """Return all that the training, or the validation, draws from.

    Raises InputError when the recipe needs images or kernels that are not there.
    """
    shares, data = recipe.sources, recipe.data
    validation = part == "validation"
    span = recipe.validation_fields if validation else recipe.train_fields
    found = truth.pairs(data, span) if shares.pairs or shares.averages else []
    sim = truth.sim_images(data, validation) if shares.sim else {}
    sharp = truth.sharp(data) if shares.sharp else []
    given = {"pairs": found, "averages": found, "sim": sim, "sharp": sharp}
    for source, some in given.items():
        if getattr(shares, source) and not some:
            where = {"sim": "sim_truth/*.png", "sharp": "sharp/*.tif"}
            raise InputError(
                f"sources.{source} is {getattr(shares, source):g}, but there is no "
                f"usable image at {data}/{where.get(source, 'w2s/avg1, w2s/avg400')}",
                hint=f"name another folder with data=FOLDER, or set sources.{source}=0",
            )
    kept = recipe.simulated_fields
    kernels = truth.kernels(data) if recipe.light.measured else []
    return ImagingPatches(
        recipe=recipe,
        scale=scale_of(recipe),
        part=part,
        pairs=found,
        averages=truth.averages(found) if shares.averages else [],
        scenes=Scenes(sim, sharp, []),
        simulated=truth.Simulated(
            STREAMS[part], max(kept // _FEWER, 1) if validation else kept, side=448
        ),
        kernels=kernels,
        measured=mean_transfer(kernels),
    )


@dataclass(frozen=True, eq=False)
class ImagingPatches(PatchSampler):
    """What patches are drawn from.

    - `scale`: 1 or 2.
    - `pairs`, `averages`, `scenes`, `simulated`: real pairs, long averages with bright
      parts at 1, structure, fields without end.
    - `kernels`, `measured`: measured blur on the fine grid, and its mean transfer.
    """

    scale: int
    pairs: Sequence[truth.PhotonPair]
    averages: Sequence[FloatArray]
    scenes: Scenes
    simulated: truth.Simulated
    kernels: Sequence[PSF]
    measured: tuple[float, ...]

    def patch(self, step: int, number: int) -> ImagingBatch:
        """Return one patch of a step's batch, as a batch of one."""
        # A field in eight steps: to draw one takes as long as half a step.
        fields = self.simulated.at(step // 8) if self.recipe.sources.simulated else []
        scenes = replace(self.scenes, simulated=fields)
        drawing = _Drawing(self, scenes, self.rng(step, number))
        return _as_batch(drawing.patch(), self.scale, self._mean_kernel)

    @cached_property
    def _mean_kernel(self) -> FloatArray:
        kernels = [one.weights for one in self.kernels or [_POINT]]
        return np.asarray(np.mean(kernels, axis=0))


@dataclass(frozen=True, eq=False)
class _Patch:
    """One patch; `focus` and `haze` on the fine grid, None for a real pair."""

    image: CameraImage
    valid: FloatArray
    focus: FloatArray | None = None
    haze: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class _Scene:
    """Light in focus and out of focus on the fine grid, and the blur of the first."""

    focus: FloatArray
    haze: FloatArray
    psf: PSF
    transfer: tuple[float, ...]

    @property
    def on_camera(self) -> FloatArray:
        """Return (Y / 2, X / 2) light on the camera."""
        return np.maximum(halved(self.psf.blur(self.focus) + self.haze), 0)


@dataclass(frozen=True, eq=False)
class _Drawing:
    """A random patch of one step."""

    pool: ImagingPatches
    scenes: Scenes
    rng: np.random.Generator

    def patch(self) -> _Patch:
        """Return the patch, real or made, with defects or without."""
        source = weighted_name(vars(self.pool.recipe.sources), self.rng)
        imaging = self.pool.recipe.imaging
        patch = self._pair() if source == "pairs" else self._made(source)
        if self._happens(1 - imaging.known):
            conditions = replace(patch.image.conditions, transfer=None)
            patch = replace(patch, image=replace(patch.image, conditions=conditions))
        if not self._happens(imaging.defective):
            return patch
        wide = abs(patch.image.conditions.correlation[0]) > 0.15 and self._happens(0.5)
        return replace(patch, image=add_defects(patch.image, self.rng, wide=wide))

    def _pair(self) -> _Patch:
        pair = one_of(self.pool.pairs, self.rng)
        planes = [pair.noisy, pair.clean, pair.valid.astype(np.float32)]
        side = self.pool.recipe.patches.side
        noisy, clean, valid = random_squares(planes, side, self.rng)
        wrong = float(np.exp(self.rng.normal(0, _GAIN_ERROR * self._happens(0.25))))
        noise = NoiseModel(gain=wrong)
        conditions = ImagingConditions(noise.floor, transfer=self.pool.measured)
        seen = CameraImage(
            stabilised=noise.stabilise(noisy),
            unknown=np.zeros(noisy.shape, bool),
            truth=noise.photons(clean),
            gain=wrong,
            shift=0.0,
            conditions=conditions,
        )
        return _Patch(seen, valid)

    def _made(self, source: str) -> _Patch:
        """Return what the camera makes of an average, of structure or of even light."""
        side, scale = self.pool.recipe.patches.side, self.pool.scale
        processed = self._happens(self.pool.recipe.imaging.correlated)
        margin = MARGIN if processed else 0
        photons = self._photons(source)
        if source == "averages":
            light, scene = self._average(side + 2 * margin, photons), None
            transfer = self.pool.measured
        else:
            scene = self._scene(source, 2 * (side + 2 * margin) + 2 * HALO, photons)
            light = inner(scene.on_camera, HALO // 2)
            transfer = scene.transfer
        span, rng = self.pool.recipe.light.sigma, self.rng
        noise = NoiseModel(1, read_noise=rng.uniform(*span) * self._happens(0.5))
        seen = expose(
            light,
            noise,
            rng,
            multiplied=self._happens(self.pool.recipe.light.multiplied),
            processing=draw_processing(rng, scale == 2) if processed else None,
        )
        told = replace(seen.conditions, transfer=transfer)
        seen, valid = replace(seen, conditions=told), np.ones((side, side), np.float32)
        if scale == 1 or scene is None:
            return _Patch(seen, valid)
        edge, gain = HALO + 2 * margin, np.float32(seen.gain)
        focus, haze = (inner(one, edge) / gain for one in (scene.focus, scene.haze))
        return _Patch(seen, valid, focus, haze + np.float32(seen.shift))

    def _average(self, side: int, photons: float) -> FloatArray:
        plane = one_of(self.pool.averages, self.rng)
        (square,) = random_squares([plane], side, self.rng)
        light: FloatArray = np.float32(photons) * np.maximum(square, 0)
        return light

    def _scene(self, source: str, side: int, photons: float) -> _Scene:
        """Return structure with haze and even light, all of it lit."""
        rng, imaging = self.rng, self.pool.recipe.imaging
        cutoff = float(np.exp(rng.uniform(*np.log(imaging.cutoff))))
        blur = draw_blur(cutoff, self.pool.kernels, rng, _WIDTH_ERROR)
        if source == "even":
            focus, even = np.zeros((side, side), np.float32), 1.0
        else:
            focus = self.scenes.structure(source, side, blur.cutoff, rng)
            if self._happens(imaging.overlaid):
                other = self._structure(side, blur.cutoff)
                focus = focus + np.float32(rng.uniform(0.1, 1)) * other
            even = self._background()
        focus = np.maximum(focus, 0)
        haze = np.full_like(focus, even)
        if source != "even" and self._happens(imaging.hazy):
            own = self._happens(0.7)
            light = focus if own else self._structure(side, blur.cutoff)
            far = out_of_focus_light(np.maximum(light, 0), rng)
            amount = rng.uniform(*self.pool.recipe.light.haze) * focus.mean()
            haze += np.float32(amount / max(float(far.mean()), 1e-6)) * far
        lit = np.float32(photons)
        return _Scene(focus * lit, haze * lit, blur.psf, blur.transfer)

    def _structure(self, side: int, cutoff: float) -> FloatArray:
        """Return structure of any source that has some of its own."""
        shares = vars(self.pool.recipe.sources)
        some = {name: shares[name] for name in ("sim", "simulated")}
        source = weighted_name(some, self.rng)
        return self.scenes.structure(source, side, cutoff, self.rng)

    def _background(self) -> float:
        """Return even light over the brightest structure: mostly little, at times much.

        Negative is none.
        """
        low, high = self.pool.recipe.light.background
        if self._happens(0.1):
            return float(np.exp(self.rng.uniform(np.log(high), np.log(10 * high))))
        return float(self.rng.uniform(low, high) * self._happens(0.9))

    def _photons(self, source: str) -> float:
        low, high = self.pool.recipe.light.photons
        bright = max(low, min(self.pool.recipe.imaging.bright_from, high))
        if self._happens(self.pool.recipe.imaging.bright):
            low = bright
        else:
            high = bright
        if source == "averages":
            low, high = min(low, _AVERAGE_MOST / 4), min(high, _AVERAGE_MOST)
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def _happens(self, share: float) -> bool:
        return bool(self.rng.random() < share)


_POINT = PSF(np.ones((1, 1), np.float32))


def _as_batch(patch: _Patch, scale: int, kernel: FloatArray) -> ImagingBatch:
    """Return a batch of one patch."""

    def tensor(plane: FloatArray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(plane, np.float32))[None, None]

    seen = patch.image
    count = CAMERA_NUMBERS + (BLUR_NUMBERS if scale == 2 else 0)
    told = np.array(seen.conditions.numbers(count), np.float32)
    side = seen.stabilised.shape
    planes = [seen.stabilised, seen.unknown.astype(np.float32)]
    planes += [np.full(side, number, np.float32) for number in told]
    valid = patch.valid.repeat(scale, 0).repeat(scale, 1)
    if patch.focus is None or patch.haze is None:
        whole = seen.truth.repeat(scale, 0).repeat(scale, 1)
        haze, parted = np.zeros_like(whole), False
    else:
        whole, haze, parted = patch.focus + patch.haze, patch.haze, True
    return ImagingBatch(
        image=torch.from_numpy(np.stack(planes))[None],
        truth=tensor(whole),
        valid=tensor(valid) > 0,
        lift=torch.full((1, 1, 1, 1), seen.lift),
        units="root",
        on_camera=tensor(seen.truth),
        haze=tensor(haze),
        parted=torch.tensor([parted]),
        kernel=torch.from_numpy(np.asarray(kernel, np.float32)),
    )
