"""The planes that stand for a whole stack."""

import numpy as np

from w2s_cli.microscope.plane_sampling import sample_planes, sample_squares
from w2s_cli.stack import Stack


def test_few_planes_are_looked_at() -> None:
    pixels = np.random.default_rng(0).integers(0, 99, (11, 2, 40, 2100))
    planes = sample_planes(Stack(pixels, "TCYX"), 1)
    assert [plane.shape for plane in planes] == [(40, 2048)] * 4
    np.testing.assert_array_equal(planes[1], pixels[3, 1, :, 26:2074])


def test_squares_are_from_all_over_a_large_plane() -> None:
    plane = np.arange(1500 * 1100).reshape(1500, 1100)
    squares = sample_squares([plane])
    assert [square.shape for square in squares] == [(256, 256)] * 16
    assert squares[0][0, 0] == plane[0, 0]
    assert squares[-1][-1, -1] == plane[-1, -1]
    assert len({int(pixel) for square in squares for pixel in square.flat}) == 2**20


def test_a_small_or_a_long_plane_is_looked_at_as_far_as_it_goes() -> None:
    small = np.zeros((1024, 1024))
    assert sample_squares([small])[0] is small
    assert [part.shape for part in sample_squares([np.zeros((100, 20000))])] == [
        (100, 256)
    ] * 4
