"""The simulator's standard set: cells and noise from fixed seeds.

The bright parts of a cell are `BRIGHT` counts above the offset at every level, as those
of longer and longer averages are; what changes is the gain, `BRIGHT / level` counts a
photon. The truth at scale 1 is the widefield image without noise, at scale 2 what
structured illumination shows.
"""

from dataclasses import dataclass
from functools import lru_cache
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
_SEED = 2020  # of field 0
_KEPT = 16


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
        photons = CAMERA.photons(_scene(self.field).clean)
        rng = np.random.default_rng([_SEED, self.field, self.level])
        counts = camera_counts(
            photons * np.float32(self.level), noise_of(self.level), rng
        )
        return counts.astype(np.float32), None


@dataclass(frozen=True, slots=True)
class Truth:
    """What there was to see of a field."""

    field: int
    scale: int

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        return f"truth of simulated field {self.field} at scale {self.scale}"

    def shape(self) -> tuple[int, int]:
        """Return its size."""
        return SIDE * self.scale, SIDE * self.scale

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return its counts, all of them valid."""
        scene = _scene(self.field)
        light = CAMERA.photons(scene.clean if self.scale == 1 else scene.truth)
        return noise_of(1).counts(light), None


def open_data_set(_: Path) -> DataSet:
    """Return the set; it needs no files."""
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


def noise_of(level: int) -> NoiseModel:
    """Return the noise of the camera at so many photons in the bright parts."""
    gain = BRIGHT / level
    return NoiseModel(gain, OFFSET, CAMERA.sigma * gain)


def _name(field: int) -> str:
    return f"{field:03d}"


@lru_cache(maxsize=_KEPT)  # all levels and scales of a field come from one
def _scene(field: int) -> Scene:
    """Return a field with one photon in its bright parts."""
    return simulate_scene(_SEED + field, photons=1, side=SIDE)
