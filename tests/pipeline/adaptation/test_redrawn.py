"""Two draws from one, against what independent noise must be."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.adaptation.redrawn_noise import LESS, Field, fields, skew_of
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import Units

LIGHTS = ((2.0, 0.0), (1.0, 1.5), (20.0, 0.0))  # photons, and sd of the read noise


def _field(light: float, sigma: float, *, multiplied: bool = False) -> Field:
    expected = np.full((1000, 1000), light, np.float32)
    noise = NoiseModel(1.0, 0.0, sigma)
    rng = np.random.default_rng(3)
    noisy = noise.sample(expected, rng, multiplied=multiplied)
    return Field(noisy, expected, noise, 1.5 if multiplied else 1.0)


def _moments(field: Field) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the noise of what is shown and of what is asked for."""
    parts = field.redraw(np.random.default_rng(4))
    one, other = (np.float64(part) - field.expected / LESS for part in parts)
    return one, other


@pytest.mark.parametrize(("light", "sigma"), LIGHTS)
@pytest.mark.parametrize("multiplied", [False, True])
def test_noise_of_both_is_independent(light, sigma, multiplied) -> None:
    field = _field(light, sigma, multiplied=multiplied)
    one, other = _moments(field)
    unit = one.std() * other.std()
    assert one.mean() == pytest.approx(0, abs=5e-3 * one.std())
    assert (one * other).mean() == pytest.approx(0, abs=6e-3 * unit)
    assert (one**2 * other).mean() == pytest.approx(0, abs=0.03 * unit * one.std())


def test_normal_noise_would_leave_the_third_moment() -> None:
    """With a normal draw it is that of the noise itself: E{n n n} = p."""
    field = _field(2.0, 0.0)
    symmetric = Field(field.noisy, field.expected, field.noise, 0.0)
    one, other = (LESS * part for part in _moments(symmetric))
    assert (one**2 * other).mean() == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize(("light", "sigma"), LIGHTS)
def test_what_is_shown_has_the_noise_of_a_dimmer_image(light, sigma) -> None:
    field = _field(light, sigma)
    one, _ = _moments(field)
    assert field.dimmed.sigma == pytest.approx(sigma / LESS**0.5)
    expected = light / LESS + field.dimmed.sigma**2
    assert one.var() == pytest.approx(expected, rel=0.01)


def test_skew_of_cameras_that_count_and_that_multiply() -> None:
    assert skew_of([_field(2.0, 0.0)]) == pytest.approx(1.0, abs=0.03)
    assert skew_of([_field(2.0, 0.0, multiplied=True)]) == pytest.approx(1.5, abs=0.03)
    nothing = np.zeros((8, 8), np.float32)
    assert skew_of([Field(nothing, nothing, NoiseModel(1.0))]) == 1.0


@dataclass(frozen=True)
class _Even:
    """A denoiser that finds the same light everywhere."""

    light: float
    traits = Traits(expects=Units.PHOTONS)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        return np.full_like(blocks, self.light)


def test_fields_are_in_photons_and_light_is_never_negative() -> None:
    noise = NoiseModel(2.0, 100.0, 6.0)
    counts = np.random.default_rng(0).integers(100, 140, (40, 40)).astype(np.uint16)
    [field] = fields([(counts, noise)], _Even(7.0))
    np.testing.assert_allclose(field.noisy, (counts - 100.0) / 2, rtol=1e-6)
    assert (field.expected == 7).all()
    assert (field.noise.offset, field.noise.sigma) == (0, 3)
    [dark] = fields([(counts, noise)], _Even(-1.0))
    assert (dark.expected == 0).all()
