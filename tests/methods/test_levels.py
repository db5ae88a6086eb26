"""Black and white for the networks that ask for them."""

import numpy as np
import pytest

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.methods.pure_let import PureLet
from w2s_cli.pipeline.stack_restoration import restore
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.display_range import Stretch, stretches
from w2s_cli.restorers.restorer import Domain, Traits
from w2s_cli.restorers.units import Levels
from w2s_cli.stack import Stack


class _Inverted:
    """Black for white."""

    traits = Traits(expects=Domain.UNIT)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        return 1 - blocks


def test_black_and_white_of_eight_bits() -> None:
    stack = Stack(rng_image(np.uint8), "CYX")
    found = stretches(stack, Chain([_Inverted()]))
    assert found == [Stretch(Levels(0, 255), "8 bit")] * 2
    levels = dict.fromkeys((0, 1), found[0].levels)
    restored, _ = restore(stack, Chain([_Inverted()]), None, levels)
    np.testing.assert_array_equal(restored.data[1,], 255 - stack.data[1,])


def test_black_and_white_are_measured_once_a_channel() -> None:
    stack = Stack(rng_image(np.uint16), "CYX")
    first, second = stretches(stack, Chain([_Inverted()]))
    assert first.origin == second.origin == "measured"
    assert 0 <= first.levels.black < 10 < 90 < first.levels.white <= 200
    assert second.levels.black == pytest.approx(first.levels.black + 1000, abs=10)
    assert first.as_json() == {
        "black": first.levels.black,
        "white": first.levels.white,
        "origin": "measured",
    }


def test_methods_without_levels_read_nothing() -> None:
    assert stretches(Stack(np.zeros((4, 4)), "YX"), Chain([PureLet()])) == []


def test_neither_black_nor_white() -> None:
    with pytest.raises(
        InputError, match="channel 0 shows neither black nor white"
    ) as t:
        stretches(Stack(np.full((40, 40), 9, np.uint16), "YX"), Chain([_Inverted()]))
    assert t.value.hint == "say both: -O black=COUNTS -O white=COUNTS"


def rng_image(dtype: type) -> np.ndarray:
    rng = np.random.default_rng(0)
    second = 1000 if dtype is np.uint16 else 50
    planes = [rng.integers(0, 200, (50, 60)) + offset for offset in (0, second)]
    return np.stack(planes).astype(dtype)
