"""The rows of a bench: every combination that is asked for, and no other."""

from dataclasses import replace
from pathlib import Path

import pytest

from w2s_cli.bench.config import BenchConfig, Row
from w2s_cli.errors import UnknownNameError, UsageError


def names(rows: list[Row]) -> list[tuple[str, int]]:
    return [(row.name, row.level) for row in rows]


def test_denoisers_stand_beside_the_noisy_image() -> None:
    rows = BenchConfig(["gaussian", "vst+bm3d"], levels=[1, 4]).rows(clean=400)
    assert names(rows) == [
        (name, level) for level in (1, 4) for name in ("noisy", "gaussian", "vst+bm3d")
    ]
    assert [row.method for row in rows[:3]] == ["identity", "gaussian", "vst+bm3d"]
    assert {row.scale for row in rows} == {1}


def test_every_denoiser_goes_before_every_enlargement() -> None:
    comparison = BenchConfig(["gaussian"], ["bicubic", "rcan"], ["jdsr"], levels=[2])
    rows = comparison.rows(clean=400)
    assert names(rows) == [
        ("noisy+bicubic", 2),
        ("noisy+rcan", 2),
        ("gaussian+bicubic", 2),
        ("gaussian+rcan", 2),
        ("jdsr", 2),
        ("noise-free+bicubic", 400),
        ("noise-free+rcan", 400),
    ]
    assert [row.method for row in rows[::2]] == [
        *("bicubic", "gaussian+bicubic", "jdsr", "rcan")
    ]
    assert {row.scale for row in rows} == {2}


def test_an_option_may_make_a_method_enlarge() -> None:
    comparison = BenchConfig(
        sr=["richardson-lucy"], options=["richardson-lucy.scale=2"]
    )
    assert [row.scale for row in comparison.rows()] == [2]
    with pytest.raises(UsageError, match="richardson-lucy enlarges x1"):
        replace(comparison, options=()).rows()


def test_networks_that_do_both_need_no_company() -> None:
    assert names(BenchConfig(joint=["jdsr"]).rows()) == [("jdsr", 1)]


def test_weights_and_names_follow_the_level() -> None:
    comparison = BenchConfig(
        ["dncnn-w2s-avg{level}"],
        ["rcan"],
        levels=[1, 16],
        weights={"rcan": "nets/rcan_{level}.pth"},
    )
    [_, first, _, second] = comparison.rows()
    assert first.method == "dncnn-w2s-avg1+rcan"
    assert second.method == "dncnn-w2s-avg16+rcan"
    assert second.weights == (Path("nets/rcan_16.pth"),)


def test_options_go_to_the_rows_that_have_them() -> None:
    comparison = BenchConfig(
        ["gaussian", "median"], ["rcan"], options=["sigma=2", "rcan.units=z"]
    )
    assert [row.options for row in comparison.rows()] == [
        ("rcan.units=z",),
        ("sigma=2", "rcan.units=z"),
        ("rcan.units=z",),
    ]
    assert [row.options for row in BenchConfig(["median"]).rows()] == [(), ()]


@pytest.mark.parametrize("option", ["gaussian.tau=2", "nlm.strength=1", "tau"])
def test_an_option_of_no_method_is_refused(option: str) -> None:
    with pytest.raises(UsageError, match=f"-O {option} is for no method that is named"):
        BenchConfig(["gaussian"], options=[option]).rows()


@pytest.mark.parametrize(
    ("comparison", "message"),
    [
        (BenchConfig(), "there is nothing to compare"),
        (BenchConfig(["bicubic"]), "bicubic enlarges x2"),
        (BenchConfig(sr=["median"]), "median enlarges x1"),
        (BenchConfig(joint=["median"]), "median enlarges x1"),
        (BenchConfig(["auto"]), "auto takes another method for each image"),
        (
            BenchConfig(["median"], weights={"rcan": "a.pth"}),
            "weights are given for rcan, which is not compared",
        ),
    ],
)
def test_contests_that_make_no_sense(comparison: BenchConfig, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        comparison.rows()


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(UnknownNameError, match="medain"):
        BenchConfig(["medain"]).rows()
