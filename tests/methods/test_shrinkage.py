"""Non-local means and wavelets, where the noise has a standard deviation of 1."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UnknownNameError, UsageError
from w2s_cli.methods.nlm import Nlm
from w2s_cli.methods.wavelet import Wavelet
from w2s_cli.metrics.fidelity import rmse
from w2s_cli.microscope.simulation import simulate_field
from w2s_cli.restorers.restorer import Restorer

METHODS: list[Restorer] = [Nlm(), Wavelet(), Wavelet("haar", 8), Wavelet("db38", 1)]


def noisy(level: float) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(1)
    clean = 5 + np.float32(level) * gaussian_filter(simulate_field(128, rng), 1)
    return clean, clean + rng.standard_normal(clean.shape, np.float32)


@pytest.mark.parametrize("method", METHODS)
def test_most_of_the_noise_goes(method: Restorer) -> None:
    clean, image = noisy(8)
    assert rmse(clean, method(image[None])[0]) < 0.65


@pytest.mark.parametrize("method", METHODS)
def test_strong_structure_stays(method: Restorer) -> None:
    clean, image = noisy(1000)
    assert rmse(clean, method(image[None])[0]) < 1.05


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0, 7, 500])
def test_an_even_field_stays_even(method: Restorer, level: float) -> None:
    flat = np.full((1, 40, 50), level, np.float32)
    np.testing.assert_allclose(method(flat), flat, rtol=1e-5, atol=1e-5)


def test_shifts_remove_the_blocks() -> None:
    clean, image = noisy(8)
    errors = [rmse(clean, Wavelet(shifts=n)(image[None])[0]) for n in (1, 2, 4)]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch": 4}, "option patch must be odd and above 0, found 4"),
        ({"distance": 0}, "option distance must be 1 or more, found 0"),
        ({"h": 0.0}, "option h must be above 0, found 0"),
    ],
)
def test_bad_options_of_nlm(options: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Nlm(**options)
    assert str(caught.value) == message


@pytest.mark.parametrize("shifts", [0, 9])
def test_bad_shifts(shifts: int) -> None:
    with pytest.raises(UsageError, match=f"shifts must be 1 to 8, found {shifts}"):
        Wavelet(shifts=shifts)


@pytest.mark.parametrize("name", ["sim8", "bior2.2", "morl"])
def test_only_orthogonal_wavelets(name: str) -> None:
    with pytest.raises(UnknownNameError, match="no orthogonal wavelet is called"):
        Wavelet(name)
