import numpy as np
import pytest

from w2s_cli.microscope.brightness import brightest, extremes, saturated
from w2s_cli.microscope.quantization import denominator

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(300, (9, 64, 64))


@pytest.mark.parametrize(
    ("plane", "parts"),
    [
        (COUNTS[0].astype(np.uint16), 1),
        (COUNTS[0].astype(np.float32), 1),
        (COUNTS[:4].mean(0).astype(np.float32), 4),
        (COUNTS.mean(0).astype(np.float32), 9),
        ((COUNTS[0] / 255).astype(np.float32), 255),
        (RNG.normal(300, 9, (64, 64)).astype(np.float32), 0),
        (RNG.normal(3e6, 9, (64, 64)).astype(np.float32), 0),
    ],
)
def test_denominator(plane: np.ndarray, parts: int) -> None:
    assert denominator(plane) == parts


def test_light() -> None:
    plane = RNG.poisson(20, (100, 100)).astype(np.uint16)
    plane[:20, :20], plane[-20:, -20:] = 4095, 0
    assert brightest(plane) == 4095
    assert extremes(plane) == (0, 4095)
    assert saturated(plane) == 0.04
    assert saturated(plane.astype(np.float32) * 16) == 0.04
    assert saturated(plane[20:]) == 0
