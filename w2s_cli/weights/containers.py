"""Which container a file is, by its first bytes.

The safetensors container: the length of a header, the header in JSON, the bytes.

The library of that name maps the file into memory; reading it block by block takes half
as much where half-precision weights become float32.
"""

import json
from collections.abc import Callable
from io import BufferedReader
from typing import IO, Any

import torch

from w2s_cli.weights import torch_containers
from w2s_cli.weights.contents import (
    AGAIN,
    Contents,
    Extent,
    Layout,
    Refusal,
    contiguous,
    quoted,
    sensible,
)

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


def safetensors_contents(file: IO[bytes], size: int) -> Contents:
    """Return what a safetensors file of `size` bytes holds.

    Raises
    ------
    Refusal
        When it is damaged, or a tensor is not where its header says.
    """
    length = int.from_bytes(file.read(8), "little")
    if length > min(_MAX_HEADER, size - 8):
        raise Refusal(f"is not a whole safetensors file: a header of {length} bytes")
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError) as error:
        raise Refusal("is not a whole safetensors file: no JSON") from error
    if not isinstance(header, dict):
        raise Refusal("is not a whole safetensors file: no names in the header")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise Refusal("is not a whole safetensors file: its metadata are damaged")
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
        } if sensible(*shape) and sensible(first, end):
            pass
        case _:
            raise Refusal(f"is not a whole safetensors file: {quoted(name)} is damaged")
    if dtype not in _TYPES:
        raise Refusal(
            f"holds a tensor of type {quoted(dtype)}",
            hint="convert it to float32 and save it again",
        )
    if not first <= end <= size - start:
        raise Refusal(
            f"is not a whole safetensors file: {quoted(name)} is not all there"
        )
    extent = Extent(start + first, end - first)
    layout = Layout(extent, _TYPES[dtype], tuple(shape), contiguous(tuple(shape)))
    if layout.fault() or layout.size != extent.size:
        raise Refusal(
            f"is not a whole safetensors file: {quoted(name)} has another size "
            "than its shape"
        )
    return layout


HEAD = 512  # bytes that tell
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


def contents(file: BufferedReader, size: int) -> Contents:
    """Return what a weight file of any known kind holds.

    Raises
    ------
    Refusal
        When it is of another kind, or its container refuses it.
    """
    head = file.read(HEAD)
    file.seek(0)
    return _reader(head)(file, size)


def _reader(head: bytes) -> Callable[[BufferedReader, int], Contents]:
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return torch_containers.zip_contents
    if head[8:9] == b"{":
        return safetensors_contents
    if head.startswith(b"\x80"):
        return torch_containers.legacy_contents
    raise _foreign(head)


def _foreign(head: bytes) -> Refusal:
    """Return what is said of a file that holds no weights."""
    if not head:
        return Refusal("is empty")
    start = head.lstrip().lower()
    for magic, reason, hint in _FOREIGN:
        if start.startswith(magic):
            return Refusal(reason, hint=hint)
    if head[257:262] == b"ustar":
        return Refusal(
            "is a tar file, as torch wrote before 0.2",
            hint="load and save it again with that version",
        )
    # The first field of its message is a version, the second a text.
    if head[:1] == b"\x08" and head[2:3] == b"\x12":
        return Refusal(
            "looks like an ONNX program, not weights",
            hint="give the PyTorch checkpoint that it was exported from",
        )
    return Refusal("is neither a safetensors nor a torch file", hint=AGAIN)
