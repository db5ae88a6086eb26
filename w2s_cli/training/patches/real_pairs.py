"""Patches of real pairs, of any set that w2s knows.

Counts or gray values of the files -> the same square of input and truth -> both laid
alike -> the units of the network. No patch is scaled on its own, so intensities stay
comparable. A pair is for the training or for the validation, and so is its field of
view.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.datasets import find
from w2s_cli.datasets.data_set import ALL, DataSet, Image, Mask
from w2s_cli.datasets.w2s import PUBLISHED, Z_OFFSET, Z_UNIT
from w2s_cli.errors import InputError, NothingMatchedError, UsageError, few
from w2s_cli.metrics.input_checks import size
from w2s_cli.restorers.units import EIGHT_BIT, Linear, Units
from w2s_cli.training.initial_network import scale_of
from w2s_cli.training.patches import STREAMS, Part, PatchSampler
from w2s_cli.training.patches.augmentation import Grid, augment_planes, one_of
from w2s_cli.training.patches.image_cache import with_cache
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch

Names = dict[int, list[str]]  # by level


def select_pairs(data: DataSet, recipe: Recipe, part: Part, scale: int) -> Names:
    """Return the names of the pairs of a part, by their level.

    The part "validation" has the pairs of the recipe's split of that name. Where a set
    has no such split, it is every tenth field of view (group) of the training split;
    all of a set without splits, such as two folders, is its split "train".
    With `recipe.pairs.fields`, both parts are those fields of view that the recipe
    numbers. What is in it, the part "training" is without, but for W2S's "published".

    - `recipe`: with `pairs`, `train_fields`, `validation_fields` and `seed`.

    Raises UnknownNameError when there is no such split to train on; UsageError when
    there is no such level or scale, or there are less pairs than `few`;
    NothingMatchedError when no pair is left; InputError when fields of view are asked
    for by number, and have none.
    """
    if not recipe.pairs.levels:
        raise UsageError("pairs.levels is empty", hint="for example pairs.levels=[1]")
    found = {
        level: _of_level(data, recipe, part, level, scale)
        for level in recipe.pairs.levels
    }
    count = sum(map(len, found.values()))
    if not count:
        raise NothingMatchedError(
            f"{data.place} has no pair for {part}",
            hint="see pairs.split, pairs.validation and pairs.fields of the recipe",
        )
    few = recipe.pairs.few if part == "training" else 0
    if few > count:
        raise UsageError(
            f"pairs.few asks for {few} pairs, {data.place} has {count} for training",
            hint="ask for less, or for all with pairs.few=0",
        )
    if not few:
        return found
    every = [(level, name) for level, names in found.items() for name in names]
    rng = np.random.default_rng([recipe.seed, few])
    chosen = [every[i] for i in sorted(rng.permutation(len(every))[:few])]
    return {level: [name for at, name in chosen if at == level] for level in found}


def _of_level(
    data: DataSet, recipe: Recipe, part: Part, level: int, scale: int
) -> list[str]:
    held = _validation_names(data, recipe, level, scale)
    if recipe.pairs.split == PUBLISHED and part == "training":
        held = []
    if part == "validation":
        return held
    names = data.names(_split(data, recipe), level, scale)
    if recipe.pairs.fields:
        names = _within(data, names, recipe.train_fields)
    return [name for name in names if name not in set(held)]


def _validation_names(
    data: DataSet, recipe: Recipe, level: int, scale: int
) -> list[str]:
    """Return the names of what no training may see."""
    pairs = recipe.pairs
    known = pairs.validation in (ALL, *data.splits)
    split = _split(data, recipe)
    names = data.names(pairs.validation if known else split, level, scale)
    if pairs.fields:
        return _within(data, names, recipe.validation_fields)
    if known:
        return names
    # Every tenth of all groups, whatever their level
    every = data.splits.get(split, set[str]().union(*data.inputs.values()))
    groups = sorted({data.group_of(name) for name in every})[::10]
    return [name for name in names if data.group_of(name) in groups]


def _split(data: DataSet, recipe: Recipe) -> str:
    """Return the split to train on: all of a set that nobody has split."""
    split = recipe.pairs.split
    return ALL if split == "train" and not data.splits else split


def _within(data: DataSet, names: list[str], span: tuple[int, int]) -> list[str]:
    first, last = span
    return [name for name in names if first <= _number(data, name) <= last]


def _number(data: DataSet, name: str) -> int:
    """Return the last number in the name of a field of view."""
    group = data.group_of(name)
    numbers = re.findall(r"\d+", group)
    if not numbers:
        raise InputError(
            f"the field {group!r} of {data.place} has no number",
            hint="set pairs.fields=false, and train on a split",
        )
    return int(numbers[-1])


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


PairReader: TypeAlias = Callable[[int, str, np.random.Generator], Planes]
"""From a level and a name to the planes of a pair; InputError where it is broken."""


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

    Errors are those of `pairs_of`.
    """
    return pairs_of(find(recipe.data, kind=recipe.pairs.kind), recipe, part)


def pairs_of(data: DataSet, recipe: Recipe, part: Part) -> "PairSampler":
    """Return the patches of a data set.

    Noise2Noise ("another" capture for the target) is for training: validation compares
    with truths all the same. Raises UsageError when the recipe's units cannot be made
    of what the set holds, or Noise2Noise is asked of a network that enlarges.
    """
    data = with_cache(data)
    scale = scale_of(recipe)
    names = select_pairs(data, recipe, part, scale)
    pairs = [(level, name) for level in names for name in names[level]]
    grid, patches = None, recipe.patches
    if patches.stride:
        images = [data.inputs[level][name] for level, name in pairs]
        seed = (recipe.seed, STREAMS[part])
        grid = Grid.over(images, patches.side, patches.stride, seed)
    return PairSampler(
        recipe,
        part,
        numbers=numbers_of(data, recipe),
        read=_reader(data, recipe, part, names),
        names={level: found for level, found in names.items() if found},
        pairs=pairs,
        grid=grid,
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
            level = one_of([*self.names], rng)
            planes = self.read(level, one_of(self.names[level], rng), rng)
            corner = _corner(planes, patches.side, rng)
        cut = _cut(planes, corner, patches.side)
        image, truth, valid = augment_planes(cut, patches.augment, rng)
        enter = self.numbers.enter
        return Batch.of_patch(enter(image), enter(truth), valid, self.recipe.units)


def _reader(data: DataSet, recipe: Recipe, part: Part, names: Names) -> PairReader:
    scale = scale_of(recipe)

    def beside_truth(level: int, name: str, rng: np.random.Generator) -> Planes:
        pair = data.pair(name, level, scale)
        where = data.inputs[level][name].where
        return Planes(pair.image, pair.truth, pair.valid, where)

    if recipe.pairs.target == "truth" or part == "validation":
        return beside_truth
    if scale != 1:
        raise UsageError(
            f"another capture is no truth for a network that enlarges x{scale}",
            hint='set pairs.target="truth"',
        )
    return CaptureReader.of(data, names)


def numbers_of(data: DataSet, recipe: Recipe) -> Linear:
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
