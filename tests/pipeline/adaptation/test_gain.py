"""When an adapted network counts as better."""

from dataclasses import dataclass

import numpy as np
import pytest

from w2s_cli._typing import FloatArray
from w2s_cli.methods.shipped import DenoiseFast
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.adaptation.gain import Gain, measure_gain
from w2s_cli.pipeline.adaptation.redrawn_noise import LESS, Field

LIGHT = 30.0


@dataclass(frozen=True)
class _Constant(DenoiseFast):
    """A network that answers the same light everywhere."""

    light: float = LIGHT / LESS

    def outputs(self, planes: FloatArray) -> FloatArray:
        return np.full_like(planes, 2 * (self.light + 0.375) ** 0.5)


def _field(height: int = 300, width: int = 200) -> Field:
    light = np.full((height, width), LIGHT, np.float32)
    noise = NoiseModel(1.0)
    return Field(noise.sample(light, np.random.default_rng(1)), light, noise)


def test_the_gain_is_the_error_that_is_gone() -> None:
    """A bias of 10 % of the light, against none, in units of the noise's variance."""
    biased, right = _Constant(light=1.1 * LIGHT / LESS), _Constant()
    found = measure_gain(biased, right, [_field()], None)
    expected = (0.1 * LIGHT / LESS) ** 2 / (LIGHT / LESS)
    assert found.mean == pytest.approx(expected, abs=3 * found.error)
    assert found.clear
    assert found.squares == 4 * 3
    back = measure_gain(right, biased, [_field()], None)
    assert back.mean == pytest.approx(-found.mean)
    assert not back.clear


def test_the_same_network_gains_nothing() -> None:
    same = _Constant()
    found = measure_gain(same, same, [_field(128, 128)], None)
    assert (found.mean, found.error, found.squares) == (0, 0, 4)
    assert not found.clear


def test_of_many_squares_some_are_taken() -> None:
    same = _Constant()
    assert 64 <= measure_gain(same, same, [_field(700, 1000)], None).squares <= 128


@pytest.mark.parametrize(
    ("found", "clear"),
    [
        (Gain(0.01, 0.004, 64), True),
        (Gain(0.01, 0.006, 64), False),
        (Gain(0.01, 0.004, 4), False),  # few squares tell their own spread badly
        (Gain(0.0015, 0.0001, 64), False),  # a wrong noise model can do that
        (Gain(-0.01, 0.001, 64), False),
    ],
)
def test_clear_is_beyond_doubt(found: Gain, clear: bool) -> None:
    assert found.clear is clear


def test_in_words() -> None:
    words = "+3.17% of the noise (standard error 0.52%, over 16 squares)"
    assert str(Gain(0.0317, 0.0052, 16)) == words
