"""Which pairs are for the training, and which for the validation.

A pair belongs to one of both, and so does its field of view.
"""

import re
from typing import TYPE_CHECKING

import numpy as np

from w2s_cli.datasets.data_set import ALL
from w2s_cli.errors import InputError, NothingMatchedError, UsageError

if TYPE_CHECKING:
    from w2s_cli.datasets.data_set import DataSet
    from w2s_cli.training.patches import Part
    from w2s_cli.training.recipe import Recipe

Names = dict[int, list[str]]  # by level
_TENTH = 10


def select_pairs(data: "DataSet", recipe: "Recipe", part: "Part", scale: int) -> Names:
    """Return the names of the pairs of a part, by their level.

    The part "validation" has the pairs of the recipe's split of that name. Where a set
    has no such split, it is every tenth field of view (group) of the training split;
    all of a set without splits, such as two folders, is its split "train".
    With `recipe.pairs.fields`, both parts are those fields of view that the recipe
    numbers. What is in it, the part "training" is without.

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
    return _few(found, few, recipe.seed) if few else found


def _of_level(
    data: "DataSet", recipe: "Recipe", part: "Part", level: int, scale: int
) -> list[str]:
    held = _validation_names(data, recipe, level, scale)
    if part == "validation":
        return held
    names = data.names(_split(data, recipe), level, scale)
    if recipe.pairs.fields:
        names = _within(data, names, recipe.train_fields)
    return [name for name in names if name not in set(held)]


def _validation_names(
    data: "DataSet", recipe: "Recipe", level: int, scale: int
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
    groups = _groups(data, split)[::_TENTH]
    return [name for name in names if data.group_of(name) in groups]


def _split(data: "DataSet", recipe: "Recipe") -> str:
    """Return the split to train on: all of a set that nobody has split."""
    split = recipe.pairs.split
    return ALL if split == "train" and not data.splits else split


def _groups(data: "DataSet", split: str) -> list[str]:
    """Return all groups of a split, whatever their level, in order."""
    everything = set[str]().union(*data.inputs.values())
    names = data.splits.get(split, everything)
    return sorted({data.group_of(name) for name in names})


def _within(data: "DataSet", names: list[str], span: tuple[int, int]) -> list[str]:
    first, last = span
    return [name for name in names if first <= _number(data, name) <= last]


def _number(data: "DataSet", name: str) -> int:
    """Return the last number in the name of a field of view."""
    group = data.group_of(name)
    numbers = re.findall(r"\d+", group)
    if not numbers:
        raise InputError(
            f"the field {group!r} of {data.place} has no number",
            hint="set pairs.fields=false, and train on a split",
        )
    return int(numbers[-1])


def _few(found: Names, few: int, seed: int) -> Names:
    everything = [(level, name) for level, names in found.items() for name in names]
    rng = np.random.default_rng([seed, few])
    chosen = [everything[i] for i in sorted(rng.permutation(len(everything))[:few])]
    return {level: [name for at, name in chosen if at == level] for level in found}
