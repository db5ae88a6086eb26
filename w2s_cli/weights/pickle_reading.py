"""Read a pickle as data: nothing that it names is imported, called or built.

A pickle is a program for a small stack machine. Python's machine imports what the
program names and calls it, and so a checkpoint can run code. The machine here knows the
same instructions, but where Python's makes an object, it notes what was to be made and
from what. In those notes the tensors can be found.
"""

from collections.abc import Iterator, Mapping
from pickletools import genops
from typing import IO, Any, TypeGuard

import torch

from w2s_cli.weights.contents import Extent, Layout, Refusal, quoted, sensible
from w2s_cli.weights.pickle_machine import PERSISTENT, Machine, Made, Name, Pickled

# A whole pickled RCAN, of 2000 layers, takes 0.8 MB and 320,000 instructions. Since one
# makes at most about 100 bytes, a pickle can blow itself up to some 100 MB, not more.
MAX_BYTES = 16 << 20
MAX_STEPS = 1_000_000


def unpickled(file: IO[bytes], most: int = MAX_STEPS) -> Pickled:
    """Return what the next pickle in `file` says, in `most` instructions at most.

    Raises
    ------
    Refusal
        When it is damaged, too long, or names what no weights need.
    """
    machine = Machine()
    for step, (instruction, argument) in enumerate(_instructions(file)):
        if step == most:
            raise Refusal(f"has a pickle of more than {most} instructions")
        machine.run(instruction, argument)
    return Pickled(machine.pop(), machine.persistent)


def _instructions(file: IO[bytes]) -> Iterator[tuple[str, Any]]:
    try:
        for opcode, argument, _ in genops(file):
            yield opcode.name, argument
    except ValueError as error:
        raise Refusal(f"has a damaged pickle: {quoted(str(error))}") from error


_STORED = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "UntypedStorage": torch.uint8,
}
_TYPES = {str(dtype).removeprefix("torch."): dtype for dtype in _STORED.values()}
_WRAPPERS = ("_rebuild_parameter", "_rebuild_parameter_with_state")
_UNKNOWN = "save its state_dict() again, in float32, with torch.save"


def is_tensor(note: object) -> TypeGuard[Made]:
    """Return whether torch would make a tensor of a note."""
    return (
        isinstance(note, Made)
        and isinstance(note.maker, Name)
        and note.maker.module in ("torch._utils", "torch._tensor")
        and note.maker.name.startswith("_rebuild_")
    )


def storage_type(identity: object) -> tuple[str, torch.dtype, int]:
    """Return the key, the type and the number of elements of a persistent id.

    Raises
    ------
    Refusal
        When it is no id of a storage, or of one with unknown elements.
    """
    match identity:
        case ("storage", Name() as kind, str(key), _, int(count), *rest) if sensible(
            count
        ):
            if rest not in ([], [None]):
                raise Refusal("holds a view of a storage", hint=_UNKNOWN)
            if kind.module.split(".")[0] != "torch" or kind.name not in _STORED:
                raise Refusal(f"holds a {quoted(str(kind))}", hint=_UNKNOWN)
            return key, _STORED[kind.name], count
        case _:
            raise Refusal("has a damaged pickle: a storage without a proper id")


def layout_of(note: Made, storages: Mapping[str, Extent]) -> Layout:
    """Return where the tensor is that a note describes; not whether it can be there.

    Raises
    ------
    Refusal
        When it is sparse, quantised or otherwise more than its elements, or damaged.
    """
    match _innermost(note):
        case Made(
            Name(_, "_rebuild_tensor_v2" | "_rebuild_tensor"),
            (Made() as storage, int(offset), shape, strides, *_),
        ):
            return _laid(storage, None, offset, shape, strides, storages)
        case Made(
            Name(_, "_rebuild_tensor_v3"),
            (Made() as storage, int(offset), shape, strides, _, _, Name() as dtype, *_),
        ):
            if dtype.module != "torch" or dtype.name not in _TYPES:
                raise Refusal(f"holds tensors of {quoted(str(dtype))}", hint=_UNKNOWN)
            return _laid(storage, _TYPES[dtype.name], offset, shape, strides, storages)
        case other:
            raise Refusal(
                f"holds a tensor that {quoted(str(other.maker))} would make, "
                "which is not read",
                hint=_UNKNOWN,
            )


def _innermost(note: Made) -> Made:
    """Return a tensor without the parameter or the subclass around it."""
    for _ in range(4):
        match note:
            case Made(Name(_, name), (Made() as inner, *_)) if name in _WRAPPERS:
                note = inner
            case Made(
                Name(_, "_rebuild_from_type_v2"), (Name() as maker, _, arguments, *_)
            ):
                note = Made(maker, arguments)
    return note


def _laid(
    storage: Made,
    dtype: torch.dtype | None,
    offset: int,
    shape: object,
    strides: object,
    storages: Mapping[str, Extent],
) -> Layout:
    match storage:
        case Made(maker, (identity,)) if maker is PERSISTENT:
            key, stored, count = storage_type(identity)
        case _:
            raise Refusal("has a damaged pickle: a tensor without a storage")
    if not sensible(offset):
        raise Refusal("has a damaged pickle: a tensor with an impossible offset")
    if key not in storages:
        raise Refusal(f"is damaged: its storage {quoted(key)} is missing")
    extent = storages[key]
    if count * stored.itemsize != extent.size:
        raise Refusal(
            f"is damaged: its storage {quoted(key)} should have "
            f"{count * stored.itemsize} bytes, but has {extent.size}"
        )
    return Layout(extent, dtype or stored, _numbers(shape), _numbers(strides), offset)


def _numbers(note: object) -> tuple[int, ...]:
    """Return the numbers of a tuple, or of what older versions write for it."""
    match note:
        case Made(Name("torch", "Size"), (tuple() | list() as numbers,)):
            return _numbers(tuple(numbers))
        case tuple() if sensible(*note):
            return note
        case _:
            raise Refusal("has a damaged pickle: a tensor of an impossible shape")
