"""The containers of weights: safetensors, and both that `torch.save` has written.

Which one a file is, its first bytes tell. Nothing is unpacked to disk, so the names of
zip members lead nowhere; nothing is decompressed, so a member is as large as the file
shows. Tensors are found here and read by `contents`, block by block: the library
safetensors maps the file into memory, which takes twice as much where half-precision
weights become float32.
"""

from io import BufferedReader, BytesIO
from typing import IO, Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import torch

from w2s_cli.io.text_files import strict_json
from w2s_cli.weights.contents import (
    AGAIN,
    Contents,
    Extent,
    Layout,
    Refusal,
    contiguous_strides,
    plausible,
    quoted,
)
from w2s_cli.weights.state_dicts import find_layouts, storage_type
from w2s_cli.weights.unpickling import (
    DICT,
    MAX_BYTES,
    DictItem,
    PickledObject,
    unpickle,
)

_HEAD = 512  # bytes that tell
_WEB = "the download went wrong: fetch the file again, from its direct address"
_FOREIGN = (
    (b"<!doctype", "is a web page, not weights", _WEB),
    (b"<html", "is a web page, not weights", _WEB),
    (b"<?xml", "is a web page, not weights", _WEB),
    (
        b"version https://git-lfs",
        "is a pointer of Git LFS; the weights themselves are elsewhere",
        "run `git lfs pull` where the file comes from",
    ),
    (b"\x89hdf", "is an HDF5 file, as Keras writes", "convert it to PyTorch"),
    (b"\x1f\x8b", "is compressed with gzip", "unpack it first"),
    (b"\x93numpy", "is a NumPy array", "give a file of torch or safetensors"),
)

# safetensors
_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_MAX_HEADER = 2 << 20  # bytes; 2000 tensors take a tenth of it
_CUT = "is not a whole safetensors file"

# A zip file, as torch packs it since 1.6
_PICKLE = "/data.pkl"
_LOCAL_HEADER = 30  # bytes, before the name
_ENCRYPTED = 1
_MAX_LIST = 8 << 20  # bytes of the list of members: some 100,000

# Three pickles and the bytes, as before
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_COUNT = 8  # bytes before a storage that say how many elements it has
_SHORT = 100  # instructions that are enough for each of the first three pickles


def read_contents(file: BufferedReader, size: int) -> Contents:
    """Return what a weight file of any known kind holds."""
    head = file.read(_HEAD)
    file.seek(0)
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return _zip_contents(file, size)
    if head[8:9] == b"{":
        return _safetensors_contents(file, size)
    if head.startswith(b"\x80"):
        return _legacy_contents(file, size)
    if not head:
        raise Refusal("is empty")
    start = head.lstrip().lower()
    for magic, reason, hint in _FOREIGN:
        if start.startswith(magic):
            raise Refusal(reason, hint=hint)
    if head[257:262] == b"ustar":
        raise Refusal(
            "is a tar file, as torch wrote before 0.2",
            hint="load and save it again with that version",
        )
    # The first field of its message is a version, the second a text.
    if head[:1] == b"\x08" and head[2:3] == b"\x12":
        raise Refusal(
            "looks like an ONNX program, not weights",
            hint="give the PyTorch checkpoint that it was exported from",
        )
    raise Refusal("is neither a safetensors nor a torch file", hint=AGAIN)


def _safetensors_contents(file: IO[bytes], size: int) -> Contents:
    """Return what a safetensors file of `size` bytes holds."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(_MAX_HEADER, size - 8):
        raise Refusal(f"{_CUT}: a header of {length} bytes")
    try:
        header = strict_json(file.read(length))
    except (ValueError, RecursionError) as error:
        raise Refusal(f"{_CUT}: no JSON, {error}"[:200]) from error
    if not isinstance(header, dict):
        raise Refusal(f"{_CUT}: no names in the header")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise Refusal(f"{_CUT}: its metadata are damaged")
    start = 8 + length
    layouts = {
        name: _layout(name, entry, start, size) for name, entry in header.items()
    }
    return Contents("safetensors", layouts, metadata=metadata)


def _layout(name: str, entry: Any, start: int, size: int) -> Layout:
    match entry:
        case {
            "dtype": str(dtype),
            "shape": [*shape],
            "data_offsets": [int(first), int(end)],
        } if plausible(*shape) and plausible(first, end):
            pass
        case _:
            raise Refusal(f"{_CUT}: {quoted(name)} is damaged")
    if dtype not in _TYPES:
        raise Refusal(
            f"holds a tensor of type {quoted(dtype)}",
            hint="convert it to float32 and save it again",
        )
    if not first <= end <= size - start:
        raise Refusal(f"{_CUT}: {quoted(name)} is not all there")
    extent, sides = Extent(start + first, end - first), tuple(shape)
    layout = Layout(extent, _TYPES[dtype], sides, contiguous_strides(sides))
    if layout.fault() or layout.size != extent.size:
        raise Refusal(f"{_CUT}: {quoted(name)} has another size than its shape")
    return layout


def _zip_contents(file: IO[bytes], size: int) -> Contents:
    """Return what a file that `torch.save` wrote holds."""
    members = _members(file, size)
    folder = _folder(members)
    extents = {
        name.removeprefix(folder): _extent(file, size, member)
        for name, member in members.items()
    }
    if _read(file, extents.get("/byteorder"), 16) not in (b"", b"little"):
        raise _big_endian()
    pickle = BytesIO(_read(file, extents[_PICKLE], MAX_BYTES))
    storages = {
        name.removeprefix("/data/"): extent
        for name, extent in extents.items()
        if name.startswith("/data/")
    }
    layouts, wrapper = find_layouts(unpickle(pickle).root, storages)
    return Contents("torch zip", layouts, wrapper)


class _Sipped:
    """A file of which a list of members that would fill the memory is not read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1, /) -> bytes:
        if size > _MAX_LIST:
            raise Refusal("is a zip file with too long a list of members")
        return self._file.read(size)


