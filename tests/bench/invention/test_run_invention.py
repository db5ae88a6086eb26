"""What is invented is counted, and nothing is where nothing was."""

from dataclasses import replace

import numpy as np
import pytest

from w2s_cli.bench.invention import run_invention as running
from w2s_cli.bench.invention.invention_result import OURS, RIVAL, InventionResult
from w2s_cli.bench.invention.run_invention import Invented, run_invention
from w2s_cli.bench.invention.scenes import SCENES
from w2s_cli.pipeline.spec import RestoreSpec


@pytest.fixture(scope="module")
def found() -> InventionResult:
    specs = [RestoreSpec("identity"), RestoreSpec("gaussian+bicubic")]
    lines, examples = [], []
    for some, example in run_invention(specs, [1, 2], lights=[5], side=64):
        lines += some
        examples.append(example)
    return InventionResult(lines, examples, 1.0)


def mean(found: InventionResult, scene: str, method: str, number: str) -> float:
    one = found.mean((scene, 5, method), number)
    assert one
    return one.mean


def test_nothing_is_found_in_the_truth(found: InventionResult) -> None:
    truths = [one for one in found.found if one.method in running.TRUTHS]
    assert {one.scene for one in truths} == {*SCENES}
    for one in truths:
        assert one.filaments == one.puncta == 0, one
        assert one.drawn_filaments == one.drawn_puncta == 0, one
        assert one.worms == one.drawn_worms == 0, one
        assert not one.filled, one
        assert not one.joined, one


def test_noise_that_is_left_in_is_found(found: InventionResult) -> None:
    left, smoothed = "identity", "gaussian+bicubic"
    assert mean(found, "background", left, "puncta") > 500
    assert mean(found, "gaps", left, "drawn_puncta") > 1000
    assert mean(found, "gaps", smoothed, "drawn_puncta") < 1000
    assert mean(found, "gaps", left, "psnr") < mean(found, "gaps", smoothed, "psnr")


def test_a_gap_that_is_blurred_over_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = replace(SCENES["gaps"], lights=(500,))
    monkeypatch.setattr(running, "SCENES", {"gaps": whole})
    blurred = RestoreSpec("gaussian", options=("sigma=6",))
    [(lines, _)] = run_invention([blurred], [1], side=64)
    [one] = [one for one in lines if one.method == "gaussian"]
    assert one.joined
    assert one.joined > 0.5


def invented(method: str, field: int, **numbers: float) -> Invented:
    usual = {"filaments": 0.0, "puncta": 0.0, "worms": 0.0, "filled": 0.0}
    usual |= {"joined": 0.0, "drawn_worms": 0.0}
    drawn = {"drawn_filaments": 0.0, "drawn_puncta": 0.0, "psnr": 20.0}
    return Invented("gaps", 20, method, field, **{**usual, **drawn, **numbers})


@pytest.mark.parametrize(
    ("numbers", "verdicts"),
    [
        ({}, ["holds", "holds"]),
        ({"filaments": 20.0, "joined": 0.04}, ["holds", "holds"]),
        ({"worms": 90.0}, ["does not hold", "holds"]),
        ({"filaments": 90.0}, ["does not hold", "holds"]),
        ({"filled": 0.5}, ["holds", "does not hold"]),
        ({"joined": 0.5}, ["holds", "does not hold"]),
    ],
)
def test_a_claim_is_decided(numbers: dict[str, float], verdicts: list[str]) -> None:
    lines = [
        invented(method, field, **(numbers if method == OURS else {}))
        for method in (OURS, RIVAL)
        for field in range(8)
    ]
    assert [c.verdict for c in InventionResult(lines, [], 1.0).claims] == verdicts


@pytest.mark.parametrize(("puncta", "letters"), [(0.0, ["b2"]), (90.0, ["b1", "b2"])])
@pytest.mark.parametrize(("covered", "verdict"), [(10, "holds"), (2, "does not hold")])
def test_the_map_of_errors_is_asked_about_false_objects(
    puncta: float, letters: list[str], covered: int, verdict: str
) -> None:
    numbers = {"puncta": puncta, "false": 10, "covered": covered}
    lines = [
        replace(invented(method, field), **(numbers if method == OURS else {}))
        for method in (OURS, RIVAL)
        for field in range(8)
    ]
    claims = InventionResult(lines, [], 1.0).claims[2:]
    assert [one.letter for one in claims] == letters
    assert {one.verdict for one in claims} == {verdict}
    assert f"{8 * covered} of 80 objects" in claims[0].differences[0].what


def test_an_object_is_covered_where_the_error_is_as_large() -> None:
    image = np.zeros((64, 64), np.float32)
    image[20:24, 20:24] = 5
    field = next(SCENES["background"].fields(5, 32, np.random.default_rng(0)))
    field = replace(field, truth=np.zeros_like(image))
    false = running.objects(image, 1.0, image < -1)
    assert false.puncta == 1
    for error, covered in ((4.0, 1), (1.0, 0)):
        errors = np.full_like(image, error)
        said = running._against_errors(image, errors, field, false)
        assert (said["false"], said["covered"]) == (1, covered)
        assert said["errors"] == pytest.approx(5 / error)
