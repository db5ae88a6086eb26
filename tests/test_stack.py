from dataclasses import replace

import numpy as np
import pytest

from w2s_cli.errors import AxesError, UsageError
from w2s_cli.stack import Channel, Stack

DATA = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
STACK = Stack(DATA, "TCYX", channels=(Channel("DNA"), Channel("actin"), Channel("ER")))


def test_planes_come_in_the_order_of_the_file() -> None:
    assert [*STACK.indices()][:4] == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert [STACK.channel_of(index) for index in STACK.indices()] == [0, 1, 2] * 2


@pytest.mark.parametrize("wanted", ["2", "actin"])
def test_one_channel_is_taken_by_name_or_number(wanted: str) -> None:
    one = STACK.only_channel(wanted)
    assert one.axes == "TYX"
    assert one.data.shape == (2, 4, 5)
    assert one.channels == (Channel("actin"),)
    np.testing.assert_array_equal(one.data[1,], DATA[1, 1])


@pytest.mark.parametrize("wanted", ["0", "4", "-1", "mito"])
def test_missing_channels_are_told(wanted: str) -> None:
    with pytest.raises(UsageError, match="among 3") as caught:
        STACK.only_channel(wanted)
    hint = "channels are counted from 1, as in Fiji: 1 (DNA), 2 (actin), 3 (ER)"
    assert caught.value.hint == hint


def test_a_channel_is_called_by_its_name_or_its_number_from_1() -> None:
    unnamed = replace(STACK, channels=())
    counted = replace(STACK, channels=tuple(map(Channel, ("0", "1", "2"))))
    waves = replace(STACK, channels=tuple(map(Channel, ("405", "488", "561"))))
    assert [s.channel_name(1) for s in (STACK, unnamed, counted, waves)] == [
        *("actin", "2", "2", "488")
    ]
    assert waves.only_channel("488").data[1,][0, 0] == DATA[1, 1, 0, 0]
    assert (
        unnamed.only_channel(unnamed.channel_name(1)).data[1,][0, 0] == DATA[1, 1, 0, 0]
    )
    with pytest.raises(UsageError) as caught:
        unnamed.only_channel("0")
    assert caught.value.hint.endswith("as in Fiji: 1, 2, 3")


def test_a_name_that_two_channels_have_chooses_none() -> None:
    twins = replace(STACK, channels=(Channel("GFP"), Channel("GFP"), Channel("ER")))
    with pytest.raises(UsageError, match="2 channels are called 'GFP'") as caught:
        twins.only_channel("GFP")
    assert caught.value.hint == "choose one by its number: 1 (GFP), 2 (GFP), 3 (ER)"
    assert twins.only_channel("2").data[0,][0, 0] == DATA[0, 1, 0, 0]


def test_a_plane_is_named_as_in_fiji() -> None:
    assert STACK.plane_name((1, 2)) == "channel ER, frame 2"
    assert Stack(DATA, "TZYX").plane_name((0, 2)) == "slice 3, frame 1"
    assert Stack(DATA[0, 0], "YX").plane_name(()) == ""


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
