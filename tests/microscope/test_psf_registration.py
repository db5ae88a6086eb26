import numpy as np
import pytest

from w2s_cli.microscope.psf import gaussian_psf
from w2s_cli.microscope.psf_equations import wiener_psf
from w2s_cli.microscope.psf_registration import Overlay, fit_gaussian_blur
from w2s_cli.microscope.simulation import Exposure, simulate_field, widefield

FIELD = simulate_field(256, np.random.default_rng(0))
REACH = 10
SIGMA = 2.5


def overlay(scale: int = 2, rolled: tuple[int, int] = (0, 0)) -> Overlay:
    low = widefield(FIELD, gaussian_psf(SIGMA), Exposure(100, 0.1), scale)
    return Overlay.of(low, np.roll(FIELD, [-way for way in rolled], (0, 1)), REACH, "a")


@pytest.mark.parametrize("rolled", [(0, 0), (20, -34), (-50, 2)])
@pytest.mark.parametrize("scale", [1, 2])
def test_the_first_look_finds_the_shift(scale: int, rolled: tuple[int, int]) -> None:
    assert overlay(scale, rolled).start == pytest.approx(rolled, abs=2)


def test_a_shift_counts_as_far_as_a_fifth_of_the_field() -> None:
    start = overlay(rolled=(0, 100)).start
    assert max(map(abs, start)) <= 0.2 * 256


def test_pixels_that_the_edges_reach_do_not_count() -> None:
    plain, apart = overlay(), overlay(rolled=(30, 0))
    assert (plain.weight[:5] == 0).all()
    assert (apart.weight[:20] == 0).all()
    assert plain.weight.max() == pytest.approx(1, abs=1e-3)


def test_moving_by_whole_pixels_is_rolling() -> None:
    found = overlay().moved((3.0, -2.0))
    rolled = np.roll(FIELD - FIELD.mean(), (3, -2), (0, 1))
    inner = (slice(12, -12),) * 2
    np.testing.assert_allclose(found[inner], rolled[inner], atol=1e-4)


@pytest.mark.parametrize("scale", [1, 2])
def test_a_gaussian_is_fitted_with_all_that_comes_with_it(scale: int) -> None:
    [alignment], width = fit_gaussian_blur([overlay(scale, (6, 3))])
    assert width == pytest.approx(SIGMA, rel=0.03)
    assert alignment.shift == pytest.approx((6, 3), abs=0.05)
    assert alignment.gain == pytest.approx(100, rel=0.03)


def test_the_quotient_of_the_authors_is_the_kernel() -> None:
    white = np.random.default_rng(0).random((256, 256), np.float32)
    low = widefield(white, gaussian_psf(SIGMA), Exposure(100), scale=1)
    same = Overlay.of(low, white, REACH, "a")
    kernel = wiener_psf([same], [(0.0, 0.0)], 1)
    truth = gaussian_psf(SIGMA).weights
    np.testing.assert_allclose(kernel, truth, atol=0.1 * truth.max())
    two = wiener_psf([same, same], [(0.0, 0.0)] * 2, 1)
    np.testing.assert_allclose(two, kernel)
