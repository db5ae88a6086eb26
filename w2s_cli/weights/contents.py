"""Tensors of a weight file that are found, and how they are read or refused."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BufferedReader
from zlib import crc32

import torch
from torch import Tensor

AGAIN = "fetch or copy the weights again"


class Refusal(Exception):
    """What is wrong with a file, in words that follow its name.

    The readers of the containers do not know where their bytes come from;
    `w2s_cli.weights.checkpoint` turns this into a `WeightsError` that names the file.
    """

    def __init__(self, reason: str, *, hint: str = AGAIN) -> None:
        super().__init__(reason)
        self.hint = hint


def quoted(text: object) -> str:
    """Return a name out of a file: on one line, short, without control characters."""
    shown = ascii(text if isinstance(text, str) else type(text).__name__)
    return shown if len(shown) <= 64 else f"{shown[:60]}...{shown[-1]}"


_BLOCK = 1 << 20  # elements that are read at a time
_MAX_AXES, _MAX_LENGTH = 16, 1 << 48


@dataclass(frozen=True, slots=True)
class Extent:
    """A stretch of the file: its first byte, its bytes, their CRC-32 (0: not known)."""

    start: int
    size: int
    crc: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """How a tensor lies in its extent."""

    extent: Extent  # where the elements are
    dtype: torch.dtype  # their type; little-endian
    # Elements along each axis, and from one to the next in memory
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0  # the first element

    @property
    def count(self) -> int:
        """Return the number of elements."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Return the bytes of the elements."""
        return self.count * self.dtype.itemsize

    def fault(self) -> str:
        """Return why there is no such tensor; "" where there is."""
        if len(self.shape) != len(self.strides):
            return f"has {len(self.shape)} axes and {len(self.strides)} strides"
        if math.prod(length or 1 for length in self.shape) >= _MAX_LENGTH:
            return "has more elements than any memory holds"
        there = self.extent.size // self.dtype.itemsize
        reach = self.offset + sum(
            (length - 1) * stride
            for length, stride in zip(self.shape, self.strides, strict=True)
        )
        if self.offset > there or (self.count and reach >= there):
            return f"ends beyond the {there} elements that are stored"
        if self.count > there:
            return f"repeats the {there} elements that are stored"
        return ""


def plausible(*numbers: object) -> bool:
    """Return whether numbers can be the lengths, strides or offset of a tensor."""
    return len(numbers) <= _MAX_AXES and all(
        type(number) is int and 0 <= number < _MAX_LENGTH for number in numbers
    )


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of elements that follow each other, the last axis fastest."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def read_tensors(
    file: BufferedReader, size: int, layouts: Mapping[str, Layout], *, as_float32: bool
) -> dict[str, Tensor]:
    """Return tensors by name, on the CPU; floats turn into float32 while being read.

    `size` is that of the file: tensors that would take much more are refused.
    """
    if not layouts:
        raise Refusal(
            "holds no tensors by name",
            hint="weights are what torch.save(network.state_dict(), FILE) writes",
        )
    for name, layout in layouts.items():
        if not (name and name.isascii() and name.isprintable()):
            raise Refusal(f"holds a tensor called {quoted(name)}, which is no name")
        if fault := layout.fault():
            raise Refusal(f"is damaged: the tensor {quoted(name)} {fault}")
    total = sum(layout.size for layout in layouts.values())
    if total > 2 * size:  # a tensor may stand under two names
        raise Refusal(f"has {size} bytes, but its tensors would take {total}")
    stored: dict[tuple[Extent, torch.dtype], Tensor] = {}
    tensors = {}
    for name, layout in layouts.items():
        place = layout.extent, layout.dtype
        if place not in stored:
            stored[place] = _elements(file, *place, as_float32=as_float32)
        tensors[name] = stored[place].as_strided(
            layout.shape, layout.strides, layout.offset
        )
        if tensors[name].is_floating_point() and tensors[name].numel():
            low, high = tensors[name].aminmax()  # NaN where one of the numbers is
            if not (math.isfinite(low) and math.isfinite(high)):
                raise Refusal(
                    f"holds weights that are not finite, in the tensor {quoted(name)}",
                    hint="the training has diverged: use an earlier checkpoint",
                )
    return tensors


def _elements(
    file: BufferedReader, extent: Extent, dtype: torch.dtype, *, as_float32: bool
) -> Tensor:
    """Return all elements of an extent."""
    wanted = torch.float32 if as_float32 and dtype.is_floating_point else dtype
    elements = torch.empty(extent.size // dtype.itemsize, dtype=wanted)
    # Of a byte that is neither 0 nor 1, torch makes no bool.
    raw = torch.uint8 if dtype is torch.bool else dtype
    crc = 0
    file.seek(extent.start)
    for part in torch.split(elements, _BLOCK):
        block = bytearray(len(part) * dtype.itemsize)
        if file.readinto(block) < len(block):
            raise Refusal("is cut short")
        crc = crc32(block, crc)
        if block:
            part.copy_(torch.frombuffer(block, dtype=raw))
    if extent.crc not in (0, crc):
        raise Refusal(
            f"is damaged: the checksum of the bytes at {extent.start} differs"
        )
    return elements


@dataclass(frozen=True, slots=True)
class Contents:
    """What a weight file holds."""

    container: str  # how it is packed
    layouts: Mapping[str, Layout]  # where the tensors are, by name
    wrapper: str = ""  # what the training script had put around them
    metadata: Mapping[str, str] = field(default_factory=dict)  # text by key
