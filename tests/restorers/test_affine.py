"""Counts in the numbers of published networks, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.pipeline.stack_restoration import restore
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Domain, Traits
from w2s_cli.restorers.units import EIGHT_BIT, Levels, affine
from w2s_cli.stack import Stack

rng = np.random.default_rng(0)
KINDS = (Domain.Z, Domain.Z_GREY, Domain.UNIT, Domain.CENTRED)


@pytest.mark.parametrize("domain", KINDS)
@given(
    black=st.floats(-1e3, 1e4),
    span=st.floats(1, 6e4),
    counts=st.lists(st.floats(-1e3, 65535, width=32), min_size=1),
)
def test_counts_come_back(
    domain: Domain, black: float, span: float, counts: list[float]
) -> None:
    road = affine(domain, Levels(black, black + span))
    there = np.array(counts, np.float32)
    back = road.leave(road.enter(there))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, there, atol=0.05, rtol=1e-5)


def test_what_the_units_mean() -> None:
    mean, spread = 154.535390853, 66.02846351802853
    z = affine(Domain.Z, EIGHT_BIT).enter(np.array([mean, mean + spread]))
    np.testing.assert_allclose(z, [0, 1], atol=1e-5)
    z = affine(Domain.Z_GREY, EIGHT_BIT).enter(np.array([mean, mean + spread]))
    np.testing.assert_allclose(z, [0, 1 / 255], atol=1e-7)
    levels = Levels(100, 300)
    unit = affine(Domain.UNIT, levels).enter(np.array([50, 100, 300, 500]))
    np.testing.assert_allclose(unit, [-0.25, 0, 1, 2])  # nothing is clipped
    centred = affine(Domain.CENTRED, levels).enter(np.array([100, 300]))
    np.testing.assert_allclose(centred, [-0.5, 0.5])


@pytest.mark.parametrize("white", [100, 50, float("nan")])
def test_white_is_above_black(white: float) -> None:
    with pytest.raises(UsageError, match="white must be above black: black is 100 c"):
        Levels(100, white)


class _Half:
    """Give back half of what comes in, in its units."""

    def __init__(self, traits: Traits) -> None:
        self.traits = traits

    def __call__(self, blocks: FloatArray) -> FloatArray:
        return blocks / 2


def _half(traits: Traits, image: np.ndarray) -> np.ndarray:
    levels = {0: Levels(10, 30), 1: Levels(0, 100)}
    restored, _ = restore(Stack(image, "CYX"), Chain([_Half(traits)]), None, levels)
    return np.stack([restored.data[0,], restored.data[1,]])


def test_each_channel_has_its_own_levels() -> None:
    image = np.full((2, 4, 4), 20, np.float32)
    halved = _half(Traits(expects=Domain.UNIT), image)
    np.testing.assert_allclose(halved[:, 0, 0], [15, 10])
    halved = _half(Traits(expects=Domain.CENTRED), image)
    np.testing.assert_allclose(halved[:, 0, 0], [20, 35])


def test_levels_that_the_user_names_come_first() -> None:
    image = np.full((2, 4, 4), 20, np.float32)
    traits = Traits(expects=Domain.UNIT, black=0.0)
    assert Chain([_Half(traits)]).needs_levels
    np.testing.assert_allclose(_half(traits, image)[:, 0, 0], [10, 10])
    both = Traits(expects=Domain.UNIT, black=-20.0, white=50.0)
    assert not Chain([_Half(both)]).needs_levels
    np.testing.assert_allclose(_half(both, image)[:, 0, 0], [0, 0], atol=1e-5)


def test_what_a_chain_needs() -> None:
    for domain in KINDS:
        chain = Chain([_Half(Traits(expects=domain))])
        assert not chain.needs_noise
        assert chain.needs_levels == (domain in (Domain.UNIT, Domain.CENTRED))
