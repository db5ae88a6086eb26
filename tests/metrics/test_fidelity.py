import numpy as np
import pytest

from w2s_cli.metrics.fidelity import fitted, psnr, rmse, ssim

rng = np.random.default_rng(0)
IMAGE = rng.random((40, 50))


def test_rmse_and_psnr_by_hand() -> None:
    assert rmse(IMAGE, IMAGE + 0.1) == pytest.approx(0.1)
    assert psnr(IMAGE, IMAGE + 0.1, data_range=1) == pytest.approx(20)
    assert rmse(np.array([[0]], np.uint8), np.array([[255]], np.uint8)) == 255


def test_ssim_is_one_for_the_same_and_falls_with_noise() -> None:
    noisy = IMAGE + rng.normal(0, 0.1, IMAGE.shape)
    noisier = IMAGE + rng.normal(0, 0.3, IMAGE.shape)
    assert ssim(IMAGE, IMAGE, data_range=1) == pytest.approx(1)
    assert ssim(IMAGE, noisier, data_range=1) < ssim(IMAGE, noisy, data_range=1) < 1


def test_fit_undoes_gain_and_offset() -> None:
    np.testing.assert_allclose(fitted(IMAGE, 300 * IMAGE + 100), IMAGE, atol=1e-12)


def test_fit_of_a_flat_image_is_the_mean() -> None:
    np.testing.assert_allclose(fitted(IMAGE, np.ones_like(IMAGE)), IMAGE.mean())
