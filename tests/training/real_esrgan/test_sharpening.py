import numpy as np
import pytest
from scipy import ndimage

from w2s_cli.training.patches.real_esrgan_stages import sharpened


def _blurred(image: np.ndarray) -> np.ndarray:
    return ndimage.gaussian_filter(image, 8.0, radius=25, mode="reflect")


def test_it_is_the_published_unsharp_mask() -> None:
    image = np.random.default_rng(0).random((70, 90)).astype(np.float32)
    details = image - _blurred(image)
    mask = _blurred((np.abs(details) * 255 > 10).astype(np.float32))
    expected = mask * np.clip(image + 0.5 * details, 0, 1) + (1 - mask) * image
    made = sharpened(image)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected, atol=2e-4)


def test_faint_noise_and_flat_images_stay() -> None:
    rng = np.random.default_rng(1)
    faint = 0.4 + rng.uniform(-0.01, 0.01, (64, 64)).astype(np.float32)
    np.testing.assert_allclose(sharpened(faint), faint, atol=1e-6)


def test_an_edge_gets_steeper_and_stays_in_range() -> None:
    image = np.full((64, 64), 0.1, np.float32)
    image[:, 32:] = 0.9
    made = sharpened(image)
    before, after = image[32, 32] - image[32, 31], made[32, 32] - made[32, 31]
    assert after > before + 0.1
    assert made.min() >= 0
    assert made.max() <= 1
    assert made[32, 40] == pytest.approx(made[10, 40], abs=1e-3)
