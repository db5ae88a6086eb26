"""What is asked of the rows of W2S's tables, with scores made up."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from w2s_cli.bench.claims.claims_of_w2s import (
    DENOISERS,
    ENLARGING,
    JOINT,
    SEQUENCES,
    SUITE,
    comparisons,
)
from w2s_cli.bench.config import CLEAN, NOISY, MethodConfig, Row
from w2s_cli.bench.results import BenchResult
from w2s_cli.bench.run_bench import MethodResult, Selection
from w2s_cli.bench.run_image import ImageResult
from w2s_cli.datasets import find

DATA = find("simulated-averages")
LEVELS = [level for level in DATA.levels if level != DATA.clean]
ERRORS = {
    **{one: 60.0 + at for at, one in enumerate(DENOISERS)},
    NOISY: 170.0,
    **{f"{CLEAN}+{sr}": 80.0 for sr in ENLARGING},
    **{f"{NOISY}+{sr}": 200.0 for sr in ENLARGING},
    **{
        f"{one}+{sr}": 130.0 + at
        for at, one in enumerate(DENOISERS)
        for sr in ENLARGING
    },
    **dict.fromkeys(JOINT, 100.0),
    "jdsr-texture": 102.0,  # the price
    "jdsr-pixels": 101.0,
    **dict.fromkeys(SEQUENCES, 125.0),
}
"""RMSE at the noisiest level, as if everything held but for the classical methods."""


def bench(errors: Mapping[str, float] = ERRORS) -> BenchResult:
    """Return a bench with such means, fields that differ, and a little chance."""
    rows = dict.fromkeys(
        row for one in comparisons(LEVELS, {}) for row in _rows(one, DATA.clean)
    )
    found = [_measured(row, errors) for row in rows]
    config = MethodConfig(metrics=SUITE.metrics)
    return SUITE.decided(BenchResult(found, Selection(DATA, "test"), config, "plain"))


def _rows(one, clean) -> list[Row]:
    """Return rows as the bench makes them, whether or not there are weights."""
    first = [NOISY, *one.denoisers] if one.denoisers else []
    pairs = [(d, sr) for d in first for sr in one.sr or [""]]
    pairs += [("", joint) for joint in one.joint]
    rows = [Row(*pair, level) for level in one.levels for pair in pairs]
    return rows + [Row(CLEAN, sr, clean) for sr in one.sr]


def _measured(row: Row, errors: Mapping[str, float]) -> MethodResult:
    rng = np.random.default_rng(len(row.name) * 1000 + row.level)
    images = []
    for field in range(12):
        less = 1 if row.level == DATA.clean else row.level**0.3
        rmse = errors[row.name] / less * (1 + field / 12) * (1 + 1e-3 * rng.normal())
        scores = {
            "rmse": rmse,
            "psnr": 60 - 20 * np.log10(rmse),
            "ssim": 1 - rmse / 1000,
            "decorrelation": 3.0 if row.name == "jdsr-texture" else 4.0 + 0.01 * field,
            "frc": 5.0,
        }
        images.append(ImageResult(f"{field}", f"{field}", "", scores, 0.1))
    return MethodResult(row, images)


def verdicts(result: BenchResult) -> dict[str, str]:
    return {claim.letter: claim.verdict for claim in result.claims}


def test_every_claim_may_hold() -> None:
    errors = {**ERRORS, **dict.fromkeys(("pure-let", "vst+epll", "vst+bm3d"), 80.0)}
    errors |= {"dncnn": 50.0, "ridnet": 45.0}  # ridnet is best alone, dncnn in pairs
    for sr in ENLARGING:
        errors[f"dncnn+{sr}"] = 120.0
    found = bench(errors)
    assert set(verdicts(found).values()) == {"holds"}
    [mixed] = [claim for claim in found.claims if claim.letter == "b3"]
    assert [one.what for one in mixed.differences] == [
        "ridnet over dncnn, alone",
        "dncnn+rcan over ridnet+rcan",
    ] or mixed.differences[1].what.startswith("dncnn+")
    [price] = [claim for claim in found.claims if claim.letter == "d"]
    assert [one.metric for one in price.differences if not one.decides] == [
        *("rmse", "psnr", "ssim", "frc")
    ]
    assert "beside it rmse -" in price.sentence


@pytest.mark.parametrize(
    ("letter", "changed"),
    [
        ("a", {f"{NOISY}+san": 70.0}),
        ("b1", {f"memnet+{sr}": 250.0 for sr in ENLARGING}),
        ("b2", {f"memnet+{sr}": 60.0 for sr in ENLARGING}),
        ("c", {"jdsr-esrgan": 140.0}),
        ("e2", {"jdsr-esrgan": 140.0}),
    ],
)
def test_a_claim_does_not_hold_where_one_row_is_against_it(letter, changed) -> None:
    assert verdicts(bench())[letter] == "holds"
    assert verdicts(bench(ERRORS | changed))[letter] == "does not hold"


def test_the_best_denoiser_with_the_best_pair_speaks_against_the_claim() -> None:
    found = bench(ERRORS | dict.fromkeys(SEQUENCES, 140.0))
    assert verdicts(found)["b3"] == "does not hold"
    even = dict.fromkeys(DENOISERS, 60.0) | {
        f"{one}+{sr}": 130.0 for one in DENOISERS for sr in ENLARGING
    }
    assert verdicts(bench(ERRORS | even))["b3"] == "not decided"


def test_classical_methods_that_are_better_speak_against_networks() -> None:
    assert verdicts(bench())["e1"] == "does not hold"


def test_a_row_without_a_mean_leaves_its_claims_open() -> None:
    found = bench()
    rows = [one for one in found.rows if one.row.name != "vst+bm3d+rcan"]
    less = BenchResult(rows, found.selection, found.config, "plain")
    assert verdicts(SUITE.decided(less)) == {
        **{"a": "holds", "b1": "not measured", "b2": "not measured"},
        **{"b3": "not measured", "c": "not measured", "d": "holds"},
        **{"e1": "does not hold", "e2": "holds", "e3": "holds"},
    }


@pytest.mark.parametrize(
    ("name", "metric", "asked", "whole"),
    [
        (NOISY, "decorrelation", ("decorrelation",), True),  # nobody named that row
        ("dncnn", "decorrelation", ("frc",), True),
        ("dncnn", "decorrelation", ("decorrelation",), False),
        ("dncnn", "rmse", (), False),
        ("jdsr-texture", "decorrelation", (), False),  # claim d
        ("jdsr-texture", "frc", (), True),  # its price, told beside
    ],
)
def test_what_is_not_finite_counts_where_something_rests_on_it(
    name: str, metric: str, asked: tuple[str, ...], whole: bool
) -> None:
    found = bench()
    assert found.whole
    [one] = [o for o in found.rows if (o.row.name, o.row.level) == (name, 1)]
    broken = {**one.images[3].scores, metric: np.inf}
    images = [*one.images[:3], replace(one.images[3], scores=broken), *one.images[4:]]
    rows = [MethodResult(one.row, images) if o is one else o for o in found.rows]
    result = SUITE.decided(replace(found, rows=rows, asked=asked))
    assert result.whole is whole
    said = f"{name} at level 1: {metric} has no finite value, and so no mean, for 3"
    [remark] = result.remarks
    assert remark == said + "; nothing that was asked for rests on it" * whole
    images[3] = replace(images[3], error="broken", scores={})
    assert not result.whole


def test_the_rows_are_those_of_the_tables() -> None:
    names = {(one.row.name, one.row.level) for one in bench().rows}
    assert len(names) == 5 * 7 + 7 * 6 + 6 + 4 + 4 * 5
    assert ("dncnn+esrgan", 16) in names
    assert ("noise-free+rcan", 400) in names
