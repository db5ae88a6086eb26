import numpy as np
import pytest

from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.training.patches.exposures import (
    MARGIN,
    CameraImage,
    add_defects,
    draw_processing,
    expose,
)

SIDE = 192


def _exposed(
    seed: int, photons: float, processed: bool, sigma: float = 0.0
) -> CameraImage:
    rng = np.random.default_rng(seed)
    side = SIDE + 2 * MARGIN * processed
    light = np.full((side, side), photons, np.float32)
    noise = NoiseModel(1, read_noise=sigma)
    way = draw_processing(rng) if processed else None
    return expose(light, noise, rng, processing=way)


@pytest.mark.parametrize("processed", [False, True])
@pytest.mark.parametrize(("photons", "sigma"), [(40, 0), (500, 3)])
def test_noise_has_a_standard_deviation_of_one(
    processed: bool, photons: float, sigma: float
) -> None:
    for seed in range(20):
        seen = _exposed(seed, photons, processed, sigma)
        assert seen.stabilised.shape == seen.truth.shape == (SIDE, SIDE)
        roots = 2 * np.sqrt(np.maximum(seen.truth + seen.lift, 0))
        # The gain is known but for some errors; JPEG and 5 % of it are among them.
        assert (seen.stabilised - roots).std() == pytest.approx(1, abs=0.25)


def test_conditions_say_how_neighbours_share_noise() -> None:
    rng = np.random.default_rng(2)
    white = expose(np.full((SIDE, SIDE), 100, np.float32), NoiseModel(1), rng)
    assert white.conditions.correlation == pytest.approx((0, 0, 0, 0), abs=0.15)
    for seed in range(12):
        seen = _exposed(seed, 100, processed=True)
        roots = seen.stabilised - 2 * np.sqrt(np.maximum(seen.truth + seen.lift, 0))
        roots = roots - roots.mean()
        beside = np.mean(roots[:, 1:] * roots[:, :-1]) / roots.var()
        assert seen.conditions.correlation[0] == pytest.approx(beside, abs=0.2)


def test_photons_are_in_units_of_the_effective_gain() -> None:
    for seed in range(12):
        seen = _exposed(seed, 100, processed=True)
        assert (seen.truth.mean() - seen.shift) * seen.gain < 130
        assert seen.gain > 0


@pytest.mark.parametrize("wide", [False, True])
def test_defects_are_few_and_filled(wide: bool) -> None:
    clean = _exposed(0, 50, processed=False)
    for seed in range(20):
        seen = add_defects(clean, np.random.default_rng(seed), wide=wide)
        assert seen.unknown.any()
        assert seen.unknown.mean() < (0.2 if wide else 0.05)
        assert np.isfinite(seen.stabilised).all()
        same = ~seen.unknown
        assert np.array_equal(seen.stabilised[same], clean.stabilised[same])
        # The median of neighbours has less noise than a pixel.
        if seen.unknown.sum() > 50:
            assert seen.stabilised[seen.unknown].std() < clean.stabilised.std()
