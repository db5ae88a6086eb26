"""What a pair shows: an image and its truth, or another capture instead of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from w2s_cli.datasets import DataSet
from w2s_cli.datasets.pair import FloatArray, Mask
from w2s_cli.errors import InputError, few
from w2s_cli.metrics.checks import size
from w2s_cli.training.examples.choice import Names


class Planes(NamedTuple):
    """Counts or gray values.

    Attributes
    ----------
    image
        (Y, X) float32.
    truth
        (Y * scale, X * scale) float32.
    valid
        The shape of `truth`; None for valid everywhere.
    where
        What a message calls the image.
    """

    image: FloatArray
    truth: FloatArray
    valid: Mask | None
    where: str


class Shown(Protocol):
    """A way to read a pair."""

    def __call__(self, level: int, name: str, rng: np.random.Generator) -> Planes:
        """Return the planes of a pair; InputError where they cannot be read."""
        ...


@dataclass(frozen=True, eq=False)
class Truths:
    """Images beside their truths, at a scale."""

    data: DataSet
    scale: int

    def __call__(self, level: int, name: str, rng: np.random.Generator) -> Planes:
        """Return an image and its truth."""
        pair = self.data.pair(name, level, self.scale)
        where = self.data.inputs[level][name].where
        return Planes(pair.image, pair.truth, pair.valid, where)


@dataclass(frozen=True, eq=False)
class Captures:
    """Images beside other captures of the same field and level: Noise2Noise [1]_.

    Both have the same mean, and noise of their own.

    References
    ----------
    .. [1] J. Lehtinen et al., "Noise2Noise: learning image restoration without clean
       data", ICML (2018).
    """

    data: DataSet
    alike: Mapping[tuple[int, str], Sequence[str]]  # by level and field

    @classmethod
    def of(cls, data: DataSet, names: Names) -> "Captures":
        """Return the captures of some names.

        Raises
        ------
        InputError
            When a field of view has one capture only.
        """
        alike: dict[tuple[int, str], list[str]] = {}
        for level, found in names.items():
            for name in found:
                alike.setdefault((level, data.group_of(name)), []).append(name)
        lonely = [group for group, found in alike.items() if len(found) < 2]
        if lonely:
            fields = few([f"{field} at level {level}" for level, field in lonely])
            raise InputError(
                f"Noise2Noise needs two captures or more a field and level, but "
                f"{data.place} has one of {fields}",
                hint='take other levels, or set pairs.target="truth"',
            )
        return cls(data, alike)

    def __call__(self, level: int, name: str, rng: np.random.Generator) -> Planes:
        """Return an image and another capture, any of them."""
        images = self.data.inputs[level]
        where = images[name].where
        others = [n for n in self.alike[level, self.data.group_of(name)] if n != name]
        other = images[others[rng.integers(len(others))]]
        image, seen = images[name].read()
        truth, known = other.read()
        if image.shape != truth.shape:
            raise InputError(
                f"{where} has {size(image)} pixels, {other.where} has {size(truth)}",
                hint="captures of a field of view are of one size",
            )
        both = [mask for mask in (seen, known) if mask is not None]
        valid = np.logical_and.reduce(both) if both else None
        return Planes(image, truth, valid, where)
