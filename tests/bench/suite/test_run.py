from dataclasses import replace
from pathlib import Path

import pytest

from w2s_cli.bench.suite import CHECKS
from w2s_cli.bench.suite.run import SHIPPED, checks_named, planned, run
from w2s_cli.bench.suite.setting import Setting, Subject
from w2s_cli.errors import UnknownNameError, UsageError


def test_checks_by_name() -> None:
    assert checks_named(["shipped"]) == [*CHECKS]
    assert [one.name for one in checks_named(["flat", "denoising"])] == [
        "denoising",
        "flat",
    ]
    with pytest.raises(UnknownNameError, match="no check is called 'flut'") as caught:
        checks_named(["flut"])
    assert caught.value.hint == "did you mean 'flat'?"


def test_methods_get_the_checks_of_their_scale() -> None:
    plan = planned([Subject(name) for name in SHIPPED], checks_named(["shipped"]))
    named = {(entry.name, subject.method) for entry, subject in plan}
    assert {("denoising", "denoise"), ("jdsr-real", "jdsr")} <= named
    assert {("flat", "denoise"), ("flat", "jdsr")} <= named
    assert not {("denoising", "jdsr"), ("jdsr-real", "denoise")} & named
    assert {name for name, _ in named} == {entry.name for entry in CHECKS}


def test_nothing_to_check() -> None:
    with pytest.raises(UsageError, match="none of these checks is for the methods"):
        planned([Subject("jdsr")], checks_named(["denoising"]))
    with pytest.raises(UsageError, match=r"bicubic\+bicubic enlarges x4"):
        planned([Subject("bicubic+bicubic")], checks_named(["flat"]))


def test_a_check_without_its_images_is_not_run(setting: Setting, data: Path) -> None:
    def missing(setting: Setting) -> dict[str, str]:
        wanted = [entry for entry in CHECKS if entry.needs]
        plan = planned([Subject("identity"), Subject("bicubic")], wanted)
        outcomes = [*run(plan, setting)]
        assert {one.verdict for one in outcomes} == {"not run"}
        return {one.check: one.missing for one in outcomes}

    nowhere = missing(replace(setting, data=None))
    assert nowhere["denoising"] == ("needs w2s/index.csv: no --data folder is named")
    assert len(nowhere) == 5
    empty = data / "pairs_hagen" / "nothing"
    empty.mkdir()
    elsewhere = missing(replace(setting, data=empty))
    assert elsewhere["jdsr-real"] == f"needs sim_pair/er_sim.tif: not in {empty}"
