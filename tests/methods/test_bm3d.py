import numpy as np
import pytest

from w2s_cli.errors import UsageError
from w2s_cli.methods.bm3d import Bm3d
from w2s_cli.microscope.noise_model import NoiseModel

rng = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("shape", "profile"),
    [
        ((1, 1), "lc"),
        ((3, 50), "np"),
        ((8, 8), "lc"),
        ((16, 16), "vn"),
        ((9, 33), "high"),
    ],
)
def test_planes_of_every_size_lose_noise(shape: tuple[int, int], profile: str) -> None:
    noisy = 20 + rng.standard_normal((2, *shape)).astype(np.float32)
    clean = Bm3d(profile)(noisy)
    assert clean.shape == noisy.shape
    assert clean.dtype == np.float32
    assert np.square(clean - 20).sum() <= 1.001 * np.square(noisy - 20).sum()


@pytest.mark.parametrize("stages", ["both", "hard"])
def test_most_of_the_noise_goes(stages: str) -> None:
    truth = np.full((64, 64), 5, np.float32)
    truth[:, 30:] = 12
    noisy = truth + rng.standard_normal(truth.shape).astype(np.float32)
    clean = Bm3d("lc", stages)(noisy[None])[0]
    assert np.mean((clean - truth) ** 2) < 0.15


@pytest.mark.parametrize("profile", ["lc", "high"])
def test_correlated_noise_goes_too_where_it_is_known(profile: str) -> None:
    truth = np.full((64, 64), 5, np.float32)
    truth[:, 30:] = 12
    white = np.random.default_rng(3).standard_normal((64, 66))
    noise = (white[:, 2:] + white[:, 1:-1] + white[:, :-2]) / np.sqrt(3)
    noisy = (truth + noise).astype(np.float32)[None]
    row = (0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0)
    model = NoiseModel(1, correlation=(row, (0,) * 7, (0,) * 7, (0,) * 7))
    told = Bm3d(profile).with_noise(model)
    error, untold = (
        np.mean((method(noisy)[0] - truth) ** 2) for method in (told, Bm3d(profile))
    )
    assert error < 0.5 * untold
    assert error < 0.25


def test_white_noise_comes_out_alike_with_a_spectrum() -> None:
    row = (0, 0, 0, 1, 0, 0, 0)
    model = NoiseModel(1, correlation=(row, (0,) * 7, (0,) * 7, (0,) * 7))
    noisy = rng.standard_normal((1, 50, 40)).astype(np.float32)
    with_spectrum, without = Bm3d().with_noise(model)(noisy), Bm3d()(noisy)
    assert np.std(with_spectrum - without) < 0.1


def test_a_constant_plane_stays() -> None:
    plane = np.full((1, 40, 40), 3, np.float32)
    np.testing.assert_allclose(Bm3d()(plane), plane, rtol=1e-6)


def test_one_thread_repeats_itself() -> None:
    noisy = rng.standard_normal((1, 50, 50)).astype(np.float32)
    one = Bm3d("lc", threads=1)
    np.testing.assert_array_equal(one(noisy), one(noisy))


def test_threads_below_0() -> None:
    with pytest.raises(
        UsageError, match=r"^option threads must be 0 or more, found -1$"
    ):
        Bm3d(threads=-1)
