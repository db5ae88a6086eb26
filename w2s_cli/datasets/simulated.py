"""The simulator's sets: cells and noise from fixed seeds.

The bright parts of a cell are `BRIGHT` counts above the offset at every level, as those
of longer and longer averages are; what changes is the gain, `BRIGHT / photons` counts a
photon. The truth at scale 1 is the widefield image without noise, at scale 2 what
structured illumination shows.

The standard set has levels of photons; the other has those of W2S, averages of captures
of `CAPTURE` photons, on smaller images, and two images of each level to train on. The
third has many short captures of each field in 8-bit gray, and truths of twice the size
alone, as pairs at video rate have.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import sqrt
from pathlib import Path

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.datasets.data_set import DataSet, Mask
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import CAMERA, Scene, camera_counts, simulate_scene

LEVELS = (2, 5, 20, 100, 500)  # photons in the bright parts
SPLITS = {"validation": range(1, 5), "test": range(5, 17)}
BRIGHT = 1000.0  # counts
OFFSET = 2000.0  # counts: read noise takes no pixel below 0
SIDE = 256
AVERAGES = (1, 2, 4, 8, 16, 400)  # captures; the last is as good as without noise
CAPTURE = 10  # photons in the bright parts of one
AVERAGES_SIDE = 128
TRAINING = range(17, 35)  # 18 fields of the averages, each seen twice
SHORT = 20  # captures at video rate of each field to train on
SHORT_TRAINING = range(17, 57)
BRIGHT_GRAY, BLACK_GRAY = 120, 30  # of 255
_SEED = 2020  # of field 0
_KEPT = 64  # fields, at most 100 MiB


@dataclass(frozen=True, slots=True)
class SimulatedImage:
    """What the camera reads of a field at a level."""

    field: int
    level: int

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        return f"simulated field {self.field} at {self.level} photons"

    def shape(self) -> tuple[int, int]:
        """Return its size."""
        return SIDE, SIDE

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return its counts, all of them valid."""
        photons = CAMERA.photons(_scene(self.field, SIDE).clean)
        rng = np.random.default_rng([_SEED, self.field, self.level])
        counts = camera_counts(
            photons * np.float32(self.level), noise_of(self.level), rng
        )
        return counts.astype(np.float32), None


@dataclass(frozen=True, slots=True)
class SimulatedAverage:
    """The mean of some captures of a field; `number` tells it from others of them."""

    field: int
    captures: int
    number: int

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        return f"average {self.number} of {self.captures} captures of {self.field}"

    def shape(self) -> tuple[int, int]:
        """Return its size."""
        return AVERAGES_SIDE, AVERAGES_SIDE

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return its counts, all of them valid.

        A sum of Poisson variables is one: captures need not be drawn one by one.
        """
        light = CAMERA.photons(_scene(self.field, AVERAGES_SIDE).clean)
        photons = light * np.float32(CAPTURE * self.captures)
        seed = [_SEED, self.field, self.captures, CAPTURE, self.number]
        noise = noise_of(CAPTURE, self.captures)
        return noise.sample(photons, np.random.default_rng(seed)), None


@dataclass(frozen=True, slots=True)
class SimulatedCapture:
    """A short capture of a field, in 8-bit gray; `number` tells it from others."""

    field: int
    number: int

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        return f"capture {self.number} of simulated field {self.field}"

    def shape(self) -> tuple[int, int]:
        """Return its size."""
        return AVERAGES_SIDE, AVERAGES_SIDE

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return its gray values."""
        light = CAMERA.photons(_scene(self.field, AVERAGES_SIDE).clean)
        rng = np.random.default_rng([_SEED, self.field, self.number])
        one_each = replace(CAMERA, gain=1.0, offset=0.0, read_noise=CAMERA.sigma)
        return _gray(one_each.sample(light * CAPTURE, rng) / np.float32(CAPTURE)), None


