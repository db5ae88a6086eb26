from typing import Any

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from w2s_cli.errors import InputError, UsageError
from w2s_cli.metrics.structural_similarity import ssim

rng = np.random.default_rng(0)
IMAGE = rng.random((40, 50))
NOISY = IMAGE + rng.normal(0, 0.1, IMAGE.shape)


def test_ssim_is_one_for_the_same_and_falls_with_noise() -> None:
    noisier = IMAGE + rng.normal(0, 0.3, IMAGE.shape)
    assert ssim(IMAGE, IMAGE, data_range=1) == pytest.approx(1)
    assert ssim(IMAGE, noisier, data_range=1) < ssim(IMAGE, NOISY, data_range=1) < 1


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {"gaussian_weights": True, "use_sample_covariance": False}),
        ({"covariance": "sample"}, {"gaussian_weights": True}),
        (
            {"sigma": 2.2},
            {"gaussian_weights": True, "sigma": 2.2, "use_sample_covariance": False},
        ),
        ({"window": "uniform"}, {}),
        ({"window": "uniform", "side": 11}, {"win_size": 11}),
        (
            {"window": "uniform", "covariance": "population"},
            {"use_sample_covariance": False},
        ),
    ],
)
def test_ssim_is_that_of_scikit_image(ours, theirs) -> None:
    expected = structural_similarity(IMAGE, NOISY, data_range=2.0, **theirs)
    assert ssim(IMAGE, NOISY, data_range=2.0, **ours) == pytest.approx(expected)


def test_border_is_left_out_of_the_mean() -> None:
    _, each = structural_similarity(IMAGE, NOISY, data_range=1, full=True)
    for border, counted in ((0, each), (9, each[9:-9, 9:-9])):
        found = ssim(IMAGE, NOISY, data_range=1, window="uniform", border=border)
        assert found == pytest.approx(counted.mean())


def test_window_with_an_invalid_pixel_does_not_count() -> None:
    valid = np.ones(IMAGE.shape, bool)
    valid[:, 30] = False
    spoilt = np.where(valid, NOISY, np.nan)
    left, right = (np.delete(NOISY, np.s_[30:], 1), np.delete(NOISY, np.s_[:31], 1))
    _, first = structural_similarity(IMAGE[:, :30], left, data_range=1, full=True)
    _, second = structural_similarity(IMAGE[:, 31:], right, data_range=1, full=True)
    inside = [first[3:-3, 3:-3].ravel(), second[3:-3, 3:-3].ravel()]
    found = ssim(IMAGE, spoilt, data_range=1, window="uniform", valid=valid)
    assert found == pytest.approx(np.concatenate(inside).mean())


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"window": "round"}, "SSIM has no 'round' window of 7"),
        ({"window": "uniform", "side": 8}, "SSIM has no 'uniform' window of 8"),
        ({"window": "uniform", "side": 1}, "SSIM has no 'uniform' window of 1"),
        ({"sigma": 0}, "SSIM has no 'gaussian' window of 0"),
        ({"data_range": 0}, "the data range must be above 0, found 0"),
    ],
)
def test_options_that_make_no_sense(how: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ssim(IMAGE, NOISY, **({"data_range": 1} | how))


def test_images_smaller_than_a_window() -> None:
    with pytest.raises(InputError, match="10 x 50 pixels, smaller than the window"):
        ssim(IMAGE[:10], NOISY[:10], data_range=1)
    with pytest.raises(InputError, match="is 40 pixels, smaller than the window"):
        ssim(IMAGE[:, 0], NOISY[:, 0], data_range=1)


def test_a_window_must_be_left() -> None:
    with pytest.raises(InputError, match="no window of 11 x 11 pixels is valid"):
        ssim(IMAGE, NOISY, data_range=1, border=20)
    with pytest.raises(InputError, match="no window of 11 x 11 pixels is valid"):
        ssim(IMAGE, NOISY, data_range=1, valid=IMAGE > 0.5)
