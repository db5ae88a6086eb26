import numpy as np
import pytest

from w2s_cli.errors import AxesError, UsageError
from w2s_cli.stack import Channel, Stack

DATA = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
STACK = Stack(DATA, "TCYX", channels=(Channel("DNA"), Channel("actin"), Channel("ER")))


def test_planes_come_in_the_order_of_the_file() -> None:
    assert [*STACK.indices()][:4] == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert [STACK.channel_of(index) for index in STACK.indices()] == [0, 1, 2] * 2


@pytest.mark.parametrize("wanted", ["1", "actin"])
def test_one_channel_is_taken_by_name_or_number(wanted: str) -> None:
    one = STACK.only_channel(wanted)
    assert one.axes == "TYX"
    assert one.data.shape == (2, 4, 5)
    assert one.channels == (Channel("actin"),)
    np.testing.assert_array_equal(one.data[1,], DATA[1, 1])


@pytest.mark.parametrize("wanted", ["3", "-1", "mito"])
def test_missing_channels_are_told(wanted: str) -> None:
    with pytest.raises(UsageError, match="among 3") as caught:
        STACK.only_channel(wanted)
    assert "DNA, actin, ER" in caught.value.hint


@pytest.mark.parametrize(
    ("shape", "axes", "message"),
    [
        ((4, 4), "ZYX", "name 3 dimensions"),
        ((4, 4, 4), "YXZ", "ends in 'YX'"),
        ((4, 4, 4), "CTYX", "not a subset"),
        ((0, 4), "YX", "empty"),
    ],
)
def test_axes_are_checked(shape: tuple[int, ...], axes: str, message: str) -> None:
    with pytest.raises(AxesError, match=message):
        Stack(np.zeros(shape), axes)
