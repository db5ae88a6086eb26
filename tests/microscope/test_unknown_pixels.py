"""What says nothing of the light is found; light, darkness and defects are not."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, rotate

from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.unknown_pixels import KnownPlane, unknown_pixels

SIDE = 192
CAMERA = NoiseModel(2.2, 100.0, 3.0)
Y, X = np.mgrid[:SIDE, :SIDE]
ROUND = (Y - 96) ** 2 + (X - 96) ** 2 < 80**2
DIGITS = {"0": "111101101101111", "7": "111001010010010", ":": "000010000010000"}


def light(photons: float, background: float = 0.1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    spots = (rng.random((SIDE, SIDE)) > 0.995) * rng.exponential(1, (SIDE, SIDE))
    cells = gaussian_filter(spots, 1.5) * 14 + gaussian_filter(spots, 8) * 150
    return (photons * (cells / 4 + background)).astype(np.float32)


def counts(photons: float = 60, background: float = 0.1, seed: int = 0) -> np.ndarray:
    noisy = CAMERA.sample(light(photons, background, seed), np.random.default_rng(seed))
    return noisy.round().clip(0, 65535).astype(np.uint16)


def filled_with(value: float, where: np.ndarray) -> np.ndarray:
    return np.where(where, np.asarray(value, counts().dtype), counts())


def written(text: str, width: int, value: int) -> np.ndarray:
    plane = counts()
    for number, digit in enumerate(text):
        shape = np.array([*map(int, DIGITS[digit])]).reshape(5, 3).astype(bool)
        shape = shape.repeat(width, 0).repeat(width, 1)
        left = 10 + 4 * width * number
        plane[10 : 10 + 5 * width, left : left + 3 * width][shape] = value
    return plane


BANDS = (Y < 25) | (Y >= SIDE - 30)
BAR = (Y > 170) & (Y < 177) & (X > 120) & (X < 180)


@pytest.mark.parametrize(
    ("plane", "where"),
    [
        *((filled_with(value, BANDS), BANDS) for value in (0, 50, 100, 255, 65535)),
        (filled_with(0, ~ROUND), ~ROUND),
        (filled_with(0, (Y - 60) ** 2 + (X - 90) ** 2 < 200), None),
        (np.where(ROUND, np.maximum(counts(), 103) - 103, 0), ~ROUND),
        *((filled_with(value, BAR), BAR) for value in (0, 1000, 10000, 65535)),
        (np.where(BAR, 255, (counts() - 90) / 2).clip(0, 255).astype(np.uint8), BAR),
        (np.where(Y < 9, np.nan, counts()), Y < 9),
    ],
)
def test_areas_without_light(plane: np.ndarray, where: np.ndarray | None) -> None:
    found = unknown_pixels(plane)
    if where is None:
        assert found.mean() == pytest.approx(0.0170, abs=0.002)
    else:
        assert np.mean(found != where) < 0.002


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("angle", [3, 20, 45])
def test_the_corners_of_a_turned_image(angle: int, order: int) -> None:
    turned = rotate(counts().astype(np.float32), angle, order=order, cval=0)
    inside = rotate(np.ones((SIDE, SIDE)), angle, order=0, cval=0) > 0
    assert np.mean(unknown_pixels(turned) != ~inside) < 0.03


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("value", [4095, 65535])
def test_a_time_stamp(width: int, value: int) -> None:
    plane = written("07:07", width, value)
    assert np.mean(unknown_pixels(plane) != (plane == value)) < 2e-4


def stretched(darkest: float) -> np.ndarray:
    plane = counts(300, 0.01)
    low, high = np.percentile(plane, [darkest, 99.6])
    return (((plane - low) / (high - low)).clip(0, 1) * 255).round().astype(np.uint8)


def beads(brightness: float) -> np.ndarray:
    places = np.random.default_rng(0).random((SIDE, SIDE)) < 0.001
    peaks = gaussian_filter(places * 1.0, 1.2) * 9 * brightness
    noisy = CAMERA.sample(peaks.astype(np.float32), np.random.default_rng(0))
    return noisy.clip(0, 4095).astype(np.uint16)


def defective() -> np.ndarray:
    plane = counts()
    plane[:, 77], plane[10], plane[50:52, 9] = 0, 65535, 65535
    plane.flat[np.random.default_rng(0).integers(0, SIDE**2, 40)] = 65535
    return plane


@pytest.mark.parametrize(
    "make",
    [
        *(lambda p=p: counts(p) for p in (1, 60, 1000)),
        *(
            lambda r=r: np.random.default_rng(0).poisson(r, (SIDE, SIDE))
            for r in (0.001, 0.01, 0.1, 0.5)
        ),
        *(
            lambda p=p: np.random.default_rng(0).poisson(light(p, 0.0))
            for p in (0.5, 10, 300)
        ),
        *(lambda share=share: stretched(share) for share in (0.4, 30, 70)),
        *(lambda b=b: beads(b) for b in (1000, 4000, 20000)),
        lambda: light(60),
        lambda: light(60).round().astype(np.uint16),
        lambda: np.maximum(counts(), 104) - 104,
        lambda: np.minimum(counts(2500), 4095),
        defective,
        lambda: np.where(ROUND, 255, 0).astype(np.uint8),
    ],
)
def test_darkness_light_and_defects_are_none(make: Callable[[], np.ndarray]) -> None:
    assert not unknown_pixels(make()).any()


def test_unknown_pixels_are_filled_as_noisy_as_the_others() -> None:
    plane = np.where(BANDS, np.nan, counts(0.1).astype(np.float32))
    known = KnownPlane.of(plane)
    np.testing.assert_array_equal(known.counts[~BANDS], plane[~BANDS])
    outside, inside = known.counts[BANDS], plane[~BANDS]
    assert outside.std() == pytest.approx(inside.std(), rel=0.1)
    assert outside.mean() == pytest.approx(inside.mean(), abs=0.3)


def test_a_blank_plane_is_unknown_as_a_whole() -> None:
    for value in (0, 7, np.nan):
        known = KnownPlane.of(np.full((40, 40), value, np.float32))
        assert known.blank
        assert np.isfinite(known.counts).all()
