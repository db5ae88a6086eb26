"""The error of a method on held-out light is that against the truth."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from w2s_cli.microscope.interpolation import doubled
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.reblurring import binned
from w2s_cli.pipeline.held_out import held_out_errors, squares_of

CAMERA = NoiseModel(2.0, 100.0, 3.0)
SIDE = 192


def light(photons: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    spots = (rng.random((SIDE, SIDE)) > 0.99) * rng.exponential(1, (SIDE, SIDE))
    return photons * (gaussian_filter(spots, 2) * 20 + 0.3)


def blurred(sigma: float):
    return lambda counts, noise: gaussian_filter(counts, sigma)


@pytest.mark.parametrize("photons", [3, 30, 300])
@pytest.mark.parametrize("sigma", [0.7, 1.5, 3.0])
def test_it_is_the_error_against_the_truth(photons: float, sigma: float) -> None:
    truth = CAMERA.gain * light(photons) + CAMERA.offset
    squares = [
        CAMERA.sample(light(photons), np.random.default_rng(seed)).astype(np.float32)
        for seed in range(3)
    ]
    [found] = held_out_errors(squares, CAMERA, {"": blurred(sigma)}).values()
    variance = CAMERA.variance(truth.astype(np.float32))
    weight = 1 / (variance + 0.25 * variance.mean())
    # The method sees noise of 1.25 times the variance.
    noisy = truth + np.sqrt(1.25 * variance) * np.random.default_rng(9).standard_normal(
        truth.shape
    )
    error = (weight * (gaussian_filter(noisy, sigma) - truth) ** 2)[8:-8, 8:-8].mean()
    expected = error / (weight * variance).mean()
    assert found.error == pytest.approx(expected, rel=0.15, abs=0.05)
    assert abs(found.error - expected) < 5 * found.deviation


def test_noise_that_neighbours_share_is_not_taken_for_light() -> None:
    white = CAMERA.sample(light(30), np.random.default_rng(1)).astype(np.float32)
    shared = gaussian_filter(white, 0.8)
    reach = np.arange(-3, 4)
    near = np.exp(-(reach**2) / (4 * 0.8**2))
    table = tuple(tuple(near[3 + y] * near) for y in range(4))
    # A Gaussian of s pixels leaves 1 / (4 pi s^2) of the variance of white noise.
    camera = NoiseModel(2.0 * 0.125, 100.0, 3.0 * 0.353, table)
    methods = {"none": lambda counts, noise: counts, "blur": blurred(1.0)}
    known = held_out_errors([shared], camera, methods)
    unknown = held_out_errors(
        [shared], NoiseModel(camera.gain, 100.0, camera.read_noise), methods
    )
    assert known["none"].error == pytest.approx(1.25, abs=0.1)
    truth = gaussian_filter(CAMERA.gain * light(30) + CAMERA.offset, 0.8)
    weight = 1 / camera.variance(truth.astype(np.float32))
    left, before = (
        (weight * (image - truth) ** 2)[8:-8, 8:-8].mean()
        for image in (gaussian_filter(shared, 1.0), shared)
    )
    assert known["blur"].error == pytest.approx(left / before, rel=0.25)
    # Else what both copies share of the noise is predicted, as if it were light.
    assert unknown["blur"].error < known["blur"].error - 0.5


def test_an_enlarged_image_is_judged_as_blurred_as_what_was_seen() -> None:
    fine = np.random.default_rng(4)
    spots = (fine.random((2 * SIDE, 2 * SIDE)) > 0.998) * 2000.0
    sharp = (gaussian_filter(spots, 1.0) + 100 + 2 * 9).astype(np.float32)
    truth = binned(gaussian_filter(sharp, 3.0), 2)
    square = CAMERA.sample((truth - 100) / 2, fine).astype(np.float32)
    grid = np.zeros_like(sharp)
    grid[::16] = 60  # lines that are not there
    found = held_out_errors(
        [square],
        CAMERA,
        {
            "blurred": lambda counts, noise: truth,
            "sharp": lambda counts, noise: sharp,
            "elsewhere": lambda counts, noise: sharp[::-1],
            "invented": lambda counts, noise: sharp + grid,
            "noise": lambda counts, noise: doubled(counts),
        },
    )
    ideal = found["blurred"]
    assert ideal.sharpened == 0
    assert found["sharp"].sharpened > 1
    more, deviation = found["sharp"].excess_over(ideal)
    assert abs(more) < 0.02
    assert deviation < ideal.deviation  # the noise held out is the same for both
    for name in ("elsewhere", "invented", "noise"):
        more, deviation = found[name].excess_over(ideal)
        assert more > 0.05 + 3 * deviation, name
    assert found["noise"].error > 0.8  # the blur cannot take it away unseen
    assert found["noise"].excess_over(None)[0] == pytest.approx(
        found["noise"].error - 1
    )


def test_a_hot_pixel_decides_nothing() -> None:
    square = CAMERA.sample(light(30), np.random.default_rng(1)).astype(np.float32)
    spoiled = square.copy()
    spoiled[50:180:40, 60] = 60000
    one, other = (
        held_out_errors([image], CAMERA, {"": blurred(1.0)})[""].error
        for image in (square, spoiled)
    )
    assert one == pytest.approx(other, abs=0.02)


def test_squares_are_from_bright_to_dark_and_known() -> None:
    plane = np.random.default_rng(0).normal(100, 1, (3 * SIDE, 3 * SIDE))
    plane[:SIDE, :SIDE] += 50
    plane[-SIDE:, -SIDE:] = np.nan
    plane[SIDE:-SIDE, SIDE:-SIDE] = 7  # nothing there
    squares = squares_of([plane])
    assert 1 < len(squares) <= 4
    assert np.median(squares[0]) > 140
    assert all(np.isfinite(one).all() and one.std() > 0.5 for one in squares)
    [small] = squares_of([plane[:20, :30]])
    assert small.shape == (20, 30)
