"""The shipped models where the truth is known to the last photon."""

from collections.abc import Callable

import numpy as np
import pytest

from shipped_models.checks import SHIPPED
from shipped_models.evenness import empty, flat
from shipped_models.finding import Finding
from shipped_models.setting import Setting, Subject
from w2s_cli._typing import FloatArray
from w2s_cli.methods.filters import Bicubic
from w2s_cli.methods.shipped import Denoise, Jdsr
from w2s_cli.metrics.fidelity import rmse
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import diffraction_psf, widefield_psf
from w2s_cli.microscope.simulation import (
    CAMERA,
    Exposure,
    simulate_cell,
    simulate_scene,
    widefield,
)
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Restorer

Check = Callable[[Subject, Setting], list[Finding]]


def _restored(method: Restorer, counts: np.ndarray, noise: NoiseModel) -> FloatArray:
    return Chain([method]).bound(noise)(counts[None].astype(np.float32))[0]


@pytest.mark.parametrize("check", [flat, empty])
@pytest.mark.parametrize("method", SHIPPED)
def test_little_is_left_of_noise_alone(check, method, tmp_path) -> None:
    found = check(Subject(method), Setting(None, tmp_path))
    # How large the largest bright thing may be is for shipped_models to say.
    spread = [one for one in found if "spread" in one.what]
    assert [one for one in spread if not one.met] == []


@pytest.mark.parametrize(("photons", "more"), [(20, 1.02), (200, 0.9), (1000, 0.8)])
def test_jdsr_comes_nearer_to_the_truth_than_interpolation(
    photons: int, more: float
) -> None:
    rng = np.random.default_rng(3)
    cell = simulate_cell(512, rng)
    # Light out of focus is kept, and so not asked for here.
    exposure = Exposure(photons, 0.02)
    light = widefield(cell, widefield_psf(1.4, 0.525, pixel_size=0.025), exposure)
    truth = (diffraction_psf(4 * 1.4 / 0.525 * 0.025).blur(cell) + 0.02) * photons
    counts = np.asarray(CAMERA.sample(light, rng), np.float32)
    sharp, plain, clean = (
        rmse(CAMERA.counts(truth), Chain(chain).bound(CAMERA)(counts[None])[0])
        for chain in ([Jdsr()], [Bicubic()], [Denoise(), Bicubic()])
    )
    assert sharp < 0.85 * plain
    assert sharp < more * clean


def test_jdsr_keeps_the_light() -> None:
    scene = simulate_scene(3, photons=200, side=256)
    sharp = CAMERA.photons(_restored(Jdsr(), scene.seen, CAMERA))
    assert sharp.mean() == pytest.approx(CAMERA.photons(scene.seen).mean(), rel=0.03)


@pytest.mark.parametrize("photons", [20, 200, 1000])
def test_denoise_removes_most_of_the_noise(photons: int) -> None:
    rng = np.random.default_rng(3)
    kernel = widefield_psf(1.4, 0.525, pixel_size=0.04)
    light = widefield(simulate_cell(512, rng), kernel, Exposure(photons, 0.02))
    counts, clean = CAMERA.sample(light, rng), CAMERA.counts(light)
    denoised = _restored(Denoise(), counts, CAMERA)
    assert rmse(clean, denoised) < 0.6 * rmse(clean, counts)
