import numpy as np
import pytest
from numpy.typing import NDArray

from w2s_cli.training.patches.masking import (
    BlindSpotMask,
    GridMask,
    NoMask,
    SubsampleMask,
    mask_of,
)
from w2s_cli.training.recipe_tables import Masking

Plane = NDArray[np.float32]


@pytest.fixture
def plane() -> Plane:
    """Pixels that are all different."""
    order = np.random.default_rng(0).permutation(64 * 48)
    return order.reshape(64, 48).astype(np.float32)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_a_quarter_is_shown_and_exactly_the_rest_is_asked_for(
    plane: Plane, rng: np.random.Generator
) -> None:
    image, asked = SubsampleMask()(plane, rng)
    assert image.shape == (32, 24)
    assert image.dtype == np.float32
    for y in range(32):
        for x in range(24):
            cell = np.s_[2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
            assert plane[cell][~asked[cell]] == [image[y, x]]


def test_any_of_the_four_is_shown_alike(plane: Plane) -> None:
    shown = sum(
        ~SubsampleMask()(plane, np.random.default_rng(seed)).asked for seed in range(20)
    )
    shares = [shown[y::2, x::2].mean() / 20 for y in (0, 1) for x in (0, 1)]
    assert shares == pytest.approx([0.25] * 4, abs=0.02)


def test_spots_are_one_pixel_of_each_square_and_the_rest_is_as_it_was(
    plane: Plane, rng: np.random.Generator
) -> None:
    image, asked = BlindSpotMask()(plane, rng)
    assert (asked.reshape(8, 8, 6, 8).sum((1, 3)) == 1).all()
    np.testing.assert_array_equal(image[~asked], plane[~asked])


def test_the_share_of_spots_is_about_what_was_asked_for(plane: Plane) -> None:
    for share in (0.04, 0.25, 1.0):
        seen = [
            BlindSpotMask(share=share)(plane, np.random.default_rng(seed)).asked.mean()
            for seed in range(20)
        ]
        assert np.mean(seen) == pytest.approx(share, rel=0.1)


def test_a_spot_takes_the_value_of_any_pixel_within_the_radius(plane: Plane) -> None:
    where = {value: at for at, value in np.ndenumerate(plane)}
    moves = set()
    for seed in range(60):
        image, asked = BlindSpotMask(radius=1)(plane, np.random.default_rng(seed))
        for y, x in np.argwhere(asked):
            from_y, from_x = where[image[y, x]]
            moves.add((from_y - y, from_x - x))
    assert moves == {(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)}


def test_the_median_of_a_spot_is_that_of_the_others(rng: np.random.Generator) -> None:
    plane = rng.standard_normal((24, 24)).astype(np.float32)
    image, asked = BlindSpotMask(share=0.25, radius=2, value="median")(plane, rng)
    padded = np.pad(plane, 2, mode="reflect")
    for y, x in np.argwhere(asked):
        around = [*padded[y : y + 5, x : x + 5].ravel()]
        del around[12]
        assert image[y, x] == pytest.approx(np.median(around))
    np.testing.assert_array_equal(image[~asked], plane[~asked])


@pytest.mark.parametrize("value", ["neighbour", "median"])
@pytest.mark.parametrize("reach", [(0, 3), (2, 0), (1, 2)])
def test_reach_hides_neighbours_which_are_never_asked_for(
    plane: Plane, rng: np.random.Generator, value: str, reach: tuple[int, int]
) -> None:
    image, asked = BlindSpotMask(0.01, 5, value, reach)(plane, rng)  # type: ignore[arg-type]
    near = np.zeros_like(asked)
    for y, x in np.argwhere(asked):
        near[max(y - reach[0], 0) : y + reach[0] + 1, x] = True
        near[y, max(x - reach[1], 0) : x + reach[1] + 1] = True
    np.testing.assert_array_equal(image[~near], plane[~near])
    around = near & ~asked
    assert (image[around] != plane[around]).mean() > 0.85
    assert asked.sum() >= 20  # of squares of 10 x 10 pixels


def test_lattices_cover_every_pixel_once(plane: Plane) -> None:
    lattice = GridMask(3)
    asked = [lattice.at(plane, number).asked for number in range(9)]
    np.testing.assert_array_equal(np.sum(asked, axis=0), 1)


def test_a_pixel_of_a_lattice_is_filled_in_from_those_around() -> None:
    plane = np.arange(25, dtype=np.float32).reshape(5, 5) ** 2
    image, asked = GridMask(5).at(plane, 12)  # row 2, column 2
    assert np.argwhere(asked).tolist() == [[2, 2]]
    beside = plane[1, 2] + plane[3, 2] + plane[2, 1] + plane[2, 3]
    corners = plane[1, 1] + plane[1, 3] + plane[3, 1] + plane[3, 3]
    assert image[2, 2] == pytest.approx((beside + corners / 2) / 6)
    np.testing.assert_array_equal(image[~asked], plane[~asked])


def test_what_is_hidden_says_nothing_of_itself(plane: Plane) -> None:
    """The image that is shown is the same, whatever the pixels asked for are."""
    other = plane.copy()
    asked = GridMask(4).at(plane, 5).asked
    other[asked] = -1
    np.testing.assert_array_equal(
        GridMask(4).at(plane, 5).image, GridMask(4).at(other, 5).image
    )
    quarter = SubsampleMask()(plane, np.random.default_rng(3))
    other = np.where(quarter.asked, np.float32(-1), plane)
    again = SubsampleMask()(other, np.random.default_rng(3))
    np.testing.assert_array_equal(quarter.image, again.image)


def test_a_draw_hides_any_of_the_lattices(plane: Plane) -> None:
    draws = [
        GridMask(2)(plane, np.random.default_rng(seed)).asked for seed in range(40)
    ]
    assert len({tuple(np.argwhere(asked)[0]) for asked in draws}) == 4


def test_a_recipe_names_the_way_to_hide(plane: Plane, rng: np.random.Generator) -> None:
    assert mask_of(Masking("subsample")) == SubsampleMask()
    assert mask_of(Masking("grid", period=3)) == GridMask(3)
    wanted = Masking("blind-spots", 0.1, 3, "median", (1, 2))
    assert mask_of(wanted) == BlindSpotMask(0.1, 3, "median", (1, 2))
    nothing = mask_of(Masking("capture"))
    assert nothing == NoMask()
    image, asked = nothing(plane, rng)
    assert image is plane
    assert asked.all()
