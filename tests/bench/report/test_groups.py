"""Which rows compete, how they rank, and which images are shown."""

from math import nan

import numpy as np
import pytest

from w2s_cli.bench.config import NOISY, Row
from w2s_cli.bench.report.examples import chosen
from w2s_cli.bench.report.ranking import Group, RankedRow, grouped, noisiest
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.run_bench import MethodResult
from w2s_cli.bench.run_image import ImageResult

METRICS = ("rmse", "ssim")
ERRORS = np.array([0.2, 0.5, 0.3, 0.4, 0.9, 0.1])


def measured(name: str, rmse: np.ndarray, seconds: float = 1.0) -> MethodResult:
    images = [
        ImageResult(f"{n}_0", str(n), "", {"rmse": one, "ssim": 1 - one}, seconds)
        for n, one in enumerate(rmse)
    ]
    return MethodResult(Row(name, "", 1), images)


def group(*rows: MethodResult) -> Group:
    results = [
        RankedRow(row, {metric: row.interval(metric) for metric in METRICS}, {})
        for row in rows
    ]
    return Group(1, 1, results)


def names(results: list[RankedRow]) -> list[str]:
    return [result.name for result in results]


ROWS = group(
    measured(NOISY, ERRORS / 9, 1e-6),
    measured("median", ERRORS + 0.1, 0.5),
    measured("gaussian", ERRORS, 2.0),
    measured("wavelet", ERRORS + np.tile([0.01, -0.008], 3)),
    measured("nlm", np.full(6, nan)),
)


@pytest.mark.parametrize("metric", METRICS)
def test_methods_rank_by_what_is_better(metric: str) -> None:
    ranked = [result for result, _ in ROWS.ranked(metric)]
    assert names(ranked) == ["gaussian", "wavelet", "median"]


@pytest.mark.parametrize("metric", METRICS)
def test_what_chance_may_explain_is_near_the_best(metric: str) -> None:
    """Intervals of all three overlap; only paired differences tell them apart."""
    low = ROWS.results[1].means[metric]
    assert low is not None
    assert low.low < ROWS.results[2].means[metric].high
    assert names(ROWS.near_best(metric)) == ["wavelet"]


def test_one_field_tells_nothing_apart() -> None:
    one = group(measured("median", ERRORS[:1]), measured("gaussian", ERRORS[:1]))
    assert one.near_best("rmse") == []
    assert group().near_best("rmse") == []


def test_the_input_is_no_method() -> None:
    assert names(ROWS.methods) == ["median", "gaussian", "wavelet", "nlm"]
    assert ROWS.fastest is ROWS.results[1]
    assert group(ROWS.results[0].measured).fastest is None


def test_groups_are_of_one_scale_and_level(bench: BenchResult) -> None:
    groups = grouped(bench)
    titles = ["level 1", "level 4", "level 1, x2", "level 4, x2"]
    assert [one.title for one in groups] == titles
    assert [names(one.results) for one in groups[1:3]] == [
        ["noisy", "gaussian", "median"],
        ["noisy+bicubic", "gaussian+bicubic"],
    ]
    assert [one.title for one in noisiest(groups)] == ["level 1", "level 1, x2"]


def test_the_median_and_the_worst_image_are_shown() -> None:
    some = group(*(result.measured for result in ROWS.results[:3]))
    assert chosen(some, "rmse") == {"2_0": "median", "4_0": "worst"}
    assert chosen(some, "ssim") == {"2_0": "median", "4_0": "worst"}
    assert chosen(group(measured("nlm", ERRORS[:1])), "rmse") == {"0_0": "median"}
    assert chosen(group(measured("nlm", ERRORS[:2] * nan)), "rmse") == {"0_0": "first"}
    assert chosen(group(), "rmse") == {}


def test_where_no_method_competes_the_input_decides() -> None:
    assert chosen(group(ROWS.results[0].measured), "rmse")["4_0"] == "worst"


def test_a_row_that_refused_an_image_has_no_rank(bench: BenchResult) -> None:
    first = grouped(bench)[0]
    assert [one.name for one, _ in first.ranked("rmse")] == ["gaussian"]
