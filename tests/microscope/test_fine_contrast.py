"""Texture and lines are told apart by how much of their light is fine structure."""

import numpy as np
import pytest

from w2s_cli.microscope.fine_contrast import fine_contrast
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import CAMERA

Y, X = np.mgrid[:96, :96].astype(np.float32)
WAVES = 1 + 0.25 * np.sin(X / 1.3) * np.sin(Y / 1.3)  # without noise 0.08 of the light
LINES = np.exp(-(((X % 16) - 8) ** 2) / 2 / 1.2**2) + np.float32(0.02)


def of(light: np.ndarray, camera: NoiseModel = CAMERA) -> float:
    counts = camera.sample(light.astype(np.float32), np.random.default_rng(0))
    found = fine_contrast([counts], camera)
    assert found
    return found.of_light


@pytest.mark.parametrize("photons", [5, 20, 100])
def test_the_noise_is_taken_off(photons: int) -> None:
    assert of(photons * WAVES) == pytest.approx(of(1e4 * WAVES), rel=0.3)
    assert of(photons * np.ones_like(X)) < 0.03
    assert of(photons * LINES) > 0.3


def test_neither_gain_nor_offset_counts() -> None:
    other = NoiseModel(gain=0.5, offset=1000, read_noise=1.0)
    assert of(200 * WAVES, other) == pytest.approx(of(200 * WAVES), rel=0.1)


def test_even_light_is_light_but_not_above_the_dark() -> None:
    camera = NoiseModel(1.0, 100.0, 1.0)
    light = 200 * (LINES + np.float32(2))
    found = fine_contrast([camera.sample(light, np.random.default_rng(0))], camera)
    assert found
    assert found.of_light < 0.2 < found.over_dark


def test_what_cannot_be_told() -> None:
    lags = tuple(tuple(float((y, x) == (0, 3)) for x in range(7)) for y in range(4))
    shared = NoiseModel(1.0, 0.0, 1.0, correlation=lags)
    assert fine_contrast([np.ones((32, 32), np.float32)], shared) is None
    assert fine_contrast([], CAMERA) is None
    assert fine_contrast([np.full((32, 32), 100.0, np.float32)], CAMERA) is None
