import numpy as np
import pytest

from w2s_cli.bench.scores.convention import Convention, protocol
from w2s_cli.bench.scores.score import (
    MetricResources,
    compared,
    fit,
    resources_for,
    score,
)
from w2s_cli.errors import InputError, UnknownNameError, UsageError
from w2s_cli.metrics.fidelity import psnr, rmse
from w2s_cli.metrics.structural_similarity import ssim

rng = np.random.default_rng(0)
TRUTH = np.add.outer(np.arange(64.0), np.arange(72.0)) + 100
IMAGE = TRUTH + rng.normal(0, 3, TRUTH.shape)
NAMES = ("rmse", "psnr", "ssim")


def test_counts_are_what_the_metrics_take() -> None:
    found = score(TRUTH, IMAGE, NAMES, Convention(data_range=130.0))
    assert found == {
        "rmse": rmse(TRUTH, IMAGE),
        "psnr": psnr(TRUTH, IMAGE, data_range=130),
        "ssim": ssim(TRUTH, IMAGE, data_range=130),
    }


@pytest.mark.parametrize(
    ("convention", "one"),
    [
        (Convention(unit="z"), 66.02846351802853),
        (Convention(unit="unit", black=90, white=290), 200),
        (Convention(unit="unit", white=50), 50),
    ],
)
def test_units_scale_the_error(convention: Convention, one: float) -> None:
    counts = score(TRUTH, IMAGE, NAMES, Convention())
    found = score(TRUTH, IMAGE, NAMES, convention)
    assert found["rmse"] * one == pytest.approx(counts["rmse"], rel=1e-12)
    assert found["psnr"] == pytest.approx(counts["psnr"], rel=1e-12)
    if convention.scale(TRUTH.dtype).zero == 0:
        assert found["ssim"] == pytest.approx(counts["ssim"], rel=1e-9)


@pytest.mark.parametrize("rule", ["affine", "percentile"])
def test_fitted_scores_know_no_gain_and_offset(rule: str) -> None:
    convention = Convention(fit=rule)
    found = score(TRUTH, IMAGE, NAMES, convention)
    changed = score(TRUTH, 0.02 * IMAGE - 3, NAMES, convention)
    assert changed == pytest.approx(found, rel=1e-9)
    assert found["rmse"] < score(TRUTH, 2 * IMAGE, NAMES, Convention())["rmse"]


def test_fit() -> None:
    assert fit(TRUTH, (TRUTH - 7) / 5, "affine") == pytest.approx((5, 7))
    assert fit(TRUTH, (TRUTH - 7) / 5, "percentile") == pytest.approx((5, 7))
    assert fit(TRUTH, -TRUTH, "affine")[0] == pytest.approx(-1)
    for rule in ("affine", "percentile"):
        for value in (1, 0.1):
            gain, offset = fit(TRUTH, np.full_like(TRUTH, value), rule)
            assert gain == 0
            assert 100 <= offset <= TRUTH.mean() + 1e-9
    assert fit(TRUTH, IMAGE, "none") == (1, 0)


def test_ranges() -> None:
    counts = TRUTH.astype(np.uint8)

    def span(**how: object) -> float:
        [view] = compared(counts, IMAGE, Convention(**how)).views
        assert view.ssim_range == view.data_range
        return view.data_range

    assert span(data_range="max-min") == 134
    assert span(data_range="dtype") == 255
    assert span(data_range="dtype", unit="unit", white=510) == 0.5
    low, high = np.percentile(counts, (0.1, 99.9))
    assert span() == pytest.approx(high - low)


def test_ssim_has_its_own_range_and_window() -> None:
    convention = Convention(data_range=130.0, ssim_range=260.0, window="uniform")
    found = score(TRUTH, IMAGE, NAMES, convention)
    assert found["psnr"] == psnr(TRUTH, IMAGE, data_range=130)
    assert found["ssim"] == ssim(TRUTH, IMAGE, data_range=260, window="uniform")


def test_first_protocol_of_w2s_by_hand() -> None:
    """Beyond white nothing counts; PSNR does not know about the range of SSIM."""
    truth = np.where(TRUTH > 200, 300.0, TRUTH)
    image = np.where(TRUTH > 200, 400.0, IMAGE)
    clipped = truth.clip(0, 255) / 255, image.clip(0, 255) / 255
    expected = {
        "psnr": psnr(*clipped, data_range=1),
        "ssim": ssim(*clipped, data_range=2, window="uniform"),
    }
    found = score(truth, image, ("psnr", "ssim"), protocol("w2s-v1-sr"))
    assert found == pytest.approx(expected)


def test_border_is_left_out() -> None:
    spoilt = IMAGE.copy()
    spoilt[:3] = spoilt[:, -3:] = 1e6
    found = score(TRUTH, spoilt, ("rmse",), Convention(border=3))
    assert found["rmse"] == rmse(TRUTH[3:-3, 3:-3], IMAGE[3:-3, 3:-3])


def test_corners_are_scored_one_by_one() -> None:
    found = score(TRUTH, IMAGE, ("psnr",), Convention(data_range=1.0, corners=20))
    corners = [
        psnr(TRUTH[rows, columns], IMAGE[rows, columns], data_range=1)
        for rows in (slice(0, 20), slice(44, 64))
        for columns in (slice(0, 20), slice(52, 72))
    ]
    assert found["psnr"] == pytest.approx(np.mean(corners))


