from collections.abc import Callable

import numpy as np
import pytest

from w2s_cli.microscope.psf import gaussian_psf
from w2s_cli.microscope.simulation import (
    CAMERA,
    STRUCTURES,
    Exposure,
    simulate_field,
    simulate_scene,
    widefield,
)


@pytest.mark.parametrize("draw", STRUCTURES)
@pytest.mark.parametrize("seed", range(3))
def test_structures_are_bright_sparse_and_reproducible(
    draw: Callable[..., np.ndarray], seed: int
) -> None:
    field = draw(160, np.random.default_rng(seed))
    assert field.shape == (160, 160)
    assert field.dtype == np.float32
    assert field.min() >= 0
    assert 0.5 < field.max() < 20
    assert np.median(field) < 0.5
    np.testing.assert_array_equal(field, draw(160, np.random.default_rng(seed)))


def test_widefield_keeps_the_light() -> None:
    truth = simulate_field(128, np.random.default_rng(0))
    truth[:24] = truth[-24:] = truth[:, :24] = truth[:, -24:] = 0
    seen = widefield(truth, gaussian_psf(3), Exposure(photons=50, background=0.1))
    expected = 50 * (truth.sum() / 4 + 0.1 * seen.size)
    assert seen.shape == (64, 64)
    assert seen.sum() == pytest.approx(expected, rel=1e-3)


def test_haze_adds_smooth_light() -> None:
    truth = simulate_field(128, np.random.default_rng(0))
    clear, hazy = (
        widefield(truth, gaussian_psf(3), Exposure(50, haze=haze)) for haze in (0, 1)
    )
    haze = hazy - clear
    assert haze.sum() == pytest.approx(clear.sum(), rel=0.05)
    assert abs(np.diff(haze)).max() < 0.3 * abs(np.diff(clear)).max()


def test_scene_is_in_counts_on_both_grids() -> None:
    scene = simulate_scene(0, side=64)
    assert scene.seen.dtype == np.uint16
    assert scene.truth.shape == (128, 128)
    assert scene.seen.mean() == pytest.approx(scene.truth.mean(), rel=0.1)
    assert scene.truth.min() >= CAMERA.offset
