import pytest

from w2s_cli.datasets.data_set import DataSet
from w2s_cli.errors import InputError, NothingMatchedError, UnknownNameError, UsageError
from w2s_cli.training.patches.real_pairs import select_pairs
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import Pairs

NAMES = [f"{field:03d}_{channel}" for field in range(1, 31) for channel in range(2)]


def _data(names=NAMES, splits=None) -> DataSet:
    images = dict.fromkeys(names)
    inputs = {1: images, 4: {name: None for name in names if name.endswith("_0")}}
    return DataSet(
        *("toy", "", "the place", "z", 1.0),
        inputs=inputs,
        truths={1: images},
        splits=splits or {},
    )


def _names(part: str, data: DataSet, recipe: Recipe | None = None, **pairs) -> dict:
    recipe = recipe or Recipe("r", pairs=Pairs(**pairs))
    return select_pairs(data, recipe, part, 1)


def test_the_splits_of_a_set() -> None:
    data = _data(splits={"train": NAMES[:40], "validation": NAMES[36:50]})
    assert _names("validation", data) == {1: NAMES[36:50]}
    assert _names("training", data) == {1: NAMES[:36]}
    assert _names("training", data, split="all") == {1: NAMES[:36] + NAMES[50:]}
    levels = _names("training", data, levels=(1, 4))
    assert levels == {1: NAMES[:36], 4: NAMES[:36:2]}


def test_the_published_split_holds_nothing_back() -> None:
    splits = {"train": NAMES[:40], "validation": NAMES[40:50], "published": NAMES[:50]}
    data = _data(splits=splits)
    assert _names("training", data, split="published") == {1: NAMES[:50]}
    assert _names("validation", data, split="published") == {1: NAMES[40:50]}


def test_every_tenth_field_validates_where_no_split_does() -> None:
    data = _data(splits={"train": NAMES[:50]})
    held = _names("validation", data, levels=(1, 4))
    kept = _names("training", data, levels=(1, 4))
    fields = {name[:3] for names in held.values() for name in names}
    assert fields == {"001", "011", "021"}
    assert {level: len(names) for level, names in held.items()} == {1: 6, 4: 3}
    assert not fields & {name[:3] for names in kept.values() for name in names}
    for level in (1, 4):
        both = sorted(held[level] + kept[level])
        assert both == [name for name in NAMES[:50] if name in data.inputs[level]]


def test_fields_by_their_number() -> None:
    pairs = Pairs(split="all", fields=True)
    recipe = Recipe("r", pairs=pairs, train_fields=(3, 6), validation_fields=(6, 7))
    assert _names("training", _data(), recipe) == {1: NAMES[4:10]}
    assert _names("validation", _data(), recipe) == {1: NAMES[10:14]}
    with pytest.raises(InputError, match="the field 'a' of the place has no number"):
        _names("training", _data(["a", "b"]), recipe)


def test_few_pairs_drawn_by_the_seed() -> None:
    few = _names("training", _data(), split="all", levels=(1, 4), few=20)
    whole = _names("training", _data(), split="all", levels=(1, 4))
    assert sum(map(len, few.values())) == 20
    assert all(set(few[level]) < set(whole[level]) for level in (1, 4))
    assert few == _names("training", _data(), split="all", levels=(1, 4), few=20)
    other = Recipe("r", seed=1, pairs=Pairs(split="all", levels=(1, 4), few=20))
    assert few != _names("training", _data(), other)
    validation = _names("validation", _data(), split="all", few=1)
    assert len(validation[1]) == 6


@pytest.mark.parametrize(
    ("pairs", "kind", "message", "hint"),
    [
        ({"levels": ()}, UsageError, "pairs.levels is empty", "pairs.levels=[1]"),
        (
            {"split": "all", "levels": (2,)},
            UsageError,
            "has no level 2",
            "it has 1, 4",
        ),
        ({"split": "trian"}, UnknownNameError, "no split is called 'trian'", "all"),
        (
            {"split": "all", "few": 55},
            UsageError,
            "asks for 55 pairs, the place has 54 for training",
            "pairs.few=0",
        ),
        (
            {"split": "all", "validation": "all"},
            NothingMatchedError,
            "the place has no pair for training",
            "pairs.validation",
        ),
    ],
)
def test_what_cannot_be_chosen(pairs, kind, message: str, hint: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        _names("training", _data(), **pairs)
    assert hint in caught.value.hint


def test_one_field_cannot_both_teach_and_judge() -> None:
    data = _data(NAMES[:2])
    assert _names("validation", data, split="all") == {1: NAMES[:2]}
    with pytest.raises(NothingMatchedError, match="has no pair for training"):
        _names("training", data, split="all")


def test_all_of_a_set_without_splits_is_there_to_train_on() -> None:
    data = _data()
    held = _names("validation", data)[1]
    assert held == [name for name in NAMES if name[:3] in ("001", "011", "021")]
    assert _names("training", data)[1] == [n for n in NAMES if n not in held]
    with pytest.raises(UnknownNameError, match="'trai'"):
        _names("training", data, split="trai")
