"""No file hangs or fills the memory; each is refused in clear words."""

import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from w2s_cli.errors import WeightsError
from w2s_cli.weights import checkpoint

TWO = {"0": struct.pack("<2f", 1, 2)}
MIB = 1 << 20


def good(forge: Any) -> bytes:
    return forge.zipped(forge.pickled(a=forge.tensor()), TWO)


def good_legacy(forge: Any) -> bytes:
    return forge.legacy(forge.pickled(a=forge.tensor()), TWO)


def patched(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]


def packed(method: int, *, data: bytes = bytes(8)) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
        archive.writestr("archive/data/0", data)
    return out.getvalue()


def listed(content: bytes, at: int, new: bytes) -> bytes:
    """Patch the last member of a zip file's list."""
    return patched(content, content.rindex(b"PK\1\2") + at, new)


def overlapping(forge: Any) -> bytes:
    """Return a zip file whose list has one member a hundred times."""
    content = forge.zipped(forge.pickled(a=forge.tensor()), {"0": bytes(MIB)})
    start, end = content.index(b"PK\1\2"), content.rindex(b"PK\5\6")
    entries = content[start:end]
    at = entries.index(b"archive/data/0") - 46
    one = entries[at : at + 46 + len("archive/data/0")]
    more = b"".join(one[:-1] + bytes([code]) for code in range(49, 127))
    tail = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, 82, 82, len(entries + more), start, 0
    )
    return content[:start] + entries + more + tail


def twice(forge: Any) -> bytes:
    content = forge.zipped(forge.pickled(a=forge.tensor()), TWO, **{"data/1": TWO["0"]})
    return content.replace(b"archive/data/1", b"archive/data/0")


def view(forge: Any) -> bytes:
    seen = forge.pickled(a=forge.tensor())
    # One more in the id of the storage: a view of another.
    return seen.replace(b"K\x02tq", b"K\x02K\x01tq", 1)


def before_the_start(forge: Any) -> bytes:
    """Say that the list of members starts later than it does."""
    content = good(forge)
    at = content.rindex(b"PK\5\6") + 16
    start = int.from_bytes(content[at : at + 4], "little")
    return patched(content, at, (start + 9).to_bytes(4, "little"))


def safetensors(header: object, data: bytes = bytes(8)) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + data


def entry(**changes: object) -> dict[str, object]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes}


def npz() -> bytes:
    out = BytesIO()
    np.savez(out, a=np.arange(3))
    return out.getvalue()


