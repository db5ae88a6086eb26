"""What holds of ND2, CZI and LIF alike, on files made after their published layouts."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from microscope_files import write_czi, write_lif, write_nd2
from w2s_cli.cli import app
from w2s_cli.errors import InputError, UsageError
from w2s_cli.io import formats, images_of, open_image, write_image
from w2s_cli.io.formats import FORMATS, format_of
from w2s_cli.io.maker_files import WithinFile

KINDS = {
    "nd2": "a Nikon ND2 file",
    "czi": "a Zeiss CZI file",
    "lif": "a Leica LIF file",
}
Write = Callable[[Path, np.ndarray], None]


@pytest.fixture(params=KINDS)
def suffix(request: pytest.FixtureRequest) -> str:
    [form] = [one for one in FORMATS if f".{request.param}" in one.read_only]
    if form.library:
        pytest.importorskip(form.library)
    return str(request.param)


@pytest.fixture
def write(suffix: str) -> Write:
    """Return what writes a (T, C, Z, Y, X) image in a format."""

    def of_nd2(path: Path, pixels: np.ndarray) -> None:
        names = [f"dye {n}" for n in range(pixels.shape[1])]
        write_nd2(path, np.moveaxis(pixels, 1, -1).copy(), "TZ", channels=names)

    def of_czi(path: Path, pixels: np.ndarray) -> None:
        tiles = [
            (dict(zip("TCZ", place, strict=True)), pixels[place][..., None])
            for place in np.ndindex(pixels.shape[:3])
        ]
        write_czi(path, tiles, compression=6)

    def of_lif(path: Path, pixels: np.ndarray) -> None:
        write_lif(path, {"cell": ("TCZYX", pixels)})

    return {"nd2": of_nd2, "czi": of_czi, "lif": of_lif}[suffix]


@pytest.fixture
def path(tmp_path: Path, suffix: str, write: Write, tczyx: np.ndarray) -> Path:
    path = tmp_path / f"My cell.{suffix.upper()}"
    write(path, tczyx)
    return path


def test_planes_are_read_one_by_one_or_in_parts(path, tczyx):
    with open_image(path) as stack:
        assert (stack.axes, stack.data.dtype) == ("TCZYX", "uint16")
        assert stack.extra["format"] == path.suffix[1:]
        for index in stack.indices():
            np.testing.assert_array_equal(stack.data[index], tczyx[index])
            part = stack.region(index, slice(1, 4), slice(2, 5))
            np.testing.assert_array_equal(part, tczyx[index][1:4, 2:5])
    assert images_of(path) == {"1": "cell" if path.suffix == ".LIF" else ""}


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_other_types_of_pixels(path, write, tczyx, dtype):
    if path.suffix == ".LIF" and dtype == "float32":
        dtype = "uint8"  # the program writes whole numbers alone
    write(path, (tczyx % 250).astype(dtype))
    with open_image(path) as stack:
        assert stack.data.dtype == dtype
        np.testing.assert_array_equal(np.asarray(stack), tczyx % 250)


def test_what_is_known_of_the_microscope_goes_into_ome_tiff(path, tmp_path, tczyx):
    with open_image(path) as stack:
        write_image(stack, tmp_path / "out.ome.tif")
        said = stack.extra["ome"]
    with tifffile.TiffFile(tmp_path / "out.ome.tif") as file:
        np.testing.assert_array_equal(file.asarray(), tczyx)
        root, before = map(ElementTree.fromstring, (file.ome_metadata, said))
    for tag in ("Objective", "Channel", "Plane", "AcquisitionDate"):
        found, was = root.findall(f".//{{*}}{tag}"), before.findall(f".//{{*}}{tag}")
        assert [one.attrib for one in found] == [one.attrib for one in was]
        assert [one.text for one in found] == [one.text for one in was]
    assert len(root.findall(".//{*}Plane")) == (0 if path.suffix == ".LIF" else 12)


@pytest.mark.parametrize("where", [0.02, 0.2, 0.5, 0.9, 0.995])
def test_a_file_that_is_cut_is_refused_or_what_is_lost_is_said(path, tczyx, where):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * where)])
    try:
        with open_image(path) as stack:
            found = np.asarray(stack)
            assert "planes that it promises are there" in " ".join(stack.warnings)
            assert found.size < tczyx.size
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017
        assert "copy" in error.hint  # noqa: PT017


def test_noise_behind_the_first_bytes_is_no_image(path):
    path.write_bytes(path.read_bytes()[:14] + np.random.default_rng(0).bytes(5000))
    with pytest.raises(InputError) as error, open_image(path):
        pass
    if path.suffix != ".ND2":
        assert str(error.value).startswith(
            f"{path} starts like {KINDS[path.suffix[1:].lower()]} but is truncated, "
            "broken, or of a form that is not known: "
        )
        assert "bfconvert -series 0" in error.value.hint


def test_the_command_line_finds_restores_and_does_not_write_them(path, tmp_path):
    run = CliRunner().invoke(
        app,
        ["restore", str(tmp_path), "-o", f"{tmp_path}/out/", "--method", "identity"],
    )
    assert run.exit_code == 0, run.stderr
    assert f"not kept in the output: what {path.suffix[1:]} says" in run.stderr
    assert [*(tmp_path / "out").glob("*.tif")] == [tmp_path / "out" / "My cell.ome.tif"]
    target = tmp_path / f"b.{path.suffix[1:].lower()}"
    with pytest.raises(UsageError, match=r"reads .* files, but writes none") as error:
        formats.format_for(target)
    assert error.value.hint == f"write {tmp_path / 'b.ome.tif'}"


@pytest.mark.parametrize(
    ("start", "library", "extra"),
    [(b"\xda\xce\xbe\x0a", "nd2", "nd2"), (b"\x70\0\0\0", "liffile", "lif")],
)
def test_without_the_library(tmp_path, monkeypatch, start, library, extra):
    path = tmp_path / "a"
    path.write_bytes(start)
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=f"which needs the package {library}") as error:
        format_of(path)
    assert error.value.hint == (
        f"install it: pip install 'w2s-cli[{extra}]'; or convert it with Bio-Formats: "
        f"bfconvert -series 0 {path} {path}.ome.tif, or all its images: "
        f"bioformats2raw {path} {path}.ome.zarr"
    )


def test_no_more_is_read_than_a_file_has(tmp_path: Path) -> None:
    (path := tmp_path / "a").write_bytes(b"0123456789")
    with WithinFile(path) as file:
        assert file.read(4) == b"0123"
        assert file.read(1 << 50) == b"456789"
        file.seek(20)
        assert file.read(1 << 50) == file.read() == b""
