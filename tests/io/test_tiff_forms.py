"""Every form of TIFF that microscopes and Fiji write is read as it is meant."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from w2s_cli.errors import AxesError, InputError
from w2s_cli.io import open_image, write_image
from w2s_cli.stack import Channel

SHARED = Path(__file__).parents[2] / "../shared/data"


def counts(*shape, dtype="uint16"):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def pixels(stack):
    return np.array([stack.data[i] for i in stack.indices()]).reshape(stack.data.shape)


def save(path, data, *, kind=None, **options):
    keep = {key: options.pop(key) for key in ("bigtiff", "byteorder") if key in options}
    flavour = {kind: True} if kind else {}
    with tifffile.TiffWriter(path, **flavour, **keep) as file:
        file.write(
            data, photometric=options.pop("photometric", "minisblack"), **options
        )
    return path


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd"])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 16)}, {"rowsperstrip": 5}])
@pytest.mark.parametrize("outer", [{}, {"bigtiff": True}, {"byteorder": ">"}])
def test_layouts(tmp_path, compression, layout, outer):
    data = counts(3, 20, 33)
    predictor = compression is not None
    path = save(
        tmp_path / "a.tif",
        data,
        metadata=None,
        compression=compression,
        predictor=predictor,
        **layout,
        **outer,
    )
    with open_image(path) as stack:
        assert stack.axes == "TYX"
        assert stack.extra["axes guessed"]
        assert stack.extra["format"] == "TIFF"
        assert stack.data[1,].dtype == np.dtype(np.uint16)
        np.testing.assert_array_equal(pixels(stack), data)
        write_image(stack, tmp_path / "b.tif")
    with open_image(tmp_path / "b.tif") as copy:
        assert copy.extra["compression"] == stack.extra["compression"]
        np.testing.assert_array_equal(pixels(copy), data)


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("uint8", "uint8"),
        ("uint16", "uint16"),
        ("int8", "int8"),
        ("int16", "int16"),
        ("float32", "float32"),
        ("float16", "float32"),
        ("uint32", "float32"),
        ("int32", "float32"),
        ("float64", "float32"),
        ("int64", "float32"),
        ("uint64", "float32"),
        ("bool", "uint8"),
    ],
)
def test_dtypes(tmp_path, stored, read):
    data = counts(7, 9, dtype=stored)
    tifffile.imwrite(tmp_path / "a.tif", data)
    np.save(tmp_path / "a.npy", data)
    for name in ("a.tif", "a.npy"):
        with open_image(tmp_path / name) as stack:
            assert stack.data.dtype == stack.data[()].dtype == np.dtype(read)
            assert stack.extra.get("stored dtype", read) == stored
            np.testing.assert_array_equal(stack.data[()], data.astype(read))
            assert [*stack.warnings] == []


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (np.array([[2**24 + 1, 3]], np.uint32), "up to 16777217 by as much as 1"),
        (np.array([[-(2**31) + 1, 3]], np.int32), "up to 2147483647 by as much as 1"),
        (np.array([[2**40 + 1, 3]], np.int64), "up to 1.099511628e+12 by as much as 1"),
        (np.array([[2**63 + 1, 0]], np.uint64), "up to 9.223372037e+18 by as much"),
        (1e9 + np.arange(64.0).reshape(8, 8), "up to 1000000063 by as much as 32"),
    ],
)
def test_what_float32_rounds_is_said_once(tmp_path, data, error):
    data = np.resize(data, (8, 9))
    np.save(tmp_path / "a.npy", np.stack([np.zeros_like(data), data, data]))
    with open_image(tmp_path / "a.npy", axes="TYX") as stack:
        assert [*stack.warnings] == []  # no plane was read yet
        for index in stack.indices():
            assert stack.data[index].dtype == np.float32
    [said] = stack.warnings
    assert said.startswith(
        f"{data.dtype} pixels are taken as 32-bit float, which has 7"
    )
    assert error in said


def test_fractions_that_nobody_sees_the_rounding_of_are_not_told(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(3).normal(100, 9, (7, 9)))
    with open_image(tmp_path / "a.npy") as stack:
        assert stack.data[()].mean() == pytest.approx(100, abs=5)
    assert [*stack.warnings] == []


def test_what_float32_cannot_hold_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.full((7, 9), 1e300))
    with (
        open_image(tmp_path / "a.npy") as stack,
        pytest.raises(InputError, match=r"as large as 1e.300 do not fit into 32-bit"),
    ):
        stack.data[()]


def test_doubles_are_read_whole_where_they_are_taken(tmp_path):
    data = np.random.default_rng(3).normal(size=(7, 9))
    tifffile.imwrite(tmp_path / "a.tif", data)
    np.save(tmp_path / "a.npy", data)
    for name in ("a.tif", "a.npy"):
        with open_image(tmp_path / name, double=True) as stack:
            np.testing.assert_array_equal(stack.data[()], data)


def test_complex_numbers_are_refused(tmp_path):
    dtype = "complex64"
    data = counts(7, 9, dtype=dtype)
    np.save(tmp_path / "a.npy", data)
    tifffile.imwrite(tmp_path / "a.tif", data)
    for name in ("a.npy", "a.tif"):
        with (
            pytest.raises(InputError, match=f"pixels of type {dtype}") as caught,
            open_image(tmp_path / name),
        ):
            pass
        assert "uint8, uint16 or float32" in caught.value.hint


def test_imagej_order_becomes_canonical(tmp_path):
    data = counts(2, 3, 4, 5, 6)
    path = save(tmp_path / "a.tif", data, kind="imagej", metadata={"axes": "TZCYX"})
    with open_image(path) as stack:
        assert stack.axes == "TCZYX"
        np.testing.assert_array_equal(pixels(stack), data.swapaxes(1, 2))


@pytest.mark.parametrize("order", ["TCZYX", "ZCTYX", "CTZYX", "ZTCYX"])
def test_ome_orders_become_canonical(tmp_path, order):
    data = counts(2, 3, 4, 5, 6)
    path = save(tmp_path / "a.tif", data, kind="ome", metadata={"axes": order})
    with open_image(path) as stack:
        expected = data.transpose([order.index(axis) for axis in "TCZYX"])
        np.testing.assert_array_equal(pixels(stack), expected)


@pytest.mark.parametrize("axes", ["TZYX", "ztyx", "CZYX"])
def test_axes_from_the_user_win(tmp_path, axes):
    data = counts(2, 3, 5, 6)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="minisblack")
    np.save(tmp_path / "a.npy", data)
    canonical = "".join(axis for axis in "TCZYX" if axis in axes.upper())
    order = [axes.upper().index(axis) for axis in canonical]
    for name in ("a.tif", "a.npy"):
        with open_image(tmp_path / name, axes=axes) as stack:
            assert stack.axes == canonical
            assert "axes guessed" not in stack.extra
            np.testing.assert_array_equal(pixels(stack), data.transpose(order))


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("TYX", r"axes 'TYX' name 3 dimensions, but .* has shape \(2, 3, 5, 6\)"),
        ("YXTZ", "axes 'YXTZ' do not end in 'YX'"),
        ("TTYX", "axes 'TTYX' are not different letters of 'TCZYX'"),
        ("QTYX", "axes 'QTYX' are not different letters of 'TCZYX'"),
    ],
)
def test_axes_that_do_not_fit(tmp_path, axes, message):
    tifffile.imwrite(tmp_path / "a.tif", counts(2, 3, 5, 6), photometric="minisblack")
    with (
        pytest.raises(AxesError, match=message),
        open_image(tmp_path / "a.tif", axes=axes),
    ):
        pass


def test_pyramid_is_read_at_full_size_and_other_series_are_noted(tmp_path):
    data = counts(2, 64, 64)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as file:
        tiles = {"photometric": "minisblack", "tile": (16, 16)}
        file.write(data, subifds=1, metadata={"axes": "CYX"}, **tiles)
        file.write(data[:, ::2, ::2], subfiletype=1, **tiles)
        file.write(counts(8, 8), photometric="minisblack")
    with open_image(tmp_path / "a.ome.tif") as stack:
        np.testing.assert_array_equal(pixels(stack), data)
        assert (stack.axes, stack.extra["levels"], len(stack.extra["series"])) == (
            "CYX",
            2,
            2,
        )


def test_imagej_file_with_one_page_for_all_planes(tmp_path):
    data = counts(4, 3, 8, 8)
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, imagej=True) as file:
        file.write(data, truncate=True, metadata={"axes": "TCYX"})
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 1
    with open_image(path) as stack:
        np.testing.assert_array_equal(pixels(stack), data)


def test_set_of_ome_files(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
        file.write(counts(2, 8, 8), photometric="minisblack", metadata={"axes": "TYX"})
    text = tifffile.tiffcomment(tmp_path / "a.ome.tif")
    links = "".join(
        f'<TiffData FirstT="{t}" IFD="0" PlaneCount="1"><UUID FileName="{name}">'
        f"urn:uuid:{name}</UUID></TiffData>"
        for t, name in enumerate(["x.ome.tif", "y.ome.tif"])
    )
    head, _, rest = text.partition("<TiffData")
    root = head.replace(
        head.partition('UUID="')[2].partition('"')[0], "urn:uuid:x.ome.tif"
    )
    xml = root + links + rest.partition("/>")[2]
    for number, name in enumerate(["x.ome.tif", "y.ome.tif"]):
        tifffile.imwrite(
            tmp_path / name,
            counts(2, 8, 8)[number],
            description=xml,
            metadata=None,
            ome=False,
        )
    with open_image(tmp_path / "x.ome.tif") as stack:
        np.testing.assert_array_equal(pixels(stack), counts(2, 8, 8))


def test_colour_pictures_are_refused(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", counts(9, 8, 3, dtype="uint8"), photometric="rgb"
    )
    np.save(tmp_path / "b.npy", counts(9, 8, 3, dtype="uint8"))
    with (
        pytest.raises(InputError, match="a colour picture: 3 samples") as caught,
        open_image(tmp_path / "a.tif"),
    ):
        pass
    assert "all as channels with --axes CYX" in caught.value.hint
    with (
        pytest.raises(
            InputError, match=r"looks like a colour picture: shape \(9, 8, 3"
        ),
        open_image(tmp_path / "b.npy"),
    ):
        pass
    with open_image(tmp_path / "b.npy", axes="TYX") as stack:
        assert stack.axes == "TYX"


def test_samples_that_fiji_calls_channels(tmp_path):
    data = counts(6, 5, 3)
    tifffile.imwrite(
        tmp_path / "a.tif",
        data,
        photometric="rgb",
        description="ImageJ=1.54f\nchannels=3\nmode=composite\n",
        metadata=None,
    )
    with open_image(tmp_path / "a.tif") as stack:
        assert stack.axes == "CYX"
        np.testing.assert_array_equal(pixels(stack), np.moveaxis(data, -1, 0))


def test_palette_is_a_look_up_table_or_refused(tmp_path):
    data = counts(16, 16, dtype="uint8")
    green = np.zeros((3, 256), np.uint16)
    green[1] = np.arange(256) * 257
    options = {"photometric": "palette", "metadata": None}
    save(tmp_path / "a.tif", data, colormap=green, **options)
    with open_image(tmp_path / "a.tif") as stack:
        assert stack.channels == (Channel(colour=(0, 255, 0)),)
        np.testing.assert_array_equal(stack.data[()], data)
    save(tmp_path / "b.tif", data, colormap=green[:, ::-1], **options)
    with (
        pytest.raises(InputError, match="its numbers are no intensities"),
        open_image(tmp_path / "b.tif"),
    ):
        pass


@pytest.mark.parametrize(
    ("unit", "per_unit", "expected"),
    [
        ("CENTIMETER", 1e5, 0.1),
        ("INCH", 254000, 0.1),
        ("INCH", 300, None),
        ("NONE", 5, None),
    ],
)
def test_pixel_size_of_plain_files(tmp_path, unit, per_unit, expected):
    tifffile.imwrite(
        tmp_path / "a.tif",
        counts(4, 5),
        resolution=(per_unit, per_unit),
        resolutionunit=unit,
    )
    with open_image(tmp_path / "a.tif") as stack:
        sizes = {"X": expected, "Y": expected} if expected else {}
        assert stack.pixel_size == pytest.approx(sizes)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared images are not here")
def test_real_files_survive_a_copy(tmp_path):
    files = [*SHARED.glob("sharp/*.tif"), *SHARED.glob("sim_pair/*.tif")]
    assert files
    for path in files:
        with open_image(path) as stack:
            write_image(stack, tmp_path / path.name)
            with open_image(tmp_path / path.name) as copy:
                assert copy.axes == stack.axes
                assert copy.pixel_size == pytest.approx(stack.pixel_size)
                np.testing.assert_array_equal(pixels(copy), pixels(stack))


def positions(folder: Path, *, uuids: bool) -> list[np.ndarray]:
    """Write a file a position, each with the XML of all of them; return the pixels."""
    truth = [counts(2, 8, 8) + 100 * number for number in range(3)]
    names = [f"p{number}.ome.tif" for number in range(3)]
    images = "".join(
        f'<Image ID="Image:{n}" Name="P{n}"><Pixels ID="Pixels:{n}" Type="uint16" '
        f'DimensionOrder="XYCZT" SizeX="8" SizeY="8" SizeC="1" SizeZ="1" SizeT="2" '
        f'PhysicalSizeX="{n + 1}" PhysicalSizeY="{n + 1}"><Channel ID="Channel:{n}:0" '
        'SamplesPerPixel="1"/>'
        + "".join(
            f'<TiffData FirstT="{t}" IFD="{t}" PlaneCount="1"><UUID '
            f'FileName="{names[n]}">urn:uuid:{n}</UUID></TiffData>'
            for t in range(2)
        )
        + "</Pixels></Image>"
        for n in range(3)
    )
    for n, name in enumerate(names):
        own = f' UUID="urn:uuid:{n}"' if uuids else ""
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.open'
            f'microscopy.org/Schemas/OME/2016-06"{own}>{images}</OME>'
        )
        with tifffile.TiffWriter(folder / name, ome=False) as file:
            for first, plane in zip([True, False], truth[n], strict=True):
                file.write(
                    plane.astype(np.uint16),
                    description=xml if first else None,
                    metadata=None,
                )
    return truth


@pytest.mark.parametrize("uuids", [True, False])
@pytest.mark.parametrize("there", [{0, 1, 2}, {1, 2}, {1}])
def test_of_a_set_of_positions_a_file_holds_its_own(tmp_path, there, uuids):
    truth = positions(tmp_path, uuids=uuids)
    for gone in {0, 1, 2} - there:
        (tmp_path / f"p{gone}.ome.tif").unlink()
    for number in there:
        with open_image(tmp_path / f"p{number}.ome.tif") as stack:
            np.testing.assert_array_equal(pixels(stack), truth[number])
            assert stack.pixel_size == {"X": number + 1, "Y": number + 1}
            assert stack.axes == "TYX"
