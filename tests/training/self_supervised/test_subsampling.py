import numpy as np
import pytest

from w2s_cli.training.patches.masking import PERIOD, bin2, subsampled


def test_every_pixel_is_in_one_of_four_copies() -> None:
    blocks = np.arange(2 * 32 * 48, dtype=np.float32).reshape(2, 32, 48)
    copies = [*subsampled(blocks, 8)]
    assert len(copies) == 8
    for four in (copies[:4], copies[4:]):
        assert all(copy.shape == (2, 16, 24) for copy in four)
        for block in range(2):
            seen = np.concatenate([copy[block].ravel() for copy in four])
            np.testing.assert_array_equal(np.sort(seen), blocks[block].ravel())
    assert not np.array_equal(copies[0], copies[4])


def test_a_pixel_stays_in_its_cell() -> None:
    y, x = np.mgrid[:32, :32] // 2
    cells = (100 * y + x)[None].astype(np.float32)
    for copy in subsampled(cells, 4):
        np.testing.assert_array_equal(copy[0], cells[0, ::2, ::2])


def test_which_pixel_is_taken_is_no_regular_grid() -> None:
    corners = np.arange(4, dtype=np.float32).reshape(1, 2, 2)
    plane = np.tile(corners, (1, PERIOD // 2, PERIOD // 2))
    first = next(subsampled(plane, 1))
    assert all((first == corner).mean() > 0.05 for corner in range(4))


def test_a_tile_is_thinned_as_the_whole_is() -> None:
    whole = np.random.default_rng(0).random((1, 64, 80), np.float32)
    tile = whole[:, PERIOD : 3 * PERIOD, 2 * PERIOD :]
    for copy, part in zip(subsampled(whole, 5), subsampled(tile, 5), strict=True):
        np.testing.assert_array_equal(copy[:, 8:24, 16:], part)


def test_halved_is_the_mean_of_each_cell() -> None:
    blocks = np.array([[[1, 3, 0, 0], [5, 7, 0, 4]]], np.float32)
    assert bin2(blocks).tolist() == [[[4.0, 1.0]]]
    assert bin2(blocks).dtype == np.float32
    with pytest.raises(ValueError, match="reshape"):
        bin2(blocks[:, :1])
