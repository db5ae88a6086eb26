from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
import pytest
from skimage.metrics import normalized_root_mse, peak_signal_noise_ratio

from w2s_cli.errors import InputError, UsageError
from w2s_cli.metrics.fidelity import (
    fit_to_reference,
    nrmse,
    psnr,
    rmse,
    scale_invariant_psnr,
)

rng = np.random.default_rng(0)
IMAGE = rng.random((40, 50))
NOISY = IMAGE + rng.normal(0, 0.1, IMAGE.shape)


def test_rmse_and_psnr_by_hand() -> None:
    assert rmse(IMAGE, IMAGE + 0.1) == pytest.approx(0.1)
    assert psnr(IMAGE, IMAGE + 0.1, data_range=1) == pytest.approx(20)
    assert rmse(np.array([[0]], np.uint8), np.array([[255]], np.uint8)) == 255


def test_the_same_image_has_no_noise() -> None:
    assert psnr(IMAGE, IMAGE, data_range=1) == inf


def test_psnr_is_that_of_scikit_image() -> None:
    expected = peak_signal_noise_ratio(IMAGE, NOISY, data_range=2.5)
    assert psnr(IMAGE, NOISY, data_range=2.5) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("normalisation", ["euclidean", "min-max", "mean"])
def test_nrmse_is_that_of_scikit_image(normalisation: Any) -> None:
    expected = normalized_root_mse(IMAGE, NOISY, normalization=normalisation)
    found = nrmse(IMAGE, NOISY, normalisation=normalisation)
    assert found == pytest.approx(expected, rel=1e-12)


def test_normalisation_must_be_known_and_above_zero() -> None:
    with pytest.raises(UsageError, match="no RMSE is normalised by 'peak'") as error:
        nrmse(IMAGE, NOISY, normalisation="peak")  # type: ignore[arg-type]
    assert error.value.hint == "known: euclidean, min-max, mean"
    with pytest.raises(InputError, match=r"has a mean size of -0\.5, and an RMSE is"):
        nrmse(np.full((4, 4), -0.5), np.ones((4, 4)), normalisation="mean")


METRICS: dict[str, Callable[..., float]] = {
    "rmse": rmse,
    "nrmse": nrmse,
    "psnr": lambda *images, **how: psnr(*images, data_range=1, **how),
    "psnr-care": scale_invariant_psnr,
}


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_only_valid_pixels_count(metric: Callable[..., float]) -> None:
    valid = np.ones(IMAGE.shape, bool)
    valid[7:9, 3:30] = False
    reference, spoilt = IMAGE.copy(), NOISY.copy()
    reference[7, 3:30], spoilt[8, 3:30] = 1000, np.nan
    found = metric(reference, spoilt, valid=valid)
    assert found == pytest.approx(metric(IMAGE[valid], NOISY[valid]), rel=1e-12)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_images_that_cannot_be_compared(metric: Callable[..., float]) -> None:
    with pytest.raises(InputError, match="reference is 40 x 50 pixels, the image 50 x"):
        metric(IMAGE, IMAGE.T)
    with pytest.raises(InputError, match="reference is 40 x 50 pixels, the mask 50 x"):
        metric(IMAGE, IMAGE, valid=np.ones((50, 40), bool))
    with pytest.raises(InputError, match="there is no pixel to score"):
        metric(IMAGE, IMAGE, valid=np.zeros((40, 50), bool))
    with pytest.raises(InputError, match="NaN or infinite values in the image"):
        metric(IMAGE, np.where(IMAGE > 0.5, np.nan, IMAGE))
    with pytest.raises(InputError, match="NaN or infinite values in the reference"):
        metric(np.where(IMAGE > 0.5, np.inf, IMAGE), IMAGE)


@pytest.mark.parametrize("data_range", [0, -1, np.nan, np.inf])
def test_range_must_be_one(data_range: float) -> None:
    with pytest.raises(UsageError, match="the data range must be above 0, found"):
        psnr(IMAGE, NOISY, data_range=data_range)


def test_fit_undoes_gain_and_offset() -> None:
    np.testing.assert_allclose(
        fit_to_reference(IMAGE, 300 * IMAGE + 100), IMAGE, atol=1e-12
    )


def test_fit_is_that_of_least_squares() -> None:
    slope, offset = np.polyfit(NOISY.ravel(), IMAGE.ravel(), 1)
    np.testing.assert_allclose(fit_to_reference(IMAGE, NOISY), slope * NOISY + offset)


@pytest.mark.parametrize("value", [1, 0.1, 123.456])
def test_fit_of_a_flat_image_is_the_mean(value: float) -> None:
    """Also where the mean of equal numbers is not quite that number."""
    flat = np.full_like(IMAGE, value)
    np.testing.assert_allclose(fit_to_reference(IMAGE, flat), IMAGE.mean())


def test_fit_of_valid_pixels_is_of_all() -> None:
    valid = IMAGE > 0.3
    image = 3 * IMAGE + 1
    image[~valid] = 50
    found = fit_to_reference(IMAGE, image, valid=valid)
    np.testing.assert_allclose(found[valid], IMAGE[valid], atol=1e-12)
    np.testing.assert_allclose(found[~valid], 49 / 3, atol=1e-12)


def test_scale_invariant_psnr_knows_no_gain_and_offset() -> None:
    expected = scale_invariant_psnr(IMAGE, NOISY)
    assert scale_invariant_psnr(IMAGE, 7 * NOISY - 3) == pytest.approx(expected)
    assert scale_invariant_psnr(9 * IMAGE + 2, NOISY) == pytest.approx(expected)


def test_scale_invariant_psnr_step_by_step() -> None:
    """Zero means, the best slope, and the reference's own range, as its authors do."""
    truth, image = IMAGE - IMAGE.mean(), NOISY - NOISY.mean()
    matched = image * (truth * image).sum() / (image * image).sum()
    error = np.sqrt(np.mean((truth - matched) ** 2))
    expected = 20 * np.log10(np.ptp(IMAGE) / error)
    found = scale_invariant_psnr(IMAGE, NOISY, low=0, high=100)
    assert found == pytest.approx(expected, rel=1e-12)
    narrower = np.diff(np.percentile(IMAGE, (2, 98))).item()
    found = scale_invariant_psnr(IMAGE, NOISY, low=2, high=98)
    assert found == pytest.approx(20 * np.log10(narrower / error), rel=1e-12)


def test_percentiles_must_differ() -> None:
    with pytest.raises(UsageError, match="must rise from 0 to 100, found 99, 2"):
        scale_invariant_psnr(IMAGE, NOISY, low=99, high=2)
    flat = np.zeros_like(IMAGE)
    flat[0, 0] = 1
    with pytest.raises(InputError, match=r"percentiles 0\.1 and 99\.9 of the refe"):
        scale_invariant_psnr(flat, NOISY)
