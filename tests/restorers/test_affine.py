"""Counts in the numbers of published networks, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.pipeline.restoration import restore_planes
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import EIGHT_BIT, DisplayRange, Units
from w2s_cli.stack import Stack

rng = np.random.default_rng(0)
KINDS = (Units.Z, Units.Z_GREY, Units.UNIT, Units.CENTRED)


@pytest.mark.parametrize("domain", KINDS)
@given(
    black=st.floats(-1e3, 1e4),
    span=st.floats(1, 6e4),
    counts=st.lists(st.floats(-1e3, 65535, width=32), min_size=1),
)
def test_counts_come_back(domain, black, span, counts) -> None:
    road = domain.linear(DisplayRange(black, black + span))
    there = np.array(counts, np.float32)
    back = road.leave(road.enter(there))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, there, atol=0.05, rtol=1e-5)


def test_what_the_units_mean() -> None:
    mean, spread = 154.535390853, 66.02846351802853
    z = Units.Z.linear(EIGHT_BIT).enter(np.array([mean, mean + spread]))
    np.testing.assert_allclose(z, [0, 1], atol=1e-5)
    z = Units.Z_GREY.linear(EIGHT_BIT).enter(np.array([mean, mean + spread]))
    np.testing.assert_allclose(z, [0, 1 / 255], atol=1e-7)
    levels = DisplayRange(100, 300)
    unit = Units.UNIT.linear(levels).enter(np.array([50, 100, 300, 500]))
    np.testing.assert_allclose(unit, [-0.25, 0, 1, 2])  # nothing is clipped
    centred = Units.CENTRED.linear(levels).enter(np.array([100, 300]))
    np.testing.assert_allclose(centred, [-0.5, 0.5])


@pytest.mark.parametrize("white", [100, 50, float("nan")])
def test_white_is_above_black(white: float) -> None:
    with pytest.raises(UsageError, match="white must be above black: black is 100 c"):
        DisplayRange(100, white)


class _Half:
    """Give back half of what comes in, in its units."""

    def __init__(self, traits: Traits) -> None:
        self.traits = traits

    def __call__(self, blocks: FloatArray) -> FloatArray:
        return blocks / 2


def _half(traits: Traits, image: np.ndarray) -> np.ndarray:
    levels = {0: DisplayRange(10, 30), 1: DisplayRange(0, 100)}
    restored, _ = restore_planes(
        Stack(image, "CYX"), Chain([_Half(traits)]), None, levels
    )
    return np.stack([restored.data[0,], restored.data[1,]])


def test_each_channel_has_its_own_range() -> None:
    image = np.full((2, 4, 4), 20, np.float32)
    halved = _half(Traits(expects=Units.UNIT), image)
    np.testing.assert_allclose(halved[:, 0, 0], [15, 10])
    halved = _half(Traits(expects=Units.CENTRED), image)
    np.testing.assert_allclose(halved[:, 0, 0], [20, 35])


def test_a_range_that_the_user_names_comes_first() -> None:
    image = np.full((2, 4, 4), 20, np.float32)
    traits = Traits(expects=Units.UNIT, black=0.0)
    assert Chain([_Half(traits)]).needs_range
    np.testing.assert_allclose(_half(traits, image)[:, 0, 0], [10, 10])
    both = Traits(expects=Units.UNIT, black=-20.0, white=50.0)
    assert not Chain([_Half(both)]).needs_range
    np.testing.assert_allclose(_half(both, image)[:, 0, 0], [0, 0], atol=1e-5)


def test_what_a_chain_needs() -> None:
    for domain in KINDS:
        chain = Chain([_Half(Traits(expects=domain))])
        assert not chain.needs_noise
        assert chain.needs_range == (domain in (Units.UNIT, Units.CENTRED))
