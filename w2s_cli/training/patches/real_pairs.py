"""Patches of real pairs, of any set that w2s knows.

The journey of the numbers: counts or gray values of the files -> the same square of
input and truth -> both laid alike -> the units of the network. No patch is scaled on
its own, so intensities stay comparable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.datasets import find
from w2s_cli.datasets.data_set import DataSet, Image, Mask
from w2s_cli.datasets.w2s import Z_OFFSET, Z_UNIT
from w2s_cli.errors import InputError, UsageError, few
from w2s_cli.metrics.input_checks import size
from w2s_cli.restorers.units import EIGHT_BIT, Linear, Units
from w2s_cli.training.initial_network import scale_of
from w2s_cli.training.patches import STREAMS, Part, PatchSampler
from w2s_cli.training.patches.augmentation import Grid, augment_planes
from w2s_cli.training.patches.image_cache import with_cache
from w2s_cli.training.patches.pair_selection import Names, select_pairs
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch


class Planes(NamedTuple):
    """Counts or gray values.

    - `image`: (Y, X) float32.
    - `truth`: (Y * scale, X * scale) float32.
    - `valid`: the shape of `truth`; None for valid everywhere.
    - `where`: what a message calls the image.
    """

    image: FloatArray
    truth: FloatArray
    valid: Mask | None
    where: str


class PairReader(Protocol):
    """A way to read a pair."""

    def __call__(self, level: int, name: str, rng: np.random.Generator) -> Planes:
        """Return the planes of a pair; InputError where they cannot be read."""
        ...


@dataclass(frozen=True, eq=False)
class TruthReader:
    """Images beside their truths, at a scale."""

    data: DataSet
    scale: int

    def __call__(self, level: int, name: str, rng: np.random.Generator) -> Planes:
        """Return an image and its truth."""
        pair = self.data.pair(name, level, self.scale)
        where = self.data.inputs[level][name].where
        return Planes(pair.image, pair.truth, pair.valid, where)


@dataclass(frozen=True, eq=False)
class CaptureReader:
    """Images beside other captures of the same field and level: Noise2Noise [1]_.

    Both have the same mean, and noise of their own. Captures of the same have one truth
    in common; images of one field may be of several stains.

    References
    ----------
    .. [1] J. Lehtinen et al., "Noise2Noise: learning image restoration without clean
       data", ICML (2018).
    """

    data: DataSet
    alike: Mapping[tuple[int, Image], Sequence[str]]  # by level and truth

    @classmethod
    def of(cls, data: DataSet, names: Names) -> "CaptureReader":
        """Return the captures of some names.

        Raises InputError when there is one capture only of the same.
        """
        alike: dict[tuple[int, Image], list[str]] = {}
        for level, found in names.items():
            for name in found:
                alike.setdefault((level, data.truths[1][name]), []).append(name)
        lonely = [(key[0], found[0]) for key, found in alike.items() if not found[1:]]
        if lonely:
            raise InputError(
                "Noise2Noise needs two captures or more of each field and channel, "
                f"with one truth; {data.place} has one of "
                + few([f"{name} at level {level}" for level, name in lonely]),
                hint='take other levels, or set pairs.target="truth"',
            )
        return cls(data, alike)

    def __call__(self, level: int, name: str, rng: np.random.Generator) -> Planes:
        """Return an image and another capture, any of them."""
        images = self.data.inputs[level]
        where = images[name].where
        same = self.alike[level, self.data.truths[1][name]]
        others = [one for one in same if one != name]
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


_GRAY = ("unit", "centred")
_SPREADS = {"z": 1, "z/255": EIGHT_BIT.white}  # of counts, in one of the units


def open_pairs(recipe: Recipe, part: Part) -> "PairSampler":
    """Return the patches of a recipe's data set, `recipe.data`.

    Noise2Noise ("another" capture for the target) is for training: validation compares
    with truths all the same. Raises UsageError when the recipe's units cannot be made
    of what the set holds, or Noise2Noise is asked of a network that enlarges.
    """
    data = with_cache(find(recipe.data, kind=recipe.pairs.kind))
    scale = scale_of(recipe)
    names = select_pairs(data, recipe, part, scale)
    pairs = [(level, name) for level in names for name in names[level]]
    return PairSampler(
        recipe,
        part,
        numbers=_numbers(data, recipe),
        read=_reader(data, recipe, part, names),
        names={level: found for level, found in names.items() if found},
        pairs=pairs,
        grid=_grid(data, recipe, part, pairs),
    )


@dataclass(frozen=True, eq=False)
class PairSampler(PatchSampler):
    """Patches from any place in any pair of any level, levels evenly; or of a grid.

    - `numbers`: from counts or gray values to the recipe's units.
    - `read`: how to read a pair.
    - `names`, `pairs`: which pairs there are, by level and in a row.
    - `grid`: where patches start; None for anywhere.
    """

    numbers: Linear
    read: PairReader
    names: Names
    pairs: Sequence[tuple[int, str]]
    grid: Grid | None

    def patch(self, step: int, number: int) -> Batch:
        """Return one patch; InputError where an image is broken or too small."""
        patches, rng = self.recipe.patches, self.rng(step, number)
        if self.grid:
            pair, *corner = self.grid.place(step * patches.batch + number)
            planes = self.read(*self.pairs[pair], rng)
        else:
            planes = self.read(*self._drawn(rng), rng)
            corner = _corner(planes, patches.side, rng)
        cut = _cut(planes, corner, patches.side)
        image, truth, valid = augment_planes(cut, patches.augment, rng)
        enter = self.numbers.enter
        return Batch.of_patch(enter(image), enter(truth), valid, self.recipe.units)

    def _drawn(self, rng: np.random.Generator) -> tuple[int, str]:
        """Return any level, and the name of any pair of it."""
        levels = [*self.names]
        level = levels[rng.integers(len(levels))]
        return level, self.names[level][rng.integers(len(self.names[level]))]


def _reader(data: DataSet, recipe: Recipe, part: Part, names: Names) -> PairReader:
    scale = scale_of(recipe)
    if recipe.pairs.target == "truth" or part == "validation":
        return TruthReader(data, scale)
    if scale != 1:
        raise UsageError(
            f"another capture is no truth for a network that enlarges x{scale}",
            hint='set pairs.target="truth"',
        )
    return CaptureReader.of(data, names)


def _numbers(data: DataSet, recipe: Recipe) -> Linear:
    """Return the way from what a set holds to what the network takes."""
    units, gray = recipe.units, data.unit == "1/255"
    fitting = [*(_GRAY if gray else _SPREADS)]
    if units not in fitting:
        raise UsageError(
            f"the recipe's units are {units!r}, but {data.place} holds "
            + ("8-bit gray values" if gray else "counts"),
            hint=f"set units to {' or '.join(fitting)}",
        )
    if gray:
        return Units(units).linear(EIGHT_BIT)
    own = data.unit == "z"
    zero, one = (data.offset, data.per_unit) if own else (Z_OFFSET, Z_UNIT)
    return Linear(zero, one * _SPREADS[units])


def _grid(
    data: DataSet, recipe: Recipe, part: Part, pairs: Sequence[tuple[int, str]]
) -> Grid | None:
    patches = recipe.patches
    if not patches.stride:
        return None
    images = [data.inputs[level][name] for level, name in pairs]
    seed = (recipe.seed, STREAMS[part])
    return Grid.over(images, patches.side, patches.stride, seed)


def _corner(planes: Planes, side: int, rng: np.random.Generator) -> list[int]:
    """Return the first row and column of any patch of an image."""
    if min(planes.image.shape) < side:
        raise InputError(
            f"{planes.where} has {size(planes.image)} pixels, less than a patch of "
            f"{side} x {side}",
            hint="set a smaller patches.side",
        )
    return [int(rng.integers(length - side + 1)) for length in planes.image.shape]


def _cut(planes: Planes, corner: Sequence[int], side: int) -> list[NDArray[np.generic]]:
    """Return the same square of image, truth and mask; `side` is the image's."""
    y, x = corner
    scale = len(planes.truth) // len(planes.image)
    fine = np.s_[y * scale : (y + side) * scale, x * scale : (x + side) * scale]
    valid = planes.valid
    truth = planes.truth[fine]
    return [
        planes.image[y : y + side, x : x + side],
        truth,
        np.ones(truth.shape, bool) if valid is None else valid[fine],
    ]
