import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve1d, gaussian_filter, shift

from w2s_cli.errors import UsageError
from w2s_cli.microscope.noise_correlation import correlated_noise, lag_of
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.noise_model import FARTHEST, NoiseModel
from w2s_cli.microscope.psf import gaussian_psf
from w2s_cli.microscope.simulation import Exposure, simulate_cell, widefield

WHITE = tuple(
    tuple(float((y, x) == (0, FARTHEST)) for x in range(2 * FARTHEST + 1))
    for y in range(FARTHEST + 1)
)


def cell(size=256, photons=20.0, seed=0):
    """Return a blurred field of spots and haze on a background, in photons."""
    rng = np.random.default_rng(seed)
    spots = (rng.random((size, size)) > 0.998) * rng.exponential(1, (size, size))
    y, x = np.mgrid[:size, :size] / size
    haze = np.exp(-((x - 0.4) ** 2 + (y - 0.6) ** 2) / 0.05)
    return photons * (gaussian_filter(spots, 1.6) * 20 + haze + 0.2)


def counts(photons, seed=1):
    rng = np.random.default_rng(seed)
    return 2.2 * rng.poisson(photons) + rng.normal(100, 3, photons.shape)


def estimated(image):
    return correlated_noise([image], fit_noise([image]))


def at(found, y, x):
    return found.correlation[y][FARTHEST + x]


CORRELATED = {
    "bilinear": (lambda c: shift(c, (0.5, 0.5), order=1, mode="nearest"), 0.25),
    "unequal": (lambda c: shift(c, (0.3, 0.0), order=1, mode="nearest"), 0.58),
    "smear": (lambda c: convolve1d(c, [0.25, 0.5, 0.25], axis=1), 0.375),
    "gaussian": (lambda c: gaussian_filter(c, 1.0), 0.0796),
}


@pytest.mark.parametrize("photons", [4, 40])
@pytest.mark.parametrize("kind", CORRELATED)
def test_noise_is_that_of_the_pixels_whatever_was_done_to_them(kind, photons):
    change, kept = CORRELATED[kind]
    light = cell(photons=photons)
    found = estimated(change(counts(light)).astype(np.float32))
    assert not found.white
    levels = np.percentile(change(2.2 * light + 100), [10, 50, 95]).astype(np.float32)
    truth = NoiseModel(2.2, 100, 3).variance(levels) * kept
    # What a wide Gaussian does to noise is taken for structure in part.
    off = 0.17 if kind == "gaussian" else 0.12
    assert np.sqrt(found.model.variance(levels) / truth) == pytest.approx(1, abs=off)


@pytest.mark.parametrize("kind", CORRELATED)
def test_dense_structure_is_not_taken_for_noise(kind):
    change, kept = CORRELATED[kind]
    scene = simulate_cell(256, np.random.default_rng(5))
    light = widefield(scene, gaussian_psf(2.5), Exposure(50, 0.05))
    found = estimated(change(counts(light)).astype(np.float32))
    level = np.array([2.2 * light.mean() + 100], np.float32)
    truth = NoiseModel(2.2, 100, 3).variance(level) * kept
    assert 0.6 < float(np.sqrt(found.model.variance(level) / truth)[0]) < 1.6
    # What tells defects from sharp structure goes by all that neighbours share.
    assert at(found, 0, 1) > found.model.correlation[0][FARTHEST + 1]


def test_correlations_are_those_of_the_filter():
    found = estimated(convolve1d(counts(cell()), [0.25, 0.5, 0.25], axis=1))
    measured = [at(found, 0, 1), at(found, 0, 2), at(found, 1, 0), at(found, 1, 1)]
    assert measured == pytest.approx([2 / 3, 1 / 6, 0, 0], abs=0.05)


def test_a_diagonal_smear_leans_the_right_way():
    white = counts(cell())
    found = estimated((white + np.roll(white, (1, 1), (0, 1))) / 2)
    assert [at(found, 1, 1), at(found, 1, -1)] == pytest.approx([0.5, 0], abs=0.05)


@pytest.mark.parametrize("photons", [2, 20, 500])
def test_white_noise_stays_white_and_its_model_the_same(photons):
    image = counts(cell(photons=photons))
    fit = fit_noise([image])
    found = correlated_noise([image], fit)
    assert found.white
    assert found.model == fit.model


@settings(max_examples=8, deadline=None)
@given(st.floats(0.1, 10), st.floats(-500, 500), st.integers(0, 3))
def test_scaling_and_shifting_counts_changes_no_correlation(scale, more, turns):
    image = convolve1d(counts(cell(128)), [0.25, 0.5, 0.25], axis=1)
    found = estimated(image)
    other = estimated(np.rot90(image, turns) * scale + more)
    y, x = (0, 1) if turns % 2 == 0 else (1, 0)
    assert at(other, y, x) == pytest.approx(at(found, 0, 1), abs=0.03)
    level = np.float32(image.mean())
    ratio = other.model.variance(
        np.float32(level * scale + more)
    ) / found.model.variance(level)
    assert np.sqrt(ratio) / scale == pytest.approx(1, abs=0.1)


def test_too_little_to_tell():
    image = counts(np.full((40, 40), 20.0))
    assert correlated_noise([image], fit_noise([image])) is None


@pytest.mark.parametrize(
    ("width", "lag"), [(1, 1), (2, 2), (3, 3), (4, 4)], ids=["raw", "2", "3", "4"]
)
def test_the_lag_is_that_of_a_running_mean(width, lag):
    table = [[max(1 - abs(x) / width, 0) for x in range(-3, 4)], *[[0.0] * 7] * 3]
    assert lag_of(tuple(map(tuple, table))) == lag


def test_only_correlated_noise_says_so_in_json():
    assert NoiseModel(2, 100).as_json() == {"gain": 2, "offset": 100, "read_noise": 0}
    written = NoiseModel(2, 100, correlation=WHITE).as_json()
    assert written["autocorrelation"][0][FARTHEST] == 1


@pytest.mark.parametrize("table", [((1.0,),), WHITE[:3], ((2.0,) * 7,) * 4])
def test_impossible_correlations_are_refused(table):
    with pytest.raises(UsageError, match="the correlation of noise is"):
        NoiseModel(2, correlation=table)
