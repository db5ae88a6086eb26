import numpy as np
import pytest

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.methods.bm3d import Bm3d
from w2s_cli.methods.filters import Bicubic, Gaussian, Identity
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.restoration import restore_planes
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import Units
from w2s_cli.stack import Stack

rng = np.random.default_rng(0)


class _Brighter:
    traits = Traits()

    def __call__(self, blocks: FloatArray) -> FloatArray:
        return blocks * 2


class _Same:
    """Give back what comes in, in a domain."""

    def __init__(self, expects: Units) -> None:
        self.traits = Traits(expects=expects)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        return blocks


def test_counts_come_back_as_they_went() -> None:
    image = rng.poisson(40, (3, 2, 20, 31)).astype(np.uint16)
    noise = {0: NoiseModel(0.5, 3, 1), 1: NoiseModel(4)}
    for domain in (Units.COUNTS, Units.ROOT):
        restored, _ = restore_planes(
            Stack(image, "TCYX"), Chain([_Same(domain)]), noise
        )
        for index in restored.indices():
            np.testing.assert_array_equal(restored.data[index], image[index])


def test_pixel_size_follows_the_grid() -> None:
    stack = Stack(np.ones((4, 8, 8), np.uint8), "ZYX", {"Z": 0.3, "Y": 0.1, "X": 0.1})
    restored, _ = restore_planes(stack, Chain([Identity(scale=2)]))
    assert restored.pixel_size == {"Z": 0.3, "Y": 0.05, "X": 0.05}
    assert restored.data.shape == (4, 16, 16)


def test_clipped_pixels_are_counted() -> None:
    image = np.array([[10, 200], [127, 128]], np.uint8)
    restored, tally = restore_planes(Stack(image, "YX"), Chain([_Brighter()]))
    np.testing.assert_array_equal(restored.data[()], [[20, 255], [254, 255]])
    assert tally.clipped == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_told(bad: float) -> None:
    image = np.ones((2, 5, 6), np.float32)
    image[1, 3, 4] = bad
    restored, _ = restore_planes(Stack(image, "TYX"), Chain([Identity()]))
    assert restored.data[0,].shape == (5, 6)
    with pytest.raises(InputError, match=r"1 pixels .* frame 2, y 3, x 4"):
        restored.data[1,]


def test_chain_multiplies_scales_and_adds_margins() -> None:
    chain = Chain([Identity(scale=2), Gaussian(sigma=1), Bicubic()])
    assert chain.traits.scale == 4
    assert chain.traits.margin == 4
    assert not chain.needs_noise


def test_chain_of_mixed_domains_takes_turns_in_counts() -> None:
    image = rng.poisson(40, (20, 31)).astype(np.uint16)
    chain = Chain([_Same(Units.ROOT), Bicubic()])
    restored, _ = restore_planes(Stack(image, "YX"), chain, {0: NoiseModel(2, 10)})
    alone, _ = restore_planes(Stack(image, "YX"), Chain([Bicubic()]))
    assert chain.needs_noise
    difference = restored.data[()].astype(int) - alone.data[()]
    assert abs(difference).max() <= 1  # rounding


def test_bm3d_removes_most_of_the_noise() -> None:
    photons = 20 + 15 * np.sin(np.arange(64) / 8) * np.ones((64, 1), np.float32)
    noise = NoiseModel(2, 100, 1)
    counts = noise.sample(photons.astype(np.float32), rng).astype(np.float32)
    restored, _ = restore_planes(
        Stack(counts, "YX"), Chain([Bm3d(profile="lc")]), {0: noise}
    )
    truth = noise.counts(photons.astype(np.float32))
    assert np.std(restored.data[()] - truth) < 0.35 * np.std(counts - truth)
