"""The sets that are simulated: always the same, and as noisy as they say."""

import numpy as np
import pytest

from w2s_cli.datasets import MADE, find
from w2s_cli.errors import InputError

AVERAGES = find("simulated-averages")


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_set_that_is_made_has_pairs_and_splits(name: str) -> None:
    found = find(name)
    assert found.name == name
    assert {"test", "validation"} <= found.splits.keys()
    scale = found.scales[-1]
    pair = next(found.pairs("test", found.levels[0], scale))
    assert pair.truth.shape == tuple(scale * side for side in pair.image.shape)
    again = find(name).pair(pair.name, found.levels[0], scale)
    assert np.array_equal(pair.image, again.image)
    with pytest.raises(InputError, match="is no data set that w2s knows"):
        find("/", kind=name)


def test_averages_of_more_captures_have_less_noise() -> None:
    pairs = {level: AVERAGES.pair("005_1", level) for level in AVERAGES.levels}
    spread = {n: np.std(pair.image - pair.truth) for n, pair in pairs.items()}
    for captures, sd in spread.items():
        assert sd == pytest.approx(spread[1] / np.sqrt(captures), rel=0.02)
    noise = pairs[4].noise
    assert noise is not None
    error = (pairs[4].image - pairs[4].truth) ** 2
    expected = noise.gain * (pairs[4].truth - noise.offset) + noise.read_noise**2
    assert error.mean() == pytest.approx(expected.mean(), rel=0.02)


def test_training_fields_are_seen_twice_and_are_not_those_to_test() -> None:
    groups = {
        split: {AVERAGES.group_of(name) for name in names}
        for split, names in AVERAGES.splits.items()
    }
    assert not groups["train"] & (groups["test"] | groups["validation"])
    assert len(AVERAGES.splits["train"]) == 2 * len(groups["train"]) == 36
    first, second = (AVERAGES.pair(f"017_{number}", 1) for number in (1, 2))
    assert np.array_equal(first.truth, second.truth)
    assert not np.array_equal(first.image, second.image)
