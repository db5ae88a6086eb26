"""Outputs that know whether they are whole, and inputs that change while hashed."""

import os
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from w2s_cli.errors import InputError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.fingerprints import (
    InputHash,
    fingerprint,
    input_hash,
    is_whole,
    size_of,
)
from w2s_cli.stack import Stack

PIXELS = np.random.default_rng(0).integers(0, 999, (2, 20, 30)).astype(np.uint16)


@pytest.fixture(params=["OME-TIFF", "ImageJ TIFF"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    stack = Stack(PIXELS, "TYX", extra={"format": request.param})
    write_image(stack, tmp_path / "a.tif", record=lambda: {"method": "identity"})
    return tmp_path / "a.tif"


def test_a_change_of_any_bit_is_noticed(written: Path) -> None:
    assert is_whole(written)
    content = written.read_bytes()
    rng = np.random.default_rng(1)
    for place in rng.integers(0, len(content), 100):
        changed = bytearray(content)
        changed[place] ^= 1 << rng.integers(8)
        written.write_bytes(changed)
        assert not is_whole(written), place
    for length in (0, 7, 100, len(content) - 1):
        written.write_bytes(content[:length])
        assert not is_whole(written)
    written.write_bytes(content + b"x")
    assert not is_whole(written)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_change_of_any_file_of_a_zarr_is_noticed(version, tmp_path) -> None:
    pytest.importorskip("zarr")
    stack = Stack(PIXELS, "TYX", extra={"ngff": version})
    written = tmp_path / "a.zarr"
    write_image(stack, written, record=lambda: {"method": "identity"})
    assert is_whole(written)
    files = [path for path in written.rglob("*") if path.is_file()]
    assert len(files) >= 4
    assert size_of(written) == sum(path.stat().st_size for path in files)
    for path in files:
        content = path.read_bytes()
        for number in (0, len(content) // 2, len(content) - 1):
            changed = bytearray(content)
            changed[number] ^= 4
            path.write_bytes(changed)
            assert not is_whole(written), path
        path.write_bytes(content[:-1])
        assert not is_whole(written), path
        path.unlink()
        assert not is_whole(written), path
        path.write_bytes(content)
    path.rename(moved := path.with_name("7"))
    assert not is_whole(written)
    moved.rename(path)
    for other in ("labels/cells/0/c/0", ".DS_Store", "0/._c"):  # of others
        (written / other).parent.mkdir(parents=True, exist_ok=True)
        (written / other).write_bytes(b"1")
    assert is_whole(written)
    (written / "0" / "9").write_bytes(b"1")
    assert not is_whole(written)


def test_a_restored_file_that_is_restored_again_keeps_both(tmp_path: Path) -> None:
    write_image(Stack(PIXELS, "TYX"), one := tmp_path / "a.tif", record=dict)
    with open_image(one) as stack:
        write_image(stack, two := tmp_path / "b.tif", record=dict)
    assert is_whole(two)
    with open_image(two) as stack:
        first, second = (entry["contents"] for entry in stack.history)
    assert (first, second) == (fingerprint(one), fingerprint(two))


def test_files_without_record_have_plain_hashes(tmp_path: Path) -> None:
    write_image(Stack(PIXELS, "TYX"), path := tmp_path / "a.tif")
    assert not is_whole(path)
    assert (
        fingerprint(path) == sha256(path.read_bytes()).hexdigest() == input_hash([path])
    )


def test_several_files_and_folders_have_one_hash(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(name.encode())
    paths = [tmp_path / "b", tmp_path / "a"]
    both = sha256(b"a").digest() + sha256(b"b").digest()
    assert input_hash(paths) == sha256(both).hexdigest()
    folder = input_hash([tmp_path])
    (tmp_path / ".DS_Store").touch()
    assert input_hash([tmp_path]) == folder
    paths[0].rename(tmp_path / "c")  # as when chunks change places
    assert input_hash([tmp_path]) != folder


@pytest.mark.parametrize("how", ["written", "swapped", "removed"])
def test_an_input_that_changes_meanwhile_is_refused(tmp_path: Path, how: str) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"before")
    with InputHash([path]) as found:
        times = path.stat()
        if how == "removed":
            path.unlink()
        elif how == "swapped":
            other.write_bytes(b"after!")
            other.replace(path)
        else:
            path.write_bytes(b"after!")
        if how != "removed":  # of the same size and time
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        with pytest.raises(InputError, match="a was changed while it") as error:
            found.result()
    assert error.value.hint == "run it again when nothing writes to it"
