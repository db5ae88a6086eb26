import numpy as np
import pytest

from w2s_cli.training.patches import real_esrgan_stages
from w2s_cli.training.recipe_tables import Stage


def test_gaussian_noise_has_the_spread_asked_for() -> None:
    made = real_esrgan_stages.gaussian_noise((300, 300), 20, np.random.default_rng(0))
    assert made.dtype == np.float32
    assert made.std() == pytest.approx(20 / 255, rel=0.01)
    assert abs(made.mean()) < 0.001


@pytest.mark.parametrize(
    ("levels", "photons"), [(1, 1), (2, 2), (3, 4), (16, 16), (17, 32), (256, 256)]
)
def test_poisson_noise_has_the_variance_of_its_light(levels: int, photons: int) -> None:
    grays = np.arange(levels) * (255 // max(levels - 1, 1))
    image = np.repeat(grays / 255, 40_000 // levels).astype(np.float32)[None]
    if levels == 1:
        image[:] = 0.2
    made = real_esrgan_stages.poisson_noise(image, 1.5, np.random.default_rng(1))
    expected = 1.5**2 * image.mean() / photons
    assert made.var() == pytest.approx(expected, rel=0.05)
    assert abs(made.mean()) < 4 * np.sqrt(expected / made.size)


def test_values_beyond_the_range_count_as_its_ends() -> None:
    image = np.array([[-0.2, 1.4]], np.float32)
    assert real_esrgan_stages.gray_levels(image).tolist() == [[0, 255]]
    assert (
        real_esrgan_stages.poisson_noise(image, 1, np.random.default_rng(0))[0, 0] == 0
    )


def test_the_two_kinds_occur_as_often_as_told_and_are_clipped() -> None:
    rng = np.random.default_rng(2)
    dark = np.zeros((8, 8), np.float32)
    stage = Stage(gaussian=0.3)
    made = [real_esrgan_stages.add_noise(dark, stage, rng) for _ in range(600)]
    assert np.mean([one.any() for one in made]) == pytest.approx(0.3, abs=0.08)
    assert min(one.min() for one in made) == 0
    assert real_esrgan_stages.add_noise(dark + 1, stage, rng).max() <= 1
    assert real_esrgan_stages.add_noise(dark, stage, rng).dtype == np.float32


def test_strengths_come_from_their_spans() -> None:
    rng = np.random.default_rng(3)
    gray = np.full((64, 64), 0.5, np.float32)
    even = [
        real_esrgan_stages.add_noise(gray, Stage(gaussian=1), rng).std() * 255
        for _ in range(200)
    ]
    assert 0.9 < min(even) < 4
    assert 26 < max(even) < 31
    light = [
        real_esrgan_stages.add_noise(
            gray, Stage(gaussian=0, poisson=(0.1, 0.1)), rng
        ).std()
        for _ in range(5)
    ]  # one level, so one photon in white: variance 1/2
    np.testing.assert_allclose(light, 0.1 * np.sqrt(0.5), rtol=0.1)
