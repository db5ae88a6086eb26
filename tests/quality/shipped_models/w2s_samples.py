"""The 8-bit samples of W2S with averages of 2, 4, 8 and 16 captures, which are drawn.

The folder has single captures and long averages. The averages between are drawn:
photons at random around the light of the long average, as the camera's gain over so
many captures has them, always the same for the same image and level. Whatever noise the
long average has counts as structure in them, and in no other respect are they easier
than recorded ones, which the long average contains.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.datasets import w2s
from w2s_cli.datasets.data_set import DataSet, Image, Mask
from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.training.patches import truth

DRAWN = tuple(level for level in w2s.LEVELS if 1 < level < w2s.CAPTURES)


@dataclass(frozen=True, slots=True)
class DrawnAverage:
    """What an average of some captures might have been.

    Attributes
    ----------
    clean
        The long average.
    noise
        Of the average that is drawn.
    seed
        Of the draw.
    """

    clean: Image
    noise: NoiseModel
    seed: tuple[int, int]

    @property
    def where(self) -> str:
        """Return the path of the long average: no other file is needed."""
        return self.clean.where

    def shape(self) -> tuple[int, int]:
        """Return its size."""
        return self.clean.shape()

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return its counts, and where the long average is not clipped."""
        counts, valid = self.clean.read()
        rng = np.random.default_rng(self.seed)
        return self.noise.sample(self.noise.photons(counts), rng), valid


def open_data_set(place: Path) -> DataSet:
    """Return the samples of a folder at five levels, four of them drawn."""
    data = truth.open_data_set(place)
    if data is None:
        raise InputError(f"{place} has no {truth.INDEX}")
    noises = {level: _noises(data.noises[1], level) for level in (1, *DRAWN)}
    drawn = {
        level: {
            name: DrawnAverage(
                image, noises[level][name], (crc32(name.encode()), level)
            )
            for name, image in data.truths[1].items()
        }
        for level in DRAWN
    }
    return replace(data, inputs={**data.inputs, **drawn}, noises=noises, drawn=DRAWN)


def _noises(single: Mapping[str, NoiseModel], level: int) -> dict[str, NoiseModel]:
    """Return the noise of averages of so many captures: the gain is shared out."""
    return {
        name: replace(noise, gain=noise.gain / level) for name, noise in single.items()
    }
