"""Images in files, scored; the command line is tested elsewhere."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli.bench.scores.convention import Convention, protocol
from w2s_cli.bench.scores.evaluation import Evaluation, EvaluationConfig, evaluate
from w2s_cli.bench.scores.intervals import interval
from w2s_cli.bench.scores.matching import Match, field_of, matched
from w2s_cli.bench.scores.score import score
from w2s_cli.errors import InputError

rng = np.random.default_rng(0)
TRUTH = rng.integers(100, 900, (6, 40, 48)).astype(np.uint16)
IMAGE = (TRUTH + rng.integers(0, 50, TRUTH.shape)).astype(np.uint16)

Pair = Callable[..., Match]


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Write a prediction and a reference, and return their match."""
    monkeypatch.chdir(tmp_path)

    def written(image: np.ndarray, truth: np.ndarray, name: str = "cell") -> Match:
        for folder, pixels in (("ours", image), ("theirs", truth)):
            Path(folder).mkdir(exist_ok=True)
            axes = {"axes": "TZCYX"[-pixels.ndim :]}
            tifffile.imwrite(f"{folder}/{name}.tif", pixels, metadata=axes, ome=True)
        return Match(name, Path(f"ours/{name}.tif"), Path(f"theirs/{name}.tif"))

    return written


def of(match: Match, *metrics: str, **how: object) -> Evaluation:
    convention = how.pop("convention", None) or Convention(**how)
    return evaluate(
        [match], [match.name], EvaluationConfig(metrics or ("rmse",), convention)
    )


def test_a_stack_has_the_mean_of_its_planes(pair: Pair) -> None:
    found = of(pair(IMAGE, TRUTH), "rmse", "psnr", "ssim")
    planes = [
        score(*both, ("rmse", "psnr", "ssim"), Convention())
        for both in zip(TRUTH, IMAGE, strict=True)
    ]
    [image] = found.images
    assert image.planes == 6
    for name, value in image.scores.items():
        assert value == pytest.approx(np.mean([plane[name] for plane in planes]))
        assert found.means[name].mean == value
        assert found.means[name].low is None
    assert image.warnings == ()
    assert found.whole


def test_axes_of_length_1_do_not_matter(pair: Pair) -> None:
    match = pair(IMAGE[None], TRUTH[:, None])
    assert of(match).images == of(match).images
    assert of(match).images[0].planes == 6


def test_means_are_over_fields_of_view(pair: Pair) -> None:
    for number in range(6):
        pair(IMAGE[number], TRUTH[number], f"{number // 2:03}_{number % 2}")
    matches = matched(Path("ours"), Path("theirs"))
    groups = [field_of(match.name) for match in matches]
    found = evaluate(
        matches, groups, EvaluationConfig(("rmse",), resamples=500, seed=3)
    )
    assert found.groups == 3
    values = [image.scores["rmse"] for image in found.images]
    assert found.means["rmse"] == interval(values, groups, resamples=500, seed=3)


def test_one_channel(pair: Pair) -> None:
    match = pair(IMAGE[:2], TRUTH[:2])
    both = of(match).images[0].scores["rmse"]
    parts = [
        evaluate([match], ["x"], EvaluationConfig(("rmse",), channel=channel)).images[0]
        for channel in "12"
    ]
    assert np.mean([part.scores["rmse"] for part in parts]) == pytest.approx(both)


def refused(match: Match, **how: object) -> tuple[str, str]:
    with pytest.raises(InputError) as hit:
        of(match, **how)
    return str(hit.value), hit.value.hint


def test_sizes(pair: Pair) -> None:
    assert refused(pair(IMAGE[0, :20, :24], TRUTH[0])) == (
        "ours/cell.tif has 20 x 24 pixels and theirs/cell.tif 40 x 48",
        "the prediction is not enlarged: restore it with a method that is x2",
    )
    assert refused(pair(IMAGE[0], TRUTH[0, :20, :24]))[1] == (
        "the prediction is enlarged x2: name references of that size"
    )
    assert refused(pair(IMAGE[0], TRUTH[0, :20]))[1] == (
        "both must show the same field on the same pixel grid"
    )


def test_planes(pair: Pair) -> None:
    assert refused(pair(IMAGE, TRUTH[:4])) == (
        "ours/cell.tif is CYX 6 x 40 x 48 and theirs/cell.tif CYX 4 x 40 x 48: "
        "their planes make no pairs",
        "save the planes that belong together, or choose one --channel",
    )


