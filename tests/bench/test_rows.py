"""The rows of a bench: every combination that is asked for, and no other."""

from dataclasses import replace
from pathlib import Path

import pytest

from w2s_cli.bench.config import BenchConfig, Row
from w2s_cli.errors import UnknownNameError, UsageError, WeightsError
from w2s_cli.networks.rdn import RDN
from w2s_cli.weights import checkpoint

RCAN = {"rcan": "rcan.pth"}


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
    comparison = BenchConfig(
        *(["gaussian"], ["bicubic", "rcan"], ["jdsr"]), levels=[2], weights=RCAN
    )
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
        *(["gaussian", "median"], ["rcan"]),
        weights=RCAN,
        options=["sigma=2", "rcan.units=z"],
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
        (BenchConfig(joint=["auto-x2"]), "auto-x2 takes another method for each image"),
        (
            BenchConfig(["median"], weights={"rcan": "a.pth"}),
            "weights are given for rcan, which is not among the methods",
        ),
        (
            BenchConfig(["median"], weights={"median": "a.pth"}),
            "weights are given for median, which takes none",
        ),
        (BenchConfig(sr=["=a.pth"]), "as LABEL=FILE, found '=a.pth'"),
        (BenchConfig(sr=["A="]), "as LABEL=FILE, found 'A='"),
        (BenchConfig(sr=["noisy=a.pth"]), "as LABEL=FILE, found 'noisy=a.pth'"),
        (
            BenchConfig(sr=["A=a.pth", "A=b.pth"]),
            "two of the methods would be called A",
        ),
    ],
)
def test_contests_that_make_no_sense(comparison: BenchConfig, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        comparison.rows()


def test_weights_find_their_method_among_others_that_take_some() -> None:
    """`denoise` has weights of its own, and a chain may hold a network anywhere."""
    comparison = BenchConfig(["denoise"], ["rcan"], ["denoise+rcan"], weights=RCAN)
    rows = comparison.rows()
    rcan = Path("rcan.pth")
    assert [row.weights for row in rows] == [(rcan,), (None, rcan), (None, rcan)]
    assert rows[1].weights_by_part == ((None,), (rcan,))


def test_networks_without_weights_are_all_named_at_once() -> None:
    with pytest.raises(WeightsError) as told:
        BenchConfig(["median", "n2n-unet"], ["noise2sr-paper"]).rows()
    assert str(told.value) == "noise2sr-paper and n2n-unet have no weights of their own"
    assert told.value.hint == (
        "give a file with --weights noise2sr-paper=FILE --weights n2n-unet=FILE; or "
        "train noise2sr-paper: w2s train noise2sr-paper; or take a published n2n-unet "
        "by its own name: n2n-fmd; or train n2n-unet: w2s train n2n-fmd"
    )


def test_networks_of_the_papers_have_weights() -> None:
    rows = BenchConfig(["dncnn"], ["rcan"], ["jdsr-rcan"]).rows()
    assert names(rows) == [("noisy+rcan", 1), ("dncnn+rcan", 1), ("jdsr-rcan", 1)]
    assert [row.scale for row in rows] == [2, 2, 2]


def test_a_label_stands_for_the_method_of_its_weights(tmp_path: Path) -> None:
    for level in (1, 4):
        state = RDN(4, 1, 1).state_dict()
        checkpoint.save(tmp_path / f"b_{level}.safetensors", state, {})
    file = f"{tmp_path}/b_{{level}}.safetensors"
    rows = BenchConfig(sr=[f"B={file}"], levels=[1, 4]).rows(clean=4)
    assert names(rows) == [("noisy+B", 1), ("noisy+B", 4)]
    assert [row.method for row in rows] == ["rdn", "rdn"]
    assert rows[1].weights == (tmp_path / "b_4.safetensors",)
    named = BenchConfig(sr=[f"rdn={file}"]).rows()[0]
    assert (named.name, named.labels) == ("noisy+rdn", ("", "rdn"))
    with pytest.raises(UsageError, match="is for the method rdn, and would be called"):
        BenchConfig(sr=[f"rcan={file}"]).rows()


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(UnknownNameError, match="medain"):
        BenchConfig(["medain"]).rows()
