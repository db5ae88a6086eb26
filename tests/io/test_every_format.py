"""What holds of every format that is written: it keeps a stack, or refuses it."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from w2s_cli.errors import InputError
from w2s_cli.io import check_fits, open_image, write_image
from w2s_cli.io.formats import FORMATS, Format, format_for, format_of
from w2s_cli.stack import Stack

DTYPES = ("uint8", "uint16", "int8", "int16", "float32")
SHAPES = {
    "YX": (5, 6),
    "TYX": (2, 5, 6),
    "CZYX": (2, 3, 5, 6),
    "TCZYX": (2, 2, 3, 5, 6),
}
SUFFIXES = [(form, suffix) for form in FORMATS for suffix in form.suffixes]
WRITTEN = [form for form in FORMATS if form.suffixes]
each_format = pytest.mark.parametrize("form", WRITTEN, ids=lambda form: form.name)


@pytest.fixture(autouse=True)
def installed(request: pytest.FixtureRequest) -> None:
    if library := request.getfixturevalue("form").library:
        pytest.importorskip(library)


def content(path: Path) -> dict[str, bytes]:
    files = [file for file in path.rglob("*") if file.is_file()] or [path]
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def stack(axes: str, dtype: str) -> Stack:
    rng = np.random.default_rng(0)
    return Stack(rng.integers(0, 127, SHAPES[axes]).astype(dtype), axes)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axes", SHAPES)
@each_format
def test_what_is_written_is_read_or_refused(form, axes, dtype, tmp_path) -> None:
    path = tmp_path / f"a{form.suffixes[0]}"
    given = stack(axes, dtype)
    if reason := import_module(form.module).unsupported(given):
        for write in (check_fits, write_image):
            with pytest.raises(InputError) as error:
                write(given, path)
            assert str(error.value) == f"{path} cannot hold this image: {reason}"
            assert error.value.hint
        assert [*tmp_path.iterdir()] == []
        return
    write_image(given, path)
    with open_image(path, axes=axes) as found:
        planes = [found.data[index] for index in found.indices()]
        assert found.axes == axes
        assert found.data.dtype == dtype
        assert found.extra["format"].endswith(form.name)
        pixels = np.array(planes).reshape(found.data.shape)
    np.testing.assert_array_equal(pixels, given.data)
    assert form.folder or path.read_bytes().startswith(form.magics)
    assert format_of(path) is form
    write_image(given, again := path.with_stem("b"))
    assert content(again) == content(path)


@each_format
def test_a_plane_of_whole_numbers_fits_every_format(form: Format) -> None:
    check_fits(stack("YX", "uint16"), Path(f"a{form.suffixes[0]}"))


@pytest.mark.parametrize(("form", "suffix"), SUFFIXES)
def test_a_suffix_and_a_start_belong_to_one_format(form: Format, suffix: str) -> None:
    assert format_for(Path(f"a{suffix}")) is form
    assert format_for(Path(f"A{suffix.upper()}")) is form
    others = [magic for other in FORMATS if other is not form for magic in other.magics]
    assert not any(a.startswith(b) for a in others for b in form.magics)


@each_format
def test_a_file_that_is_cut_is_refused_or_what_is_lost_is_said(form, tmp_path) -> None:
    path = tmp_path / f"a{form.suffixes[0]}"
    whole = stack("YX", "uint16")
    write_image(whole, path)
    for name, said in content(path).items():
        for length in range(0, len(said) // 2, len(said) // 9):
            (path / name).write_bytes(said[:length])
            assert_refused_or_said(path, whole)
        (path / name).write_bytes(said)


def assert_refused_or_said(path: Path, whole: Stack) -> None:
    try:
        with open_image(path) as found:
            np.testing.assert_array_equal(found.data[()], whole.data[()])
            assert "it is cut off before" in found.warnings[0]
    except InputError as error:
        assert error.hint  # noqa: PT017
