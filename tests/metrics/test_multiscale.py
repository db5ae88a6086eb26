import numpy as np
import pytest
from scipy.signal import convolve2d
from skimage.metrics import structural_similarity
from skimage.transform import downscale_local_mean

from w2s_cli.errors import InputError, UsageError
from w2s_cli.metrics.structural_similarity import WEIGHTS, ms_ssim

rng = np.random.default_rng(1)
IMAGE = np.kron(rng.random((24, 26)), np.ones((8, 8)))[:190, :200]
NOISY = IMAGE + rng.normal(0, 0.2, IMAGE.shape)


def test_ms_ssim_is_one_for_the_same_and_falls_with_noise() -> None:
    noisier = IMAGE + rng.normal(0, 0.6, IMAGE.shape)
    assert ms_ssim(IMAGE, IMAGE, data_range=1) == pytest.approx(1)
    assert ms_ssim(IMAGE, noisier, data_range=1) < ms_ssim(IMAGE, NOISY, data_range=1)


def _contrast(first: np.ndarray, second: np.ndarray) -> float:
    """Structural similarity without luminance: its constant is made to outweigh it."""
    _, similarity = structural_similarity(
        first,
        second,
        data_range=1,
        gaussian_weights=True,
        use_sample_covariance=False,
        K1=1e8,
        full=True,
    )
    return float(similarity[5:-5, 5:-5].mean())


def test_each_scale_is_that_of_scikit_image() -> None:
    """To 1e-6 of the score: the large constant costs digits."""
    first, second = IMAGE[:176, :192], NOISY[:176, :192]
    expected = 1.0
    for weight in WEIGHTS[:-1]:
        expected *= _contrast(first, second) ** weight
        first, second = (downscale_local_mean(each, (2, 2)) for each in (first, second))
    last = structural_similarity(
        first, second, data_range=1, gaussian_weights=True, use_sample_covariance=False
    )
    expected *= last ** WEIGHTS[-1]
    found = ms_ssim(IMAGE[:176, :192], NOISY[:176, :192], data_range=1)
    assert found == pytest.approx(expected, rel=1e-6)


def test_window_is_that_of_the_paper() -> None:
    """11 x 11 and of sum 1: a flat field with one bright pixel shows it."""
    line = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window = np.outer(line, line) / line.sum() ** 2
    second = NOISY[:176, :176]
    mean = convolve2d(second, window, "valid")
    spread = convolve2d(second**2, window, "valid") - mean**2
    flat = np.zeros_like(second)
    high = 0.03**2
    expected = (high / (spread + high)).mean() ** WEIGHTS[0]
    for weight in WEIGHTS[1:-1]:
        second = downscale_local_mean(second, (2, 2))
        mean = convolve2d(second, window, "valid")
        spread = convolve2d(second**2, window, "valid") - mean**2
        expected *= (high / (spread + high)).mean() ** weight
    second = downscale_local_mean(second, (2, 2))
    mean = convolve2d(second, window, "valid")
    spread = convolve2d(second**2, window, "valid") - mean**2
    low = 0.01**2
    last = high / (spread + high) * low / (mean**2 + low)
    expected *= last.mean() ** WEIGHTS[-1]
    found = ms_ssim(flat, NOISY[:176, :176], data_range=1)
    assert found == pytest.approx(expected, rel=1e-9)


def test_opposite_contrast_is_worth_nothing() -> None:
    assert ms_ssim(IMAGE, 1 - IMAGE, data_range=1) == 0


def test_images_that_are_too_small() -> None:
    with pytest.raises(InputError, match="176 x 176 pixels or more, found 175 x 200"):
        ms_ssim(IMAGE[:175], NOISY[:175], data_range=1)
    with pytest.raises(InputError, match="the reference is 190 x 200 pixels, the imag"):
        ms_ssim(IMAGE, NOISY[:180], data_range=1)
    with pytest.raises(UsageError, match="the data range must be above 0, found -1"):
        ms_ssim(IMAGE, NOISY, data_range=-1)
