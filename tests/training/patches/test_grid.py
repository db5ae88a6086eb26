import numpy as np
import pytest

from w2s_cli.errors import InputError
from w2s_cli.training.patches.augmentation import Grid


class _Image:
    where = "here.png"

    def __init__(self, height: int, width: int) -> None:
        self._shape = height, width

    def shape(self) -> tuple[int, int]:
        return self._shape


def test_the_patches_of_w2s_are_those_of_its_publishers() -> None:
    grid = Grid.over([_Image(512, 512)] * 240, 64, 32, (0, 0))
    assert len(grid.corners) == 47_040
    assert grid.corners.max(0).tolist() == [239, 416, 416]


def test_an_epoch_has_every_patch_once_in_an_order_of_its_own() -> None:
    grid = Grid.over([_Image(9, 13), _Image(8, 8)], 4, 2, (7, 1))
    count = 3 * 5 + 2 * 2
    first, second = (
        [grid.place(number) for number in range(epoch * count, (epoch + 1) * count)]
        for epoch in range(2)
    )
    assert first != second
    assert sorted(first) == sorted(second) == sorted(set(first))
    expected = {(0, y, x) for y in (0, 2, 4) for x in (0, 2, 4, 6, 8)}
    assert set(first) == expected | {(1, y, x) for y in (0, 2) for x in (0, 2)}
    order = np.random.default_rng([7, 1, 1]).permutation(count)
    assert second == [tuple(grid.corners[number]) for number in order]


def test_an_image_without_room_for_a_patch() -> None:
    with pytest.raises(InputError, match=r"here\.png has 64 x 70 pixels") as caught:
        Grid.over([_Image(64, 70)], 64, 32, (0, 0))
    assert "needs one more along each side" in str(caught.value)
    assert caught.value.hint == "set a smaller patches.side, or patches.stride=0"
