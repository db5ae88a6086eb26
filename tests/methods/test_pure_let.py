"""What the estimated error promises, on images whose true error is known."""

from collections.abc import Callable

import numpy as np
import pytest

from w2s_cli.errors import UsageError
from w2s_cli.methods import pure_let
from w2s_cli.methods.pure_let import (
    MOST_OF_CLEAR,
    MOST_OF_FAINT,
    PureLet,
    bounded_weights,
    combined,
    normal_equations,
)
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import simulate_cell
from w2s_cli.restorers.chain import Chain

LEVELS, FUNCTIONS = 3, 18
INSIDE = np.s_[2**LEVELS - 1 : 1 - 2**LEVELS, 2**LEVELS - 1 : 1 - 2**LEVELS]
THRESHOLD = np.tile([1, -1], FUNCTIONS // 2)  # keep all, but take away the faint


def _cell(photons: float) -> np.ndarray:
    cell = simulate_cell(142, np.random.default_rng(1))
    return (photons * (0.1 + cell / cell.max())).astype(np.float32)


def _functions(noisy: np.ndarray, sigma: float) -> np.ndarray:
    low = combined(noisy, LEVELS, sigma, np.zeros(FUNCTIONS))
    alone = [combined(noisy, LEVELS, sigma, one) - low for one in np.eye(FUNCTIONS)]
    return np.array([low, *alone], float).reshape(1 + FUNCTIONS, -1)


def test_the_equations_hold_the_products_of_the_functions() -> None:
    noisy = NoiseModel(1, 0, 1).sample(_cell(20), np.random.default_rng(0))
    functions = _functions(noisy, 1)[1:]
    gram, _ = normal_equations(noisy, LEVELS, 1)
    tolerance = 1e-4 * np.abs(gram).max()
    np.testing.assert_allclose(gram, functions @ functions.T, atol=tolerance)


@pytest.mark.parametrize("sigma", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("photons", [1.0, 30.0])
def test_the_estimated_error_is_the_true_error(photons: float, sigma: float) -> None:
    truth, rng = _cell(photons), np.random.default_rng(0)
    wrong, errors = [], []
    for _ in range(16):
        noisy = NoiseModel(1, 0, sigma).sample(truth, rng)
        low = combined(noisy, LEVELS, sigma, 0 * THRESHOLD)
        added = combined(noisy, LEVELS, sigma, THRESHOLD) - low
        true_product = np.vdot(added, truth[INSIDE] - low)
        estimate = THRESHOLD @ normal_equations(noisy, LEVELS, sigma)[1]
        wrong.append(2 * (estimate - true_product))
        errors.append(np.sum((low + added - truth[INSIDE]) ** 2))
    uncertain = np.std(wrong) / np.sqrt(len(wrong))
    assert abs(np.mean(wrong)) < 3 * uncertain
    assert uncertain < 0.06 * np.mean(errors)


@pytest.mark.parametrize(("photons", "sigma"), [(3.0, 0.0), (300.0, 0.0), (300.0, 9.0)])
def test_no_weights_would_have_been_much_better(photons: float, sigma: float) -> None:
    truth = _cell(photons)
    noisy = NoiseModel(1, 0, sigma).sample(truth, np.random.default_rng(0))
    low, *functions = _functions(noisy, sigma)
    missing = truth[INSIDE].ravel() - low
    best, *_ = np.linalg.lstsq(np.transpose(functions), missing, rcond=None)
    least = np.mean((missing - best @ functions) ** 2)
    error = (PureLet(LEVELS, sigma)(noisy[None])[0] - truth)[INSIDE]
    assert np.mean(error**2) < 1.15 * least
    assert least < 0.3 * np.mean((noisy - truth) ** 2)


@pytest.mark.parametrize("seed", range(6))
def test_no_weight_leaves_its_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    functions = rng.standard_normal((FUNCTIONS, 100))
    functions[rng.integers(FUNCTIONS)] = 0
    weights = bounded_weights(
        functions @ functions.T, functions @ (20 * rng.standard_normal(100))
    )
    clear, faint = weights[::2], weights[::2] + weights[1::2]
    assert (clear >= -1e-9).all()
    assert (clear <= MOST_OF_CLEAR + 1e-9).all()
    assert (faint >= -1e-9).all()
    assert (faint <= MOST_OF_FAINT + 1e-9).all()


def test_weights_inside_the_bounds_are_those_of_least_squares() -> None:
    functions = np.random.default_rng(0).standard_normal((FUNCTIONS, 100))
    weights = np.tile([1.5, -1.0], FUNCTIONS // 2)
    gram = functions @ functions.T
    np.testing.assert_allclose(bounded_weights(gram, gram @ weights), weights)


def _replicated(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    coarse = NoiseModel(2.2, 0, 3).sample(truth[::2, ::2], rng)
    return coarse.repeat(2, 0).repeat(2, 1)


def _clipped(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.maximum(NoiseModel(2.2, 0, 6).sample(truth, rng), 0)


@pytest.mark.parametrize(("photons", "camera"), [(60, _replicated), (3, _clipped)])
def test_noise_of_another_kind_draws_no_checkerboard(
    photons: float, camera: Callable[..., np.ndarray]
) -> None:
    truth = _cell(photons).repeat(2, 0).repeat(2, 1)
    counts = camera(truth, np.random.default_rng(5))
    noise = fit_noise([counts]).model
    restored = Chain([PureLet()]).bound(noise)(counts[None])[0]
    before = np.mean((counts - 2.2 * truth) ** 2)
    assert np.mean((restored - 2.2 * truth) ** 2) < before


@pytest.mark.parametrize("photons", [0.1, 2, 100])
def test_even_light_becomes_even(photons: float) -> None:
    noise = NoiseModel(2.2, 100, 3)
    flat = np.full((256, 256), photons, np.float32)
    counts = noise.sample(flat, np.random.default_rng(2))
    seen = Chain([PureLet()]).bound(noise)(counts[None])
    denoised = noise.photons(seen)
    spread = np.sqrt(photons + noise.sigma**2)
    assert denoised.mean() == pytest.approx(photons, abs=0.05 * spread)
    assert denoised.std() < 0.1 * spread


@pytest.mark.parametrize("side", [8, 16, 40])
def test_few_pixels_become_no_worse(side: int) -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        noisy = NoiseModel(1, 0, 1).sample(np.full((side, side), 2, np.float32), rng)
        error = PureLet(sigma=1)(noisy[None]) - 2
        assert np.mean(error**2) < 0.5 * np.mean((noisy - 2) ** 2)


def test_strips_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = NoiseModel(1).sample(_cell(20), np.random.default_rng(0))
    whole = PureLet(LEVELS)(noisy[None])
    monkeypatch.setattr(pure_let, "STRIP", 40 * noisy.shape[1])
    np.testing.assert_allclose(PureLet(LEVELS)(noisy[None]), whole, atol=1e-4)


@pytest.mark.parametrize("value", [-3.0, 0.0, 7.0, 1e7])
def test_a_constant_image_stays(value: float) -> None:
    plane = np.full((1, 40, 50), value, np.float32)
    np.testing.assert_allclose(PureLet()(plane), plane, rtol=1e-5, atol=1e-5)


def test_a_saturated_image_stays_finite() -> None:
    plane = np.zeros((1, 64, 64), np.float32)
    plane[:, 20:] = 1e7
    denoised = PureLet()(plane)
    np.testing.assert_allclose(denoised, plane, atol=1e4)


@pytest.mark.parametrize("levels", [0, 9])
def test_levels_out_of_range(levels: int) -> None:
    with pytest.raises(UsageError) as caught:
        PureLet(levels)
    assert str(caught.value) == f"option levels must be 1 to 8, found {levels}"