def test_types(pair: Pair) -> None:
    match = pair((IMAGE[0] // 4).astype(np.uint8), TRUTH[0])
    assert refused(match) == (
        "ours/cell.tif is uint8 and theirs/cell.tif uint16: "
        "their numbers may not mean the same",
        "--fit affine brings them together; or save both as one type",
    )
    assert of(match, fit="affine").images[0].scores["rmse"] < 50
    assert of(pair(IMAGE[0].astype(np.float32), TRUTH[0])).whole


def test_a_pixel_that_is_no_number(pair: Pair) -> None:
    broken = IMAGE[0].astype(np.float32)
    broken[3, 3] = np.nan
    message, _ = refused(pair(broken, TRUTH[0]))
    assert message == (
        "ours/cell.tif, theirs/cell.tif: NaN or infinite values in the image"
    )


def test_nothing_is_scored_before_all_compare(pair, monkeypatch) -> None:
    matches = [pair(IMAGE[0], TRUTH[0]), pair(IMAGE[0], TRUTH[0, 1:], "other")]
    monkeypatch.setattr("w2s_cli.bench.scores.evaluation.compared", None)
    with pytest.raises(InputError, match=r"ours/other\.tif has 40 x 48 pixels"):
        evaluate(matches, ["a", "b"], EvaluationConfig(("rmse",)))


def warnings(found: Evaluation) -> tuple[str, ...]:
    return found.images[0].warnings


def test_constant_reference(pair: Pair) -> None:
    flat = np.full_like(TRUTH[:2], 7)
    flat[1] = TRUTH[1]
    found = of(pair(IMAGE[:2], flat), "psnr")
    assert warnings(found) == (
        "the reference is constant, in 1 of 2 planes",
        "psnr has no value, in 1 of 2 planes",
    )
    assert np.isfinite(found.means["psnr"].mean)
    found = of(pair(IMAGE[0], flat[0]), "psnr")
    assert warnings(found) == ("the reference is constant", "psnr has no value")
    assert np.isnan(found.means["psnr"].mean)
    assert not found.whole


def test_identical_images(pair: Pair) -> None:
    found = of(pair(TRUTH[0], TRUTH[0]), "psnr", "rmse")
    assert warnings(found) == ("psnr is infinite",)
    assert found.images[0].scores == {"psnr": np.inf, "rmse": 0}
    assert found.finite("psnr") == 0
    assert found.whole


def test_same_file(pair: Pair) -> None:
    match = pair(TRUTH[0], TRUTH[0])
    same = Match("cell", match.prediction, match.prediction)
    assert warnings(of(same)) == ("prediction and reference are the same file",)


def test_files_that_are_not_whole(tmp_path: Path) -> None:
    path, truth = tmp_path / "a.tif", tmp_path / "b.tif"
    said = "ImageJ=1.53c\nimages=4\nframes=4\n"
    tifffile.imwrite(path, IMAGE[0], metadata=None, description=said)
    tifffile.imwrite(truth, TRUTH[0], metadata=None)
    (line,) = warnings(of(Match("cell", path, truth)))
    assert line.startswith("a.tif is not whole: 1 of 4 planes that it promises")


def test_negative_and_constant_predictions(pair: Pair) -> None:
    found = of(pair(1000 - IMAGE[0], TRUTH[0]), fit="affine")
    assert warnings(found) == (
        "the prediction is dark where the reference is bright: the gain of its fit is "
        "not above 0",
    )
    found = of(pair(np.full_like(IMAGE[0], 3), TRUTH[0]), fit="affine")
    assert "the prediction is constant" in warnings(found)[0]


def test_units_that_cannot_be_meant(pair: Pair) -> None:
    counts = TRUTH[0].astype(np.float32)
    z = (counts - 154) / 66
    found = of(pair(z, z + 1), convention=protocol("w2s"))
    assert warnings(found) == (
        "the reference stays below 50 and looks like z-scores already: for files of "
        "z-scores, say --unit counts",
    )
    gray = (counts / 4).astype(np.uint8)
    assert warnings(of(pair(gray, gray + 1), convention=protocol("w2s"))) == (
        "the reference has gray values of 8 bit, and z-scores are of counts: for W2S "
        "in 8 bit, say --protocol w2s-v1",
    )
    found = of(pair(counts / 65535, TRUTH[0]))
    assert warnings(found) == (
        "the prediction stays within 1 and the reference does not: they are in "
        "different units",
    )


def test_a_metric_that_fails_leaves_the_others(pair: Pair) -> None:
    found = of(pair(IMAGE[0], TRUTH[0]), "rmse", "ms-ssim")
    [said] = warnings(found)
    assert said.startswith("ms-ssim has no value: MS-SSIM takes images of 176 x 176")
    assert found.images[0].scores["rmse"] > 0
    assert not found.whole


def test_without_a_reference(pair: Pair) -> None:
    match = Match("cell", pair(IMAGE[0], TRUTH[0]).prediction)
    found = of(match, "decorrelation")
    assert set(found.images[0].scores) == {"decorrelation"}
