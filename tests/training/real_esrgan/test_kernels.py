from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from w2s_cli.microscope.psf import PSF
from w2s_cli.training.patches import real_esrgan_stages
from w2s_cli.training.patches.real_esrgan_stages import KINDS, SIDES
from w2s_cli.training.recipe_tables import SecondStage, Stage

DRAWS = 600


def _drawn(stage: Stage, count: int = DRAWS) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [real_esrgan_stages.draw_kernel(stage, rng).weights for _ in range(count)]


def _near(count: int, share: float, draws: int = DRAWS) -> bool:
    return abs(count - share * draws) <= 4 * np.sqrt(draws * share * (1 - share)) + 1e-9


def _moments(weights: np.ndarray) -> np.ndarray:
    line = np.arange(len(weights)) - len(weights) // 2
    y, x = np.meshgrid(line, line, indexing="ij")
    return np.array(
        [[(weights * a * b).sum() for b in (y, x)] for a in (y, x)], np.float64
    )


def test_every_kernel_sums_to_one_and_looks_the_same_from_behind() -> None:
    for weights in _drawn(Stage()) + _drawn(SecondStage()):
        assert weights.sum() == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_round_kernels_are_round_and_the_others_are_not(name: str) -> None:
    for weights in _drawn(Stage(sinc=0, kernels={name: 1}, sigma=(1, 3)), 20):
        assert weights.min() >= 0
        turned = np.allclose(weights, weights.T, atol=1e-6)
        mirrored = np.allclose(weights, weights[::-1], atol=1e-6)
        assert (turned and mirrored) is not name.endswith("aniso")


def test_sides_and_low_pass_filters_occur_as_often_as_told() -> None:
    drawn = _drawn(Stage())
    sides = Counter(len(weights) for weights in drawn)
    assert set(sides) == set(SIDES) == {7, 9, 11, 13, 15, 17, 19, 21}
    assert all(_near(count, 1 / 8) for count in sides.values())
    assert _near(sum(weights.min() < 0 for weights in drawn), 0.1)


def test_kinds_occur_as_often_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()
    for name in KINDS:
        monkeypatch.setitem(KINDS, name, lambda *_, name=name: seen.update([name]))
    rng = np.random.default_rng(2)
    stage = replace(Stage(), sinc=0)
    for _ in range(DRAWS):
        real_esrgan_stages.draw_kernel(stage, rng)
    shares = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
    assert all(
        _near(seen[name], share) for name, share in zip(KINDS, shares, strict=True)
    )


def test_the_covariance_of_a_gaussian_is_the_one_asked_for() -> None:
    covariance = np.array([[4.0, 1.2], [1.2, 2.0]])
    np.testing.assert_allclose(
        _moments(real_esrgan_stages.gaussian(covariance, 21).weights),
        covariance,
        atol=2e-3,
    )


def test_drawn_widths_and_angles_cover_the_spans() -> None:
    stage = Stage(sinc=0, kernels={"aniso": 1}, sigma=(0.8, 1.2))
    widths = [
        np.sqrt(np.linalg.eigvalsh(_moments(weights)))
        for weights in _drawn(stage, 200)
        if len(weights) >= 13
    ]
    assert 0.79 < np.min(widths) < 0.85
    assert 1.15 < np.max(widths) < 1.21


def test_exponents_make_tails_long_or_tops_flat() -> None:
    def spread(made: PSF) -> float:
        return float(np.trace(_moments(made.weights)))

    round_ = np.eye(2) * 4
    pointed, plain, flat = (
        real_esrgan_stages.gaussian(round_, 21, b) for b in (0.5, 1.0, 4.0)
    )
    assert spread(pointed) > spread(plain) > spread(flat)
    top = real_esrgan_stages.plateau(round_, 21, 2.0).weights
    middle, beside = top[10, 10], top[10, 11]
    assert beside / middle == pytest.approx(1 / (1 + (1 / 4) ** 2), rel=1e-5)


@pytest.mark.parametrize("cutoff", [np.pi / 3, np.pi / 2])
def test_a_low_pass_filter_passes_below_its_cutoff_and_stops_above(
    cutoff: float,
) -> None:
    size = 256
    response = np.abs(
        np.fft.fft2(real_esrgan_stages.low_pass(cutoff, 21).weights, (size, size))
    )
    frequency = 2 * np.pi * np.fft.fftfreq(size)
    radius = np.hypot(frequency[:, None], frequency)
    assert abs(response[radius < cutoff - 0.25] - 1).max() < 0.25
    assert response[radius > cutoff + 0.25].max() < 0.25
    # What is cut off at the kernel's edge leaves a ripple, also at frequency 0.
    assert response[radius < cutoff - 0.25].mean() == pytest.approx(1, abs=0.1)
    assert response[radius > cutoff + 0.4].mean() < 0.04
    ring = abs(radius - cutoff) < 0.02
    assert response[ring].mean() == pytest.approx(0.5, abs=0.08)


def test_a_low_pass_filter_is_the_transform_of_a_disc() -> None:
    line = np.linspace(-2, 2, 801)
    disc = np.hypot(line[:, None], line) < 2
    waves = np.exp(1j * np.outer(np.arange(21) - 10, line))
    expected = (waves @ disc @ waves.T).real
    made = real_esrgan_stages.low_pass(2.0, 21).weights
    np.testing.assert_allclose(made, expected / expected.sum(), atol=1e-3)


def test_small_filters_have_no_low_cutoff(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, int]] = []
    monkeypatch.setattr(
        real_esrgan_stages, "low_pass", lambda *given: seen.append(given)
    )
    rng = np.random.default_rng(3)
    for _ in range(DRAWS):
        real_esrgan_stages.draw_kernel(Stage(sinc=1), rng)
    small = [cutoff for cutoff, side in seen if side < 13]
    large = [cutoff for cutoff, side in seen if side >= 13]
    assert np.pi / 3 <= min(small) < max(small) <= np.pi
    assert np.pi / 5 <= min(large) < np.pi / 5 + 0.1
    seen.clear()
    for _ in range(DRAWS):
        real_esrgan_stages.draw_low_pass(rng)
    assert min(cutoff for cutoff, _ in seen) >= np.pi / 3
