import numpy as np
import pytest

from w2s_cli.microscope.plane_sampling import (
    bright_level,
    dark_and_bright,
    saturated_share,
)
from w2s_cli.microscope.quantization import smallest_denominator

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
    assert smallest_denominator(plane) == parts


def test_light() -> None:
    plane = RNG.poisson(20, (100, 100)).astype(np.uint16)
    plane[:20, :20], plane[-20:, -20:] = 4095, 0
    assert bright_level(plane) == 4095
    assert dark_and_bright(plane) == (0, 4095)
    assert saturated_share(plane) == 0.04
    assert saturated_share(plane.astype(np.float32) * 16) == 0.04
    assert saturated_share(plane[20:]) == 0
