"""What holds of every method; seams and sizes are tested with the tiles."""

from functools import cache

import numpy as np
import pytest

from w2s_cli.methods import AUTOMATIC, METHODS
from w2s_cli.methods.build import build
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import simulate_cell
from w2s_cli.pipeline.restoration import restore_planes
from w2s_cli.stack import Stack

SIDE = 96
NOISE = {0: NoiseModel(2.0, 100, 1)}
# Published networks need their weights, others must learn or choose first.
READY = [
    row.name
    for row in METHODS
    if "time to learn" not in row.needs
    and "published" not in row.target
    and row.name not in AUTOMATIC
]


@cache
def image() -> np.ndarray:
    """Return a simulated cell in counts, with noise: 50 photons in its bright parts."""
    rng = np.random.default_rng(0)
    cell = simulate_cell(SIDE, rng)
    photons = rng.poisson(50 * cell / np.percentile(cell, 99) + 2)
    counts = 100 + 2 * photons + rng.normal(0, 2, cell.shape)
    return np.rint(counts).clip(0).astype(np.uint16)


@cache
def restored(name: str) -> np.ndarray:
    chain = build(name, [], precision="fp32")
    result, _ = restore_planes(Stack(image(), "YX"), chain, NOISE, tile=512)
    return np.asarray(result.data[()])


@pytest.mark.parametrize("name", READY)
def test_shape_and_type_follow_the_image(name: str) -> None:
    before = image().copy()
    scale = build(name, []).traits.scale
    assert METHODS[name].scale in (0, scale)
    assert restored(name).shape == (scale * SIDE, scale * SIDE)
    assert restored(name).dtype == np.uint16
    np.testing.assert_array_equal(image(), before)


@pytest.mark.parametrize("name", READY)
def test_the_light_is_kept(name: str) -> None:
    light = image().astype(float).mean() - 100
    assert restored(name).astype(float).mean() - 100 == pytest.approx(light, rel=0.03)


@pytest.mark.parametrize("name", READY)
def test_it_gives_the_same_twice(name: str) -> None:
    again = restored.__wrapped__(name)
    np.testing.assert_array_equal(again, restored(name))
