import numpy as np
import pytest

from w2s_cli.training.patches import real_esrgan_stages
from w2s_cli.training.recipe_tables import Stage


@pytest.fixture
def image() -> np.ndarray:
    y, x = np.mgrid[:60, :71] / 60
    waves = 0.5 + 0.3 * np.sin(20 * x * y) + 0.1 * np.cos(90 * x)
    return np.asarray(waves, np.float32)


def test_a_lower_quality_is_further_from_the_image(image: np.ndarray) -> None:
    errors = [
        float(((real_esrgan_stages.compressed(image, quality) - image) ** 2).mean())
        for quality in (10, 30, 50, 70, 95)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-4


def test_values_are_those_of_eight_bits(image: np.ndarray) -> None:
    made = real_esrgan_stages.compressed(image * 1.5, 60)
    assert made.shape == image.shape
    assert made.dtype == np.float32
    np.testing.assert_allclose(made * 255, np.round(made * 255), atol=1e-4)


def test_a_flat_block_is_its_mean() -> None:
    """A constant has no other frequency; 128 / 255 is the zero of the transform."""
    flat = np.full((16, 16), 128 / 255, np.float32)
    np.testing.assert_array_equal(real_esrgan_stages.compressed(flat, 30), flat)


def test_qualities_come_from_their_span(
    image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(
        real_esrgan_stages, "compressed", lambda _, quality: seen.append(quality)
    )
    rng = np.random.default_rng(0)
    for _ in range(600):
        real_esrgan_stages.compress(image, Stage(), rng)
    assert (min(seen), max(seen)) == (30, 95)
    assert np.mean(seen) == pytest.approx(62.5, abs=3)
