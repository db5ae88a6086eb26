import numpy as np
import pytest

from w2s_cli.microscope.plane_sampling import dark_and_bright, saturated_share
from w2s_cli.microscope.quantization import (
    clipping_step,
    smallest_denominator,
    unclipped,
)
from w2s_cli.microscope.unknown_pixels import KnownPlane


@pytest.mark.parametrize(
    ("low", "high"),
    [(-np.inf, np.inf), (-np.inf, 1.0), (-0.5, np.inf), (-0.3, 1.2), (0.5, np.inf)],
)
def test_a_clipped_normal_variable_is_given_back(low: float, high: float) -> None:
    whole = np.random.default_rng(0).normal(200, 15, 400_000)
    seen = whole.clip(200 + 15 * low, 200 + 15 * high)
    shares = (np.array([np.mean(whole < seen)]), np.array([np.mean(whole > seen)]))
    mean, variance = unclipped(np.array([seen.mean()]), np.array([seen.var()]), *shares)
    assert mean == pytest.approx(200, abs=0.2)
    assert variance == pytest.approx(225, rel=0.02)


def test_a_pile_at_the_end_of_the_range_is_seen() -> None:
    counts = np.random.default_rng(0).normal(200, 15, (256, 256)).round()
    assert clipping_step([counts], counts.max()) == 0
    assert clipping_step([counts.clip(None, 225)], 225) == 1
    assert clipping_step([counts.clip(175, None) * 4], 700) == 4


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
    whole = KnownPlane(plane, np.zeros(plane.shape, bool))
    assert dark_and_bright(whole) == (0, 4095)
    # A black and a white square are no light.
    assert dark_and_bright(KnownPlane.of(plane)) == pytest.approx((16, 25), abs=2)
    assert saturated_share(plane) == 0.04
    assert saturated_share(plane.astype(np.float32) * 16) == 0.04
    assert saturated_share(plane[20:]) == 0
