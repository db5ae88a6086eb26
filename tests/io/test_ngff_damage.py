"""OME-Zarr that is broken anywhere is refused in one line."""

import json
import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from w2s_cli.errors import AxesError, InputError
from w2s_cli.io import open_image
from zarr_files import PIXELS, read, save

zarr = pytest.importorskip("zarr")
numcodecs = pytest.importorskip("numcodecs")


def test_a_chunk_that_is_broken(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PIXELS[0, 0, 0], "yx")
    for chunk in (path / "0").glob("[0-9]*"):
        chunk.write_bytes(b"broken")
    with pytest.raises(InputError, match=r"plane 1 cannot be decoded: .") as error:
        read(path)
    assert error.value.hint == "copy or export it again"


def test_a_chunk_of_blosc_that_is_cut_off_is_no_image(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.zarr", PIXELS[0, 0, 0], "yx", compressors=numcodecs.Blosc()
    )
    chunk = path / "0" / "0.0"
    whole = chunk.read_bytes()
    for length in range(0, len(whole), 70):
        chunk.write_bytes(whole[:length])
        with pytest.raises(InputError, match=f"it has {length} bytes"):
            read(path)


def remove(name: str) -> Any:
    def change(path: Path) -> None:
        one = path / name
        shutil.rmtree(one) if one.is_dir() else one.unlink()

    return change


def put(name: str, text: str) -> Any:
    return lambda path: (path / name).write_text(text)


def change(name: str, key: str, value: Any) -> Any:
    def write(path: Path) -> None:
        said = json.loads((path / name).read_text())
        (path / name).write_text(json.dumps({**said, key: value}))

    return write


BAD = {
    "no array": (remove("0"), "is damaged or not whole: its array '0' is missing"),
    "no attributes": (
        remove(".zattrs"),
        "is a Zarr group without an image: its metadata have no 'multiscales'; it "
        "holds the arrays 0",
    ),
    "broken JSON": (put(".zattrs", '{"multiscales": ['), "has broken metadata: "),
    "empty JSON": (put(".zattrs", ""), "has broken metadata: "),
    "a list": (put(".zattrs", "[1]"), "has broken metadata: "),
    "no .zarray": (remove("0/.zarray"), "its array '0' is missing"),
    "broken .zarray": (put("0/.zarray", "{"), "is no array that can be read: "),
    "multiscales is a number": (
        put(".zattrs", '{"multiscales": 3}'),
        "its 'multiscales' names none",
    ),
    "no datasets": (
        put(".zattrs", '{"multiscales": [{"axes": ["y"]}]}'),
        "is damaged or not whole: it names no arrays",
    ),
    "a path outside": (
        put(".zattrs", '{"multiscales": [{"datasets": [{"path": "../../a"}]}]}'),
        "is no array that can be read: ",
    ),
    "chunks of nothing": (
        change("0/.zarray", "chunks", [1, 0, 5]),
        "is no array that can be read: its chunks of (1, 0, 5) hold no pixels",
    ),
    "more planes than can be": (
        change("0/.zarray", "shape", [2**32 - 1, 4, 5]),
        "promises 4294967295 planes, and w2s takes 16777216 at most",
    ),
    "more planes than numbers": (
        change("0/.zarray", "shape", [2**62, 4, 5]),
        "promises 4611686018427387904 planes",
    ),
    "other axes": (
        put(
            ".zattrs", '{"multiscales":[{"axes":["z","y"],"datasets":[{"path":"0"}]}]}'
        ),
        "which the axes of its metadata do not fit",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_is_broken_is_one_line(fault: str, tmp_path: Path) -> None:
    spoil, message = BAD[fault]
    path = save(tmp_path / "a.zarr", PIXELS[0, 0], "zyx")
    spoil(path)
    with pytest.raises(InputError) as error:
        read(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.hint


def test_a_folder_that_is_only_called_zarr(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(InputError, match="holds no Zarr image: it has none of") as e:
        read(tmp_path / "a.zarr")
    assert e.value.hint


def test_one_dimension_is_no_image(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "a.zarr", data=np.arange(5))
    with pytest.raises(AxesError, match="has no axes Y and X"):
        read(tmp_path / "a.zarr")


VALUES: list[Any] = [None, -1, 10**400, "", 1e999, [[1]], {"0": 0}]


def mutated(said: Any) -> Any:
    """Yield the JSON with each of its values replaced by each of others."""
    if not isinstance(said, dict | list):
        return
    places = said if isinstance(said, dict) else range(len(said))
    for place in [*places]:
        before = said[place]
        for value in VALUES:
            said[place] = value
            yield
        said[place] = before
        yield from mutated(before)


def test_no_value_of_the_metadata_is_a_bug(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zarr", PIXELS[0, 0, 0], "yx")
    channels = [{"label": "a", "color": "FF0000", "window": {"start": 0, "end": 1}}]
    said = json.loads((path / ".zattrs").read_text())
    said["omero"] = {"channels": channels}
    said["w2s"] = {"history": [{"method": "x"}]}
    said["multiscales"][0]["coordinateTransformations"] = [
        {"type": "translation", "translation": [1, 2]}
    ]
    read_well = 0
    for _ in islice(mutated(said), 0, None, 2):  # values and places go in turn
        (path / ".zattrs").write_text(json.dumps(said))
        try:
            with open_image(path) as stack:
                assert stack.axes[-2:] == "YX"
                read_well += 1
        except InputError as error:
            assert error.hint  # noqa: PT017
    assert read_well > 30
