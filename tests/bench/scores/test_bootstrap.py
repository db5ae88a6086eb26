from itertools import product
from statistics import NormalDist

import numpy as np
import pytest

from w2s_cli.bench.scores import intervals
from w2s_cli.bench.scores.intervals import Interval, interval


def names(groups: int, size: int) -> list[str]:
    return [f"{group:03}" for group in range(groups) for _ in range(size)]


@pytest.mark.parametrize("groups", [40, 10])
def test_holds_the_mean_as_often_as_it_says(groups: int) -> None:
    """Fields differ by 1, images of a field by 0.3 more; the mean of all is 5."""
    rng = np.random.default_rng(0)
    trials, held = 500, 0
    for config in range(trials):
        fields = np.repeat(rng.normal(5, 1, groups), 3)
        values = fields + rng.normal(0, 0.3, fields.size)
        found = interval(values, names(groups, 3), resamples=1000, seed=config)
        held += found.low <= 5 <= found.high
    assert held / trials == pytest.approx(0.945, abs=0.02)


def test_images_drawn_one_by_one_would_claim_too_much() -> None:
    rng = np.random.default_rng(1)
    values = np.repeat(rng.normal(size=30), 3)
    fields = interval(values, names(30, 3))
    images = interval(values, names(90, 1))
    width = (fields.high - fields.low) / (images.high - images.low)
    assert width == pytest.approx(np.sqrt(3), rel=0.08)  # and a little for fewer


def test_mean_is_over_images_whatever_the_sizes_of_groups() -> None:
    values, groups = [1.0, 2.0, 3.0, 10.0], ["a", "a", "a", "b"]
    found = interval(values, groups)
    assert found.mean == 4
    assert (found.low, found.high) == pytest.approx((2, 10))
    assert found.groups == 2


def test_is_the_same_again_and_in_any_order() -> None:
    rng = np.random.default_rng(2)
    values, groups = rng.normal(size=60), names(20, 3)
    found = interval(values, groups)
    assert interval(values, groups) == found
    turned = interval(values[::-1], groups[::-1])
    assert (turned.low, turned.high) == pytest.approx((found.low, found.high))
    assert interval(values, groups, seed=1) != found


def test_moves_and_grows_with_the_values() -> None:
    values, groups = np.arange(30.0), names(10, 3)
    found = interval(values, groups)
    scaled = interval(3 * values - 7, groups)
    assert scaled.low == pytest.approx(3 * found.low - 7)
    assert scaled.high == pytest.approx(3 * found.high - 7)
    wider = interval(values, groups, level=0.99)
    assert wider.low < found.low < found.mean < found.high < wider.high


def test_many_fields_give_the_interval_of_the_normal_distribution() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=2000)
    found = interval(values, names(2000, 1), resamples=2000)
    error = values.std() / np.sqrt(2000)
    assert found.high - found.mean == pytest.approx(1.96 * error, rel=0.08)


def test_draws_in_blocks_are_the_same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    values, groups = np.arange(12.0), names(12, 1)
    found = interval(values, groups, resamples=501)
    monkeypatch.setattr(intervals, "_MOST_AT_ONCE", 1200)
    assert interval(values, groups, resamples=501) == found


def test_one_group_says_nothing_of_others() -> None:
    assert interval([1, 2, 6], ["a"] * 3) == Interval(3, None, None, 1)


def test_draws_are_those_of_all_there_are() -> None:
    """Six groups can be drawn in 6^6 ways; Student's t of 5 degrees is 2.571."""
    values = np.array([31.2, 30.8, 33.5, 29.9, 35.1, 32.2, 34.0])
    found = interval(values, [*"aabcdef"], resamples=40_000)
    sums = np.array([62.0, *values[2:]])
    draws = np.array([*product(range(6), repeat=6)])
    means = sums[draws].sum(1) / np.where(draws == 0, 2, 1).sum(1)
    tail = NormalDist().cdf(-2.570582 * np.sqrt(6 / 5))
    ends = np.quantile(means, (tail, 1 - tail))
    assert (found.low, found.high) == pytest.approx(ends, abs=0.1)
    assert found.mean == pytest.approx(32.3857, abs=1e-4)