def test_invalid_pixels_change_nothing() -> None:
    valid = np.ones(TRUTH.shape, bool)
    valid[5:9, 30:40] = False
    spoilt = np.where(valid, IMAGE, np.nan)
    for convention in (Convention(), Convention(fit="affine"), Convention(corners=32)):
        found = score(TRUTH, spoilt, NAMES, convention, valid)
        other = score(
            np.where(valid, TRUTH, -9e9), np.where(valid, IMAGE, 9e9), NAMES,
            convention, valid,
        )  # fmt: skip
        assert found == pytest.approx(other)
    expected = np.sqrt(np.mean((TRUTH - IMAGE)[valid] ** 2))
    found = score(TRUTH, spoilt, ("rmse",), Convention(), valid)
    assert found["rmse"] == pytest.approx(expected)


def test_corner_without_valid_pixels_is_left_out() -> None:
    valid = np.ones(TRUTH.shape, bool)
    valid[:20, :20] = False
    spoilt = np.where(valid, IMAGE, 1e9)
    found = score(TRUTH, spoilt, ("rmse",), Convention(corners=20), valid)
    assert found["rmse"] == pytest.approx(3, rel=0.1)


def test_constant_images_have_no_value_where_one_is_needed() -> None:
    flat = np.full(TRUTH.shape, 7.0)
    found = score(flat, IMAGE, (*NAMES, "nrmse", "decorrelation"), Convention())
    assert found["rmse"] == rmse(flat, IMAGE)
    assert np.isnan(found["psnr"])
    assert np.isnan(found["ssim"])
    assert found["nrmse"] > 0
    assert found["decorrelation"] > 0
    assert np.isnan(
        score(IMAGE, flat, ("decorrelation",), Convention())["decorrelation"]
    )
    resources = MetricResources(features=lambda image: [image[None]])
    found = score(flat, IMAGE, ("vgg-distance",), Convention(), resources=resources)
    assert np.isnan(found["vgg-distance"])


def test_identical_images() -> None:
    found = score(TRUTH, TRUTH, NAMES, Convention())
    assert found == {"rmse": 0, "psnr": np.inf, "ssim": pytest.approx(1)}


def test_metrics_of_other_kinds() -> None:
    low = TRUTH.reshape(32, 2, 36, 2).mean((1, 3))
    names = ("decorrelation", "frc", "rse", "rsp")
    found = score(TRUTH, IMAGE, names, Convention(), low=low)
    assert all(np.isfinite(value) for value in found.values())
    z = score(TRUTH, IMAGE, names, Convention(unit="z"), low=low)
    assert z["rse"] * 66.02846 == pytest.approx(found["rse"], rel=1e-3)
    assert z["rsp"] == pytest.approx(found["rsp"], rel=1e-6)


def test_features_are_of_images_between_0_and_1() -> None:
    seen = []

    def features(image: np.ndarray) -> list[np.ndarray]:
        seen.append((image.min(), image.max()))
        return [image[None]]

    score(
        TRUTH,
        IMAGE,
        ("vgg-distance",),
        Convention(),
        resources=MetricResources(features=features),
    )
    assert len(seen) == 2
    assert all(low >= 0 and high <= 1 for low, high in seen)
    assert seen[0] == (0, 1)


@pytest.mark.parametrize(
    ("name", "needs", "hint"),
    [
        ("rse", "input", "--input names what predictions were made of"),
        ("niqe", "pristine", "w2s fetch niqe"),
        ("vgg-distance", "layers", "w2s fetch vgg19"),
    ],
)
def test_metric_that_lacks_what_it_needs(name: str, needs: str, hint: str) -> None:
    expected = f"{name} cannot be had here: it needs {needs}"
    with pytest.raises(UsageError, match=expected) as hit:
        score(TRUTH, IMAGE, [name], Convention())
    assert hint in hit.value.hint


def test_unknown_metric() -> None:
    with pytest.raises(UnknownNameError, match="no metric is called 'psrn'") as hit:
        resources_for(["psrn"], Convention())
    assert hit.value.hint == "did you mean 'psnr'?"


def test_images_that_do_not_compare() -> None:
    def refused(reference: np.ndarray, image: np.ndarray, **how: object) -> str:
        convention = Convention(**{k: v for k, v in how.items() if k != "valid"})
        with pytest.raises(InputError) as hit:
            score(reference, image, NAMES, convention, how.get("valid"))
        return str(hit.value)

    assert refused(TRUTH, IMAGE[1:]) == (
        "the reference is 64 x 72 pixels, the image 63 x 72"
    )
    assert refused(TRUTH, IMAGE, valid=np.ones((2, 2), bool)) == (
        "the reference is 64 x 72 pixels, the mask 2 x 2"
    )
    nothing = np.zeros(TRUTH.shape, bool)
    assert refused(TRUTH, IMAGE, valid=nothing) == "there is no pixel to score"
    broken = IMAGE.copy()
    broken[0, :2] = np.nan, np.inf
    assert refused(TRUTH, broken) == "NaN or infinite values in the image"
    assert refused(broken, IMAGE) == "NaN or infinite values in the reference"
    assert refused(TRUTH, IMAGE, border=32) == (
        "an image of 64 x 72 pixels has no pixels left inside a border of 32"
    )
    assert refused(TRUTH, IMAGE, corners=65) == (
        "an image of 64 x 72 pixels has no 65 x 65 corners inside a border of 0"
    )
