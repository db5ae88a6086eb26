"""Black and white for the networks that ask for them."""

import numpy as np
import pytest

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError
from w2s_cli.methods.pure_let import PureLet
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.diagnosis import Diagnosis
from w2s_cli.pipeline.restoration import restore_planes
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import DisplayRange, Units
from w2s_cli.stack import Stack


class _Inverted:
    """Black for white."""

    traits = Traits(expects=Units.UNIT)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        return 1 - blocks


def test_black_and_white_of_eight_bits() -> None:
    stack = Stack(rng_image(np.uint8), "CYX")
    found = diagnose(stack, noise=False, display_range=True)
    assert found.display_ranges == dict.fromkeys((0, 1), DisplayRange(0, 255))
    assert {one.range_origin for one in found.channels} == {"8 bit"}
    chain = Chain([_Inverted()])
    restored, _ = restore_planes(stack, chain, None, found.display_ranges)
    np.testing.assert_array_equal(restored.data[1,], 255 - stack.data[1,])


def test_black_and_white_are_measured_once_a_channel() -> None:
    stack = Stack(rng_image(np.uint16), "CYX")
    found = diagnose(stack, noise=False, display_range=True)
    first, second = found.display_ranges.values()
    assert {one.range_origin for one in found.channels} == {"measured"}
    assert 0 <= first.black < 10 < 90 < first.white <= 200
    assert second.black == pytest.approx(first.black + 1000, abs=10)
    assert found.as_json()["levels"][0] == {
        "black": first.black,
        "white": first.white,
        "origin": "measured",
    }


def test_a_known_range_is_used() -> None:
    stack, known = Stack(rng_image(np.uint16), "CYX"), DisplayRange(5, 9)
    found = diagnose(stack, noise=False, display_range=True, known_range=known)
    assert found.display_ranges == {0: known, 1: known}


def test_nothing_is_read_where_nothing_is_asked_for() -> None:
    assert not Chain([PureLet()]).needs_range
    assert diagnose(Stack(np.full((4, 4), np.nan), "YX"), noise=False) == Diagnosis()


def test_neither_black_nor_white() -> None:
    stack = Stack(np.full((40, 40), 9, np.uint16), "YX")
    with pytest.raises(
        InputError, match="channel 1 shows neither black nor white"
    ) as t:
        diagnose(stack, noise=False, display_range=True)
    assert t.value.hint == "say both: -O black=COUNTS -O white=COUNTS"


def rng_image(dtype: type) -> np.ndarray:
    rng = np.random.default_rng(0)
    second = 1000 if dtype is np.uint16 else 50
    planes = [rng.integers(0, 200, (50, 60)) + offset for offset in (0, second)]
    return np.stack(planes).astype(dtype)
