from pathlib import Path

import numpy as np
import pytest

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError, WeightsError
from w2s_cli.methods.epll import Epll
from w2s_cli.metrics.fidelity import rmse
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import gaussian_psf
from w2s_cli.microscope.simulation import Exposure, simulate_cell, widefield
from w2s_cli.restorers.chain import Chain
from w2s_cli.weights import checkpoint
from w2s_cli.weights.cache import sha256_of

CAMERA = NoiseModel(gain=2.2, offset=100, read_noise=1)


def _restored(counts: np.ndarray) -> FloatArray:
    return Chain([Epll()]).bound(CAMERA)(counts[None].astype(np.float32))[0]


@pytest.mark.parametrize(("photons", "share"), [(10, 0.4), (100, 0.55), (1000, 0.75)])
def test_most_of_the_noise_goes(photons: int, share: float) -> None:
    rng = np.random.default_rng(3)
    exposure = Exposure(photons, 0.05)
    light = widefield(simulate_cell(192, rng), gaussian_psf(3), exposure)
    counts, clean = CAMERA.sample(light, rng), CAMERA.counts(light)
    assert rmse(clean, _restored(counts)) < share * rmse(clean, counts)


@pytest.mark.parametrize("photons", [2.0, 20.0, 500.0])
def test_even_light_stays_even_and_keeps_its_counts(photons: float) -> None:
    flat = np.full((96, 96), photons, np.float32)
    counts = CAMERA.sample(flat, np.random.default_rng(0))
    result = CAMERA.photons(_restored(counts))
    noise = np.sqrt(photons + CAMERA.sigma**2)
    assert result.mean() == pytest.approx(photons, abs=0.04 * noise)
    assert result.std() < 0.12 * noise


def test_without_noise_a_plane_of_one_value_is_left_alone() -> None:
    blocks = np.full((2, 12, 9), 7.25, np.float32)
    np.testing.assert_allclose(Epll()(blocks), blocks, rtol=1e-6)


def test_without_steps_that_trust_the_patches_the_input_comes_back() -> None:
    noisy = np.random.default_rng(0).normal(9, 1, (1, 20, 20)).astype(np.float32)
    close = Epll(betas="1e-6", fidelity=1)(noisy)
    np.testing.assert_allclose(close, noisy, atol=1e-3)


@pytest.mark.parametrize("betas", ["", "1,,2", "1 2", "0,1", "-1", "one"])
def test_betas_that_are_none(betas: str) -> None:
    with pytest.raises(UsageError, match="betas must be numbers above 0") as told:
        Epll(betas=betas)
    assert "commas" in told.value.hint


def test_fidelity_below_nothing() -> None:
    with pytest.raises(UsageError, match="fidelity must be 0 or more, found -1"):
        Epll(fidelity=-1)


def test_weights_of_a_network_are_refused() -> None:
    with pytest.raises(WeightsError, match="are no mixture of square patches"):
        _ = Epll(weights=checkpoint.shipped("denoise")).traits


def test_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights at"):
        _ = Epll(weights=tmp_path / "none.safetensors").traits


def test_provenance_names_the_prior() -> None:
    origin = Epll(device="cpu").provenance
    assert origin["weights_sha256"] == sha256_of(checkpoint.shipped("epll"))
    assert origin["device"] == "cpu"
