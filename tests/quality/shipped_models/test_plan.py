"""Which methods are checked, by which checks, and what is not run."""

from pathlib import Path

import pytest

from shipped_models.checks import CHECKS, SHIPPED, planned, subjects_of
from shipped_models.setting import Subject
from w2s_cli.errors import UsageError


def test_methods_get_the_checks_of_their_scale() -> None:
    plan = planned(subjects_of(SHIPPED))
    named = {(check.name, subject.method) for check, subject in plan}
    assert {("denoising", "denoise"), ("jdsr-real", "jdsr")} <= named
    assert {("flat", "denoise"), ("flat", "jdsr")} <= named
    assert not {("denoising", "jdsr"), ("jdsr-real", "denoise")} & named
    assert {name for name, _ in named} == {check.name for check in CHECKS}


def test_nothing_to_check() -> None:
    with pytest.raises(UsageError, match="none of these checks is for the methods"):
        planned([Subject("jdsr")], CHECKS[:1])
    with pytest.raises(UsageError, match=r"bicubic\+bicubic enlarges x4"):
        planned([Subject("bicubic+bicubic")])


def test_a_check_without_its_images_says_what_it_needs(data: Path) -> None:
    wanted = {check.name: check for check in CHECKS if check.needs}
    assert len(wanted) == 7
    assert wanted["denoising"].missing(None) == (
        "needs w2s/index.csv: no --images folder is named"
    )
    empty = data / "pairs_hagen" / "nothing"
    empty.mkdir()
    assert wanted["jdsr-real"].missing(empty) == (
        f"needs sim_pair/er_sim.tif: not in {empty}"
    )
    assert not any(check.missing(data) for check in CHECKS)


def test_weights_and_options_go_to_their_methods() -> None:
    given = subjects_of(["denoise=mine.safetensors", "gaussian"], ["sigma=3"])
    assert [(one.weights, one.options) for one in given] == [
        ((Path("mine.safetensors"),), ()),
        ((), ("sigma=3",)),
    ]
    with pytest.raises(UsageError, match="-O sigma=3 is for no method"):
        subjects_of(["denoise"], ["sigma=3"])