def _members(file: IO[bytes], size: int) -> dict[str, ZipInfo]:
    try:
        with ZipFile(_Sipped(file)) as archive:
            listed = archive.infolist()
    except (BadZipFile, NotImplementedError, ValueError) as error:
        raise Refusal(f"is not a whole zip file: {quoted(str(error))}") from error
    members = {member.filename: member for member in listed}
    if len(members) < len(listed):
        raise Refusal("is a zip file with two members of the same name")
    for member in listed:
        if member.compress_type != ZIP_STORED or member.flag_bits & _ENCRYPTED:
            raise Refusal(
                f"is a zip file with the member {quoted(member.filename)} compressed "
                "or encrypted, which torch never does",
                hint="give the weight file itself: unpack the archive first",
            )
    if (total := sum(member.file_size for member in listed)) > size:
        raise Refusal(f"is a zip file of {size} bytes with members of {total}")
    return members


def _folder(members: dict[str, ZipInfo]) -> str:
    """Return the one folder that everything is in."""
    folders = [
        name.removesuffix(_PICKLE)
        for name in members
        if name.endswith(_PICKLE) and name.count("/") == 1
    ]
    if not folders:
        raise Refusal(
            f"is a zip file without {_PICKLE[1:]}: torch.save has not written it",
            hint="give the weight file itself: unpack the archive first",
        )
    folder = folders[0]
    for name in members:
        if not name.startswith(f"{folder}/"):
            raise Refusal(f"has a member outside its folder: {quoted(name)}")
    if f"{folder}/constants.pkl" in members:
        raise Refusal(
            "is a TorchScript program, not weights",
            hint="save the state_dict() of the program with torch.save",
        )
    return folder


def _extent(file: IO[bytes], size: int, member: ZipInfo) -> Extent:
    """Return where the bytes of a member are, behind a header of variable length."""
    at = min(max(member.header_offset, 0), size)
    file.seek(at)
    header = file.read(_LOCAL_HEADER)
    name, extra = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
    start = at + _LOCAL_HEADER + name + extra
    there = at == member.header_offset and header[:4] == b"PK\3\4"
    if not there or start + member.file_size > size:
        raise Refusal(f"is damaged: the member {quoted(member.filename)} is not there")
    return Extent(start, member.file_size, member.CRC)


def _big_endian() -> Refusal:
    return Refusal(
        "was written on a big-endian machine",
        hint="load and save it again on another machine",
    )


def _read(file: IO[bytes], extent: Extent | None, most: int) -> bytes:
    if extent is None:
        return b""
    if extent.size > most:
        raise Refusal(f"has a pickle of more than {most >> 20} MiB")
    file.seek(extent.start)
    return file.read(extent.size)


def _legacy_contents(file: IO[bytes], size: int) -> Contents:
    """Return what a file that an older `torch.save` wrote holds."""
    pickles = BytesIO(file.read(MAX_BYTES))
    if unpickle(pickles, _SHORT).root != _MAGIC:
        raise Refusal(
            "is a pickle, but torch.save has not written it",
            hint="weights are what torch.save(network.state_dict(), FILE) writes",
        )
    if unpickle(pickles, _SHORT).root != _PROTOCOL:
        raise Refusal("has another protocol than torch's 1001")
    system = unpickle(pickles, _SHORT).root
    if (
        isinstance(system, PickledObject)
        and system.function == DICT
        and DictItem("little_endian", False) in (system.contents or [])
    ):
        raise _big_endian()
    pickled = unpickle(pickles)
    keys = unpickle(pickles).root
    sizes = {}  # elements of each storage, bytes of an element
    for identity in pickled.persistent:
        match identity:
            case ("module", *_):  # a class, with its source code
                continue
        key, dtype, count = storage_type(identity)
        sizes[key] = count, dtype.itemsize
    storages = _storages(file, size, pickles.tell(), keys, sizes)
    layouts, wrapper = find_layouts(pickled.root, storages)
    return Contents("torch legacy", layouts, wrapper)


def _storages(
    file: IO[bytes],
    size: int,
    start: int,
    keys: object,
    sizes: dict[str, tuple[int, int]],
) -> dict[str, Extent]:
    """Return where the storages are, in the order of `keys`."""
    if not isinstance(keys, list):
        raise Refusal("is damaged: the list of its storages is missing")
    storages = {}
    for key in keys:
        if not isinstance(key, str) or key not in sizes or key in storages:
            raise Refusal(f"is damaged: a storage called {quoted(key)}")
        count, width = sizes[key]
        file.seek(start)
        if int.from_bytes(file.read(_COUNT), "little") != count:
            raise Refusal(f"is damaged or cut short at its storage {quoted(key)}")
        storages[key] = Extent(start + _COUNT, count * width)
        start += _COUNT + count * width
        if start > size:
            raise Refusal(f"is cut short in its storage {quoted(key)}")
    return storages
