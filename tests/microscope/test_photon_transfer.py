"""Photon transfer over repeats, and dark frames."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_estimation import Dark, measure_dark
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.photon_transfer import fit_repeats

CAMERA = NoiseModel(2.2, 100, 3)
INTERCEPT = 9 - 220 + 1 / 12  # squared counts, rounding included


def view(side: int = 160) -> np.ndarray:
    """Return photons with structure as sharp as a pixel."""
    rng = np.random.default_rng(5)
    return (
        2 + 80 * (rng.random((side, side)) > 0.8) * rng.random((side, side))
    ).astype(np.float32)


def taken(count: int, seed: int = 0, light=lambda n: 1.0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [
        CAMERA.sample(view() * np.float32(light(n)), rng).round().astype(np.uint16)
        for n in range(count)
    ]


@pytest.mark.parametrize("count", [3, 20])
def test_structure_does_not_matter(count: int) -> None:
    fit = fit_repeats([taken(count)])
    assert fit.slope == pytest.approx(2.2, abs=3.5 * fit.line.slope_error)
    assert fit.intercept == pytest.approx(INTERCEPT, abs=3.5 * fit.line.intercept_error)
    assert fit.line.slope_error < 0.2 / np.sqrt(count)
    assert abs(fit.correlation) < 0.03


def test_two_exposures_are_enough_for_a_microscope() -> None:
    rng = np.random.default_rng(0)
    light = gaussian_filter(view(), 1) * np.float32(3)
    frames = [CAMERA.sample(light, rng) for _ in range(2)]
    fit = fit_repeats([frames])
    assert fit.slope == pytest.approx(2.2, abs=3 * fit.line.slope_error)
    assert fit.line.slope_error < 0.15


def test_views_are_pooled() -> None:
    one, both = (fit_repeats([taken(4, n) for n in range(k)]) for k in (1, 2))
    assert both.line.slope_error < 0.8 * one.line.slope_error


@pytest.mark.parametrize("light", [lambda n: 0.93**n, lambda n: 1 + 0.2 * (n % 2)])
def test_bleaching_and_flicker_are_no_noise(light) -> None:
    fit = fit_repeats([taken(8, light=light)])
    assert fit.slope == pytest.approx(2.2, rel=0.03)


def test_saturation_is_given_back() -> None:
    frames = [np.minimum(frame, 200) for frame in taken(8)]
    assert np.mean(frames[0] == 200) > 0.02
    assert fit_repeats([frames]).slope == pytest.approx(2.2, rel=0.05)


def test_a_dark_frame_tells_offset_from_read_noise() -> None:
    fit = fit_repeats([taken(8)], Dark(100, 3))
    assert (fit.model.offset, fit.model.read_noise) == (100, 3)
    assert fit.model.gain == pytest.approx(2.2, rel=0.02)


def test_the_dark_frame_of_another_camera() -> None:
    with pytest.raises(InputError, match=r"below the dark frame with 150$"):
        fit_repeats([taken(8)], Dark(150, 3))


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (taken(1), "there is one exposure only: no repeats"),
        (taken(1) * 3, "the repeats do not differ from one another"),
        ([*taken(1), np.full((160, 160), np.nan)], "the image holds NaN or infinite"),
    ],
)
def test_what_are_no_repeats(frames: list[np.ndarray], message: str) -> None:
    with pytest.raises(InputError) as caught:
        fit_repeats([frames])
    assert str(caught.value).startswith(message)


def dark(count: int, pattern: float = 0.0) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    fixed = 100 + pattern * rng.standard_normal((128, 128))
    fixed[::40, ::40] = 3000
    return [
        (fixed + 3 * rng.standard_normal(fixed.shape)).round().astype(np.uint16)
        for _ in range(count)
    ]


def test_hot_pixels_of_a_dark_frame_do_not_count() -> None:
    found = measure_dark(dark(1))
    assert found.offset == pytest.approx(100, abs=0.1)
    assert found.read_noise == pytest.approx(3, rel=0.02)


def test_pattern_is_no_read_noise_where_there_are_several_frames() -> None:
    assert measure_dark(dark(4, pattern=4)).read_noise == pytest.approx(3, rel=0.02)
    assert measure_dark(dark(1, pattern=4)).read_noise == pytest.approx(5, rel=0.02)


def test_a_dark_frame_without_noise() -> None:
    assert measure_dark([np.full((32, 32), 7)]) == Dark(7, 0)


def test_a_dark_frame_must_be_finite() -> None:
    with pytest.raises(InputError, match="the dark frame holds NaN"):
        measure_dark([np.full((8, 8), np.nan)])
