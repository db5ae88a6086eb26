"""The safetensors container: the length of a header, the header in JSON, the bytes.

The library of that name maps the file into memory; reading it block by block takes half
as much where half-precision weights become float32.
"""

import json
from typing import IO, Any

import torch

from w2s_cli.assets.contents import Contents
from w2s_cli.assets.refusal import Refusal, quoted
from w2s_cli.assets.tensors import Extent, Layout, contiguous, sensible

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


def contents(file: IO[bytes], size: int) -> Contents:
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