PAGE = b"\n<!DOCTYPE html><html><title>404 Not Found</title></html>"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 36000000\n"
Maker = Callable[[Any], bytes]
FOREIGN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "web page": (PAGE, "is a web page, not weights"),
    "xml": (b"<?xml version='1.0'?><Error>NoSuchKey</Error>", "is a web page"),
    "git lfs": (LFS, "is a pointer of Git LFS"),
    "text": (b"404: Not Found", "neither a safetensors nor a torch file"),
    "junk": (b"\xff" * 400, "neither a safetensors nor a torch file"),
    "gzip": (b"\x1f\x8b\x08" + bytes(40), "compressed with gzip"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(40), "is an HDF5 file"),
    "npy": (b"\x93NUMPY\1\0" + bytes(120), "is a NumPy array"),
    "npz": (npz(), "without data.pkl"),
    "tar": (bytes(257) + b"ustar\0" + bytes(300), "is a tar file"),
    "onnx": (b"\x08\x07\x12\x07pytorch" + bytes(99), "looks like an ONNX program"),
    "plain pickle": (pickle.dumps({"a": 1}), "torch.save has not written it"),
    "text pickle": (pickle.dumps({"a": 1}, 0), "neither a safetensors nor a torch"),
}
ZIPS: dict[str, tuple[Maker, str]] = {
    "empty": (lambda _: b"PK\5\6" + bytes(18), "without data.pkl"),
    "only a header": (lambda _: b"PK\3\4" + bytes(40), "not a whole zip file"),
    "cut at the end": (lambda f: good(f)[:-9], "not a whole zip file"),
    "cut in the list": (lambda f: good(f)[:-150], "not a whole zip file"),
    "cut in the middle": (lambda f: good(f)[:300], "not a whole zip file"),
    "deflated": (lambda _: packed(8), "compressed or encrypted"),
    "a bomb": (lambda _: packed(8, data=bytes(99 * MIB)), "compressed or encrypted"),
    "a bzip2 bomb": (lambda _: packed(12, data=bytes(MIB)), "compressed or enc"),
    "an lzma bomb": (lambda _: packed(14, data=bytes(MIB)), "compressed or enc"),
    "overlapping members": (overlapping, "with members of 8"),
    "encrypted": (lambda f: listed(good(f), 8, b"\1"), "compressed or encrypted"),
    "of version 9.9": (lambda f: listed(good(f), 6, b"\x63"), "zip file version 9.9"),
    "4 GB declared": (lambda f: listed(good(f), 20, b"\xf0" * 8), "with members of 4"),
    "elsewhere": (
        lambda f: listed(good(f), 42, b"\xff\0\0\0"),
        "'archive/data/0' is not",
    ),
    "before the file": (before_the_start, "is not there|not a whole zip file"),
    "wrong checksum": (lambda f: listed(good(f), 16, b"\1\2\3\4"), "checksum of the"),
    "two of a name": (twice, "two members of the same name"),
    "path traversal": (
        lambda f: good(f).replace(b"archive/version", b"../../../../etc"),
        "a member outside its folder: '../../../../etc'",
    ),
    "absolute path": (
        lambda f: good(f).replace(b"archive/version", b"/etc/ld.so.conf"),
        "a member outside its folder: '/etc/ld.so.conf'",
    ),
    "no pickle": (
        lambda f: good(f).replace(b"archive/data.pkl", b"archive/data.old"),
        "without data.pkl",
    ),
    "a huge pickle": (lambda f: f.zipped(bytes(17 * MIB)), "more than 16 MiB"),
    "big-endian": (
        lambda f: f.zipped(f.pickled(a=f.tensor()), TWO, order=b"big"),
        "big-endian machine",
    ),
    "torchscript": (
        lambda f: f.zipped(f.pickled(a=f.tensor()), TWO, **{"constants.pkl": b"."}),
        "is a TorchScript program",
    ),
}
LEGACY: dict[str, tuple[Maker, str]] = {
    "wrong magic": (lambda f: f.legacy(b"}.", magic=7), "torch.save has not written"),
    "wrong protocol": (lambda f: f.legacy(b"}.", protocol=7), "another protocol"),
    "big-endian": (
        lambda f: f.legacy(b"}.", system={"little_endian": False}),
        "big-endian machine",
    ),
    "a long start": (lambda f: b"\x80\2" + b"K\1" * 999, "more than 100 instr"),
    "no list": (lambda f: f.legacy(b"}.", keys=3), "list of its storages is missing"),
    "numbers listed": (lambda f: f.legacy(b"}.", keys=[3]), "a storage called 'int'"),
    "unknown listed": (lambda f: f.legacy(b"}.", keys=["7"]), "a storage called '7'"),
    "twice listed": (
        lambda f: f.legacy(f.pickled(a=f.tensor()), TWO, keys=["0", "0"]),
        "a storage called '0'",
    ),
    "none listed": (
        lambda f: f.legacy(f.pickled(a=f.tensor()), TWO, keys=[]),
        "its storage '0' is missing",
    ),
    "another size": (
        lambda f: f.legacy(f.pickled(a=f.tensor(count=3)), TWO),
        "damaged or cut short at its storage '0'",
    ),
    "4 EB": (
        lambda f: f.legacy(f.pickled(a=f.tensor(count=2**60)), TWO),
        "a storage without a proper id",
    ),
    "cut in a storage": (lambda f: good_legacy(f)[:-3], "cut short in its storage"),
    "cut before it": (lambda f: good_legacy(f)[:-9], "cut short in its storage"),
    "cut in the list": (lambda f: good_legacy(f)[:-20], "damaged pickle"),
    "cut in the pickle": (lambda f: good_legacy(f)[:200], "damaged pickle"),
    "cut in the magic": (lambda f: good_legacy(f)[:9], "damaged pickle"),
    "a view": (
        lambda f: f.legacy(view(f), TWO),
        "a view of a storage",
    ),
}
SAFETENSORS: dict[str, tuple[bytes, str]] = {
    "header of 7 EB": (b"\xff" * 7 + b"\x7f{}", "a header of 9223372036854775807"),
    "longer than the file": (b"\x99" + bytes(7) + b"{}", "a header of 153 bytes"),
    "huge header": (safetensors(b"{" + b" " * 3 * MIB + b"}"), "a header of 31457"),
    "no json": (safetensors(b"{nonsense}"), "no JSON"),
    "deep json": (safetensors(b'{"a":' + b"[" * 99_999), "no JSON"),
    "bad text": (safetensors(b'{"\xff":1}'), "no JSON"),
    "a long integer": (safetensors(b'{"a":' + b"9" * 9999 + b"}"), "'a' is damaged"),
    "nothing": (safetensors({}), "holds no tensors by name"),
    "no entry": (safetensors({"a": 3}), "'a' is damaged"),
    "no offsets": (safetensors(entry(data_offsets=None)), "'a' is damaged"),
    "negative shape": (safetensors(entry(shape=[-2])), "'a' is damaged"),
    "text for shape": (safetensors(entry(shape=["2"])), "'a' is damaged"),
    "17 axes": (safetensors(entry(shape=[1] * 17)), "'a' is damaged"),
    "negative offset": (safetensors(entry(data_offsets=[-8, 0])), "'a' is damaged"),
    "beyond the end": (safetensors(entry(data_offsets=[4, 12])), "is not all there"),
    "turned offsets": (safetensors(entry(data_offsets=[8, 0])), "is not all there"),
    "another size": (safetensors(entry(shape=[3])), "another size than its shape"),
    "impossible size": (safetensors(entry(shape=[2**40, 2**40])), "another size"),
    "unknown type": (safetensors(entry(dtype="F8_E4M3")), "of type 'F8_E4M3'"),
    "no name": (safetensors({"": entry()["a"]}), "a tensor called '', which is no"),
    "escape sequences": (safetensors({"\x1b[2J": entry()["a"]}), "which is no name"),
    "not finite": (safetensors(entry(), b"\0\0\xc0\x7f" * 2), "not finite.*'a'"),
    "a record of nothing": (
        safetensors(entry() | {"__metadata__": {"w2s": "[]"}}),
        "has a damaged record",
    ),
    "a deep record": (
        safetensors(entry() | {"__metadata__": {"w2s": "[" * 99_999}}),
        "has a damaged record",
    ),
    "metadata of numbers": (
        safetensors(entry() | {"__metadata__": {"w2s": 3}}),
        "has a damaged record",
    ),
    "metadata in a list": (
        safetensors(entry() | {"__metadata__": [1]}),
        "its metadata",
    ),
}


