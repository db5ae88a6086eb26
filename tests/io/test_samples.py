"""Several samples a pixel: channels, pictures of one colour, pictures in colours."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from w2s_cli.errors import AxesError, InputError
from w2s_cli.io import open_image

GREY = np.random.default_rng(0).integers(1, 200, (9, 8), dtype=np.uint8)
PHOTO = np.random.default_rng(1).integers(1, 200, (9, 8, 3), dtype=np.uint8)
TIFFFILE = {"metadata": None}
RGB, BLACK = {"photometric": "rgb"}, {"photometric": "minisblack"}


def counts(*shape, dtype=np.uint16):
    return (np.arange(np.prod(shape)) % 60_000).astype(dtype).reshape(shape)


def coloured(red, green, blue, grey=GREY):
    return np.stack([np.rint(grey * share) for share in (red, green, blue)], -1).astype(
        np.uint8
    )


def read(path, **how):
    with open_image(path, **how) as stack:
        return np.asarray(stack), stack


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("shape", "dtype", "how"),
    [
        ((3, 9, 8), "float32", RGB | {"planarconfig": "separate"}),
        ((4, 9, 8), "uint16", RGB | {"planarconfig": "separate"}),
        ((3, 9, 8), "uint8", RGB | {"planarconfig": "separate"}),
        ((2, 9, 8), "uint16", BLACK | {"planarconfig": "separate"}),
        ((9, 8, 3), "uint16", RGB),
        ((9, 8, 2), "uint8", BLACK | {"planarconfig": "contig"}),
        ((9, 8, 4), "uint16", BLACK | {"planarconfig": "contig"}),
        ((9, 8, 5), "float32", BLACK | {"planarconfig": "contig"}),
    ],
)
@pytest.mark.parametrize("frames", [1, 3])
def test_samples_are_channels(tmp_path, shape, dtype, how, frames):
    data = counts(frames, *shape, dtype=dtype)
    tifffile.imwrite(tmp_path / "a.tif", data, **how, **TIFFFILE)
    pixels, stack = read(tmp_path / "a.tif")
    planar = data if how.get("planarconfig") == "separate" else np.moveaxis(data, -1, 1)
    assert stack.axes == ("CYX" if frames == 1 else "TCYX")
    np.testing.assert_array_equal(pixels, planar[0] if frames == 1 else planar)
    assert f"its {len(planar[0])} samples a pixel are taken for ch" in stack.warnings[0]
    assert "--axes ZYX" in stack.warnings[0]
    axes = "ZYX" if frames == 1 else "TZYX"
    pixels, stack = read(tmp_path / "a.tif", axes=axes)
    assert (stack.axes, stack.warnings) == (axes, ())


@pytest.mark.parametrize(
    ("colour", "read_as"),
    [
        ((0, 1, 0), (0, 255, 0)),
        ((1, 0, 1), (255, 0, 255)),
        ((1, 0.5, 0), (255, 128, 0)),
        ((1, 1, 1), None),
    ],
)
@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_a_picture_of_one_colour_is_one_channel(tmp_path, name, colour, read_as):
    picture = coloured(*colour)
    if name == "a.png":
        Image.fromarray(picture).save(tmp_path / name)
    else:
        tifffile.imwrite(tmp_path / name, picture, **RGB, **TIFFFILE)
    pixels, stack = read(tmp_path / name)
    np.testing.assert_array_equal(pixels, GREY)
    found = [pytest.approx(one.colour, abs=1) for one in stack.channels]
    assert found == ([read_as] if read_as else [])
    assert "it is read as one channel" in stack.warnings[0]


def test_two_colours_without_the_third_are_two_channels(tmp_path):
    picture = coloured(1, 0, 0)
    picture[..., 1] = GREY[::-1]
    tifffile.imwrite(tmp_path / "a.tif", picture, **RGB, **TIFFFILE)
    pixels, stack = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(pixels, [GREY, GREY[::-1]])
    assert [one.name for one in stack.channels] == ["red", "green"]
    assert "without blue" in stack.warnings[0]


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_a_picture_in_colours_is_refused_until_its_colours_are_wanted(tmp_path, name):
    if name == "a.png":
        Image.fromarray(PHOTO).save(tmp_path / name)
    else:
        tifffile.imwrite(tmp_path / name, PHOTO, **RGB, **TIFFFILE)
    with pytest.raises(InputError, match="is a colour picture: 3 samples") as raised:
        read(tmp_path / name)
    assert "--channel green" in raised.value.hint
    assert "--axes CYX" in raised.value.hint
    for how in ({"axes": "CYX"}, {"axes": "YXC"}, {"colours": True}):
        pixels, stack = read(tmp_path / name, **how)
        np.testing.assert_array_equal(pixels, np.moveaxis(PHOTO, -1, 0))
    assert [one.name for one in stack.channels] == ["red", "green", "blue"]
    assert not stack.warnings


def test_a_later_picture_in_other_colours_is_not_read_as_the_first(tmp_path):
    stack = np.stack([coloured(0, 1, 0)] * 40)
    stack[1, 2, 3, 0] = 9  # not among the planes that are looked at first
    tifffile.imwrite(tmp_path / "a.tif", stack, **RGB, **TIFFFILE)
    with open_image(tmp_path / "a.tif") as opened:
        np.testing.assert_array_equal(opened.data[0,], GREY)
        with pytest.raises(InputError, match="plane 2 is a picture in other colours"):
            opened.data[1,]


def test_alpha_that_is_the_same_everywhere_is_left_and_said(tmp_path):
    full = np.stack([GREY.astype(np.uint16), np.full((9, 8), 65535, np.uint16)], -1)
    how = {**BLACK, "planarconfig": "contig", "extrasamples": ["unassalpha"]}
    tifffile.imwrite(tmp_path / "a.tif", full, **how, **TIFFFILE)
    pixels, stack = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(pixels, GREY)
    assert stack.warnings == ("its alpha is the same everywhere and was left",)
    pixels, stack = read(tmp_path / "a.tif", colours=True)
    np.testing.assert_array_equal(pixels, np.moveaxis(full, -1, 0))
    full[0, 0, 1] = 3
    tifffile.imwrite(tmp_path / "a.tif", full, **how, **TIFFFILE)
    pixels, stack = read(tmp_path / "a.tif")
    assert [one.name for one in stack.channels] == ["", "alpha"]


def test_a_png_of_16_bits_in_colours_is_refused_for_pillow_halves_them(tmp_path):
    Image.fromarray(coloured(0, 1, 0)).save(tmp_path / "a.png")
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[24] = 16
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError):
        read(tmp_path / "a.png", colours=True)


@pytest.mark.parametrize("axes", ["T4C2YX", "TC2YX", "t4cyx", "T4C2Y9X8"])
def test_channels_that_are_stored_in_turn(tmp_path, axes):
    data = counts(8, 9, 8)
    tifffile.imwrite(tmp_path / "a.tif", data, **BLACK, **TIFFFILE)
    np.save(tmp_path / "a.npy", data)
    for name in ("a.tif", "a.npy"):
        pixels, stack = read(tmp_path / name, axes=axes)
        assert (stack.axes, stack.warnings) == ("TCYX", ())
        np.testing.assert_array_equal(pixels, data.reshape(4, 2, 9, 8))
    pixels, _ = read(tmp_path / "a.tif", axes="C2T4YX")
    np.testing.assert_array_equal(pixels, data.reshape(2, 4, 9, 8).swapaxes(0, 1))


@pytest.mark.parametrize(
    ("axes", "message", "hint"),
    [
        ("T3C3YX", "has 8 planes, which axes 'T3C3YX' do not divide evenly", "cycle"),
        ("TC3YX", "has 8 planes, which axes", "cycle"),
        ("TZC2YX", "leave 2 lengths open", "TZ5C2YX"),
        ("T4 C2YX", "are not letters of 'TCZYX', with lengths or without", "T4C2YX"),
        ("TTYX", "are not different letters", "once"),
        ("TCYX", "name 4 dimensions, but", "TC2YX"),
        ("T4C2XY", "do not end in 'YX'", "transpose"),
    ],
)
def test_lengths_that_make_no_sense(tmp_path, axes, message, hint):
    tifffile.imwrite(tmp_path / "a.tif", counts(8, 9, 8), **BLACK, **TIFFFILE)
    with pytest.raises(AxesError, match=message) as raised:
        read(tmp_path / "a.tif", axes=axes)
    assert hint in raised.value.hint


def test_guessed_axes_are_said_and_known_ones_are_not(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", counts(8, 9, 8), **BLACK, **TIFFFILE)
    _, stack = read(tmp_path / "a.tif")
    [said] = stack.warnings
    assert said.startswith(
        "it does not say what its 8 planes are: they are taken for f"
    )
    assert "--axes TCYX --channels 2" in said
    tifffile.imwrite(tmp_path / "b.tif", counts(8, 9, 8), imagej=True)
    assert not read(tmp_path / "b.tif")[1].warnings
