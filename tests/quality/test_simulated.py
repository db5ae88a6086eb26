"""The shipped models where the truth is known to the last photon."""

import numpy as np
import pytest

from w2s_cli.methods.bicubic import Bicubic
from w2s_cli.methods.network import Denoise, Jdsr
from w2s_cli.metrics.fidelity import rmse
from w2s_cli.physics.kernel import widefield_kernel
from w2s_cli.physics.noise import NoiseModel
from w2s_cli.physics.scene import CAMERA, simulate_scene
from w2s_cli.physics.simulate import Exposure, simulate_cell, widefield
from w2s_cli.restore import Chain, FloatArray, Restorer


def _restored(method: Restorer, counts: np.ndarray, noise: NoiseModel) -> FloatArray:
    return Chain([method]).bound(noise)(counts[None].astype(np.float32))[0]


@pytest.mark.parametrize("photons", [1.0, 10.0, 100.0, 500.0])
@pytest.mark.parametrize("method", [Denoise(), Jdsr()], ids=["denoise", "jdsr"])
def test_noise_alone_becomes_no_structure(method: Restorer, photons: float) -> None:
    noise = NoiseModel(2.2, 100, 3)
    flat = np.full((192, 192), photons, np.float32)
    counts = noise.sample(flat, np.random.default_rng(0))
    inside = slice(16, -16)
    result = noise.photons(_restored(method, counts, noise))[inside, inside]
    spread = np.sqrt(photons + noise.sigma**2)
    assert result.mean() == pytest.approx(photons, abs=0.1 * spread)
    assert result.std() < 0.25 * spread
    assert abs(result - photons).max() < 1.2 * spread


@pytest.mark.parametrize("photons", [20, 200, 1000])
def test_jdsr_comes_nearer_to_the_truth_than_interpolation(photons: int) -> None:
    scene = simulate_scene(3, photons=photons, side=256)
    counts = scene.seen.astype(np.float32)[None]
    sharp, clean = _restored(Jdsr(), scene.seen, CAMERA), Chain([Denoise(), Bicubic()])
    error = rmse(scene.truth, sharp)
    assert error < 0.8 * rmse(scene.truth, Bicubic()(counts)[0])
    assert error < rmse(scene.truth, clean.bound(CAMERA)(counts)[0])


def test_jdsr_keeps_the_light() -> None:
    scene = simulate_scene(3, photons=200, side=256)
    sharp = CAMERA.photons(_restored(Jdsr(), scene.seen, CAMERA))
    assert sharp.mean() == pytest.approx(CAMERA.photons(scene.seen).mean(), rel=0.03)


@pytest.mark.parametrize("photons", [20, 200, 1000])
def test_denoise_removes_most_of_the_noise(photons: int) -> None:
    rng = np.random.default_rng(3)
    kernel = widefield_kernel(1.4, 0.525, pixel_size=0.04)
    light = widefield(simulate_cell(512, rng), kernel, Exposure(photons, 0.02))
    counts, clean = CAMERA.sample(light, rng), CAMERA.counts(light)
    denoised = _restored(Denoise(), counts, CAMERA)
    assert rmse(clean, denoised) < 0.6 * rmse(clean, counts)