@dataclass(frozen=True, slots=True)
class GrayTruth:
    """What there was to see of a field at twice the size, in 8-bit gray."""

    field: int

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        return f"truth of simulated field {self.field} in gray"

    def shape(self) -> tuple[int, int]:
        """Return its size."""
        return 2 * AVERAGES_SIDE, 2 * AVERAGES_SIDE

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return its gray values."""
        return _gray(CAMERA.photons(_scene(self.field, AVERAGES_SIDE).truth)), None


def _gray(light: FloatArray) -> FloatArray:
    """Return the 8-bit gray values of light whose bright parts are 1."""
    values = np.rint(BLACK_GRAY + BRIGHT_GRAY * light)
    return values.clip(0, 255).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Truth:
    """What there was to see of a field."""

    field: int
    scale: int
    side: int = SIDE  # of its images

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        return f"truth of simulated field {self.field} at scale {self.scale}"

    def shape(self) -> tuple[int, int]:
        """Return its size."""
        return self.side * self.scale, self.side * self.scale

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return its counts, all of them valid."""
        scene = _scene(self.field, self.side)
        light = CAMERA.photons(scene.clean if self.scale == 1 else scene.truth)
        return noise_of(1).counts(light), None


def open_data_set(_: Path) -> DataSet:
    """Return the set of levels of photons; it needs no files."""
    fields = {_name(field): field for numbers in SPLITS.values() for field in numbers}
    return DataSet(
        name="simulated",
        title="simulated cells",
        place="the simulated set",
        unit="bright parts",
        per_unit=BRIGHT,
        offset=OFFSET,
        inputs={
            level: {
                name: SimulatedImage(field, level) for name, field in fields.items()
            }
            for level in LEVELS
        },
        truths={
            scale: {name: Truth(field, scale) for name, field in fields.items()}
            for scale in (1, 2)
        },
        splits={
            split: frozenset(map(_name, numbers)) for split, numbers in SPLITS.items()
        },
        expected=list(fields),
        noises={level: dict.fromkeys(fields, noise_of(level)) for level in LEVELS},
    )


def open_averages(_: Path) -> DataSet:
    """Return the set of averages of captures; it needs no files."""
    splits = {
        split: {f"{_name(field)}_1": (field, 1) for field in numbers}
        for split, numbers in SPLITS.items()
    }
    splits["train"] = {
        f"{_name(field)}_{number}": (field, number)
        for field in TRAINING
        for number in (1, 2)
    }
    images = {name: one for part in splits.values() for name, one in part.items()}
    return DataSet(
        name="simulated-averages",
        title=f"simulated cells, averages of captures of {CAPTURE} photons",
        place="the simulated averages",
        unit="bright parts",
        per_unit=BRIGHT,
        offset=OFFSET,
        inputs={
            captures: {
                name: SimulatedAverage(field, captures, number)
                for name, (field, number) in images.items()
            }
            for captures in AVERAGES
        },
        truths={
            scale: {
                name: Truth(field, scale, AVERAGES_SIDE)
                for name, (field, _) in images.items()
            }
            for scale in (1, 2)
        },
        splits={split: frozenset(part) for split, part in splits.items()},
        expected=list(images),
        clean=AVERAGES[-1],
        noises={
            captures: dict.fromkeys(images, noise_of(CAPTURE, captures))
            for captures in AVERAGES
        },
    )


def open_video_rate(_: Path) -> DataSet:
    """Return the set of short captures in gray; it needs no files."""
    captures = {"train": (SHORT_TRAINING, SHORT)}
    captures |= {split: (numbers, 1) for split, numbers in SPLITS.items()}
    splits = {
        split: {
            f"{_name(field)}_{number}": (field, number)
            for field in numbers
            for number in range(1, count + 1)
        }
        for split, (numbers, count) in captures.items()
    }
    images = {name: one for part in splits.values() for name, one in part.items()}
    return DataSet(
        name="simulated-video-rate",
        title=f"simulated captures of {CAPTURE} photons in 8-bit gray, x2: they stand "
        "for a microscope's, and no camera has recorded them",
        place="the simulated captures at video rate",
        unit="1/255",
        per_unit=255.0,
        inputs={1: {name: SimulatedCapture(*one) for name, one in images.items()}},
        truths={2: {name: GrayTruth(field) for name, (field, _) in images.items()}},
        splits={split: frozenset(part) for split, part in splits.items()},
        expected=list(images),
    )


def noise_of(photons: int, captures: int = 1) -> NoiseModel:
    """Return the noise of an average of captures of so many photons each."""
    gain = BRIGHT / photons
    read_noise = CAMERA.sigma * gain / sqrt(captures)
    return NoiseModel(gain / captures, OFFSET, read_noise)


def _name(field: int) -> str:
    return f"{field:03d}"


@lru_cache(maxsize=_KEPT)  # all levels and scales of a field come from one
def _scene(field: int, side: int) -> Scene:
    """Return a field with one photon in its bright parts."""
    return simulate_scene(_SEED + field, photons=1, side=side)
