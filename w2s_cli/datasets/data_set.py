"""A set of images and their truths that stays on disk."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError, NothingMatchedError, UnknownNameError, UsageError
from w2s_cli.metrics.input_checks import size

if TYPE_CHECKING:
    from w2s_cli.microscope.noise_model import NoiseModel

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ImagePair:
    """One image and what it should have been."""

    name: str  # such as "081_0": field of view 081, channel 0
    group: str  # what a bootstrap draws anew: the field of view, "081"
    # (Y, X) float32, in counts, or in gray values where a set has nothing else
    image: FloatArray
    truth: FloatArray  # (Y * scale, X * scale) float32, in the unit of `image`
    # the shape of `truth`, False where either was clipped; None: valid everywhere
    valid: Mask | None = None
    # the camera's noise in `image`, where the set knows it
    noise: "NoiseModel | None" = None


class Image(Protocol):
    """One plane that is read, or computed, when it is asked for."""

    @property
    def where(self) -> str:
        """Return what a message calls it."""
        ...

    def shape(self) -> tuple[int, int]:
        """Return its size, without its pixels; InputError where it is broken."""
        ...

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return (Y, X) values and where they are valid, None for everywhere."""
        ...


ALL = "all"  # the split of everything there is


_NUMBERED = re.compile(r"(.*\d)_\d+")


def field_of(name: str) -> str:
    """Return the field of view of an image, by its name.

    It is what comes before a last underscore and number, where that ends in a number
    too: "081" of "081_2". Else the image is a field of its own: "img_007".
    """
    numbered = _NUMBERED.fullmatch(name)
    return numbered[1] if numbered else name


@dataclass(frozen=True, eq=False)
class DataSet:
    """Images and their truths, of which one pair at a time is in memory."""

    name: str  # of its kind in `DATASETS`
    title: str  # what it is, for a reader
    place: str  # where it is
    unit: str  # the unit of published figures, such as "z"
    per_unit: float  # counts, or gray values, in one of it
    offset: float  # counts, or gray values, that it calls 0; differences do not need it
    # Level -> name -> image. A level is the number of averaged captures, or of photons
    # in the bright parts; 1 where a set has one level only.
    inputs: Mapping[int, Mapping[str, Image]]
    truths: Mapping[int, Mapping[str, Image]]  # scale -> name -> image
    # split -> names; "all" needs no entry
    splits: Mapping[str, Collection[str]] = field(default_factory=dict)
    expected: Collection[str] = ()  # the names that a complete copy has
    # the level without noise, whose images are the truths at scale 1; None for none
    clean: int | None = None
    group_of: Callable[[str], str] = field_of  # the group that a name belongs to
    # level -> name -> noise of the camera, where it is known
    noises: "Mapping[int, Mapping[str, NoiseModel]]" = field(default_factory=dict)
    # the levels that no camera has recorded: their noise was drawn on the truths
    drawn: Collection[int] = ()

    @property
    def levels(self) -> tuple[int, ...]:
        """Return the levels of noise, the noisiest first."""
        return tuple(sorted(self.inputs))

    @property
    def scales(self) -> tuple[int, ...]:
        """Return how many pixels of a truth lie along a pixel of an image."""
        return tuple(sorted(self.truths))

    def names(
        self,
        split: str,
        level: int,
        scale: int = 1,
        fields: Collection[str] | None = None,
    ) -> list[str]:
        """Return the sorted names of the pairs that there are."""
        if split != ALL and split not in self.splits:
            raise UnknownNameError("split", split, [ALL, *self.splits])
        for kind, asked, known in (
            ("level", level, self.levels),
            ("scale", scale, self.scales),
        ):
            if asked not in known:
                raise UsageError(
                    f"{self.place} has no {kind} {asked}",
                    hint=f"it has {', '.join(map(str, known)) or 'none'}",
                )
        both = self.inputs[level].keys() & self.truths[scale].keys()
        found = [
            name
            for name in sorted(both)
            if (split == ALL or name in self.splits[split])
            and (fields is None or self.group_of(name) in fields)
        ]
        if not found:
            raise NothingMatchedError(
                f"{self.place} has no pair of split {split}, level {level}, "
                f"scale {scale}" + (" in the fields asked for" if fields else ""),
                hint="`w2s data check` says what is there",
            )
        return found

    def count(
        self,
        split: str,
        level: int,
        scale: int = 1,
        fields: Collection[str] | None = None,
    ) -> int:
        """Return how many pairs `pairs` gives; errors are those of `names`."""
        return len(self.names(split, level, scale, fields))

    def pairs(
        self,
        split: str,
        level: int,
        scale: int = 1,
        fields: Collection[str] | None = None,
    ) -> Iterator[ImagePair]:
        """Return the pairs, each read when it is asked for.

        Parameters and errors are those of `names`; in the iteration those of `pair`.
        """
        names = self.names(split, level, scale, fields)
        return map(partial(self.pair, level=level, scale=scale), names)

    def pair(self, name: str, level: int, scale: int = 1) -> ImagePair:
        """Return one pair, by a name of `names`."""
        noisy, true = self.inputs[level][name], self.truths[scale][name]
        image, image_valid = noisy.read()
        truth, truth_valid = true.read()
        if truth.shape != (image.shape[0] * scale, image.shape[1] * scale):
            raise InputError(
                f"{noisy.where} has {size(image)} pixels, {true.where} has "
                f"{size(truth)}, not {scale} times as many along each side",
                hint="an image and its truth show the same field",
            )
        valid = truth_valid
        if image_valid is not None:
            valid = image_valid.repeat(scale, axis=0).repeat(scale, axis=1)
            valid = valid if truth_valid is None else valid & truth_valid
        noise = self.noises.get(level, {}).get(name)
        return ImagePair(name, self.group_of(name), image, truth, valid, noise)