def refused(load: Any, content: bytes, message: str) -> None:
    with pytest.raises(WeightsError, match=message) as error:
        load(content)
    assert error.value.exit_code == 5
    assert error.value.hint
    assert str(error.value).startswith("w.pth ")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("name", FOREIGN)
def test_other_files(name: str, load) -> None:
    refused(load, *FOREIGN[name])


@pytest.mark.parametrize("name", ZIPS)
def test_zip_files(name: str, forge, load) -> None:
    make, message = ZIPS[name]
    refused(load, make(forge), message)


@pytest.mark.parametrize("name", LEGACY)
def test_legacy_files(name: str, forge, load) -> None:
    make, message = LEGACY[name]
    refused(load, make(forge), message)


@pytest.mark.parametrize("name", SAFETENSORS)
def test_safetensors_files(name: str, load) -> None:
    refused(load, *SAFETENSORS[name])


def test_the_forged_files_are_good(forge, load) -> None:
    for content in (good(forge), good_legacy(forge)):
        assert torch.equal(load(content).state["a"], torch.tensor([1.0, 2.0]))
    assert load(safetensors(entry())).state["a"].tolist() == [0, 0]


@pytest.mark.parametrize("make", [good, good_legacy, lambda _: safetensors(entry())])
def test_a_file_cut_anywhere_is_refused(make: Maker, forge, load) -> None:
    content = make(forge)
    for length in range(0, len(content), 7):
        with pytest.raises(WeightsError):
            load(content[:length])


@pytest.mark.parametrize("make", [good, good_legacy])
def test_a_file_with_a_wrong_byte_is_read_or_refused(make: Maker, forge, load) -> None:
    content = make(forge)
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(content), 150):
        with suppress(WeightsError):
            load(patched(content, at, rng.bytes(1)))


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is a folder"):
        checkpoint.load(tmp_path)
