"""How much memory a restoration takes, and what tiles there is room for."""

import os
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from w2s_cli.errors import OutOfMemoryError
from w2s_cli.microscope.plane_sampling import MOST_PLANES, MOST_SIDE
from w2s_cli.pipeline.diagnose import MOST_JUDGED
from w2s_cli.pipeline.prepared_planes import AROUND, CELL
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.fitting import MOST_PIXELS
from w2s_cli.restorers.tiling import SMALLEST_TILE
from w2s_cli.stack import LARGEST_WHOLE, Stack

# Peak resident memory is about that of the program with its libraries, and the larger
# of what it takes to look at planes before, and to restore: the plane in hand before
# and after, the next that is prepared, and what the method works with. Measured on
# Linux with one thread, as `tests/quality/memory_use.py` does.
_PROGRAM, _NOISE_PROGRAM, _TORCH_PROGRAM = 90 << 20, 135 << 20, 460 << 20
# Bytes at most, and bytes a pixel of a plane, of what the heap keeps, of decoding, and
# of chunks of Zarr, several of which are decoded and encoded at a time
_HEAP, _DECODED, _ZARR = (32 << 20, 8), (16 << 20, 4), (80 << 20, 20)
_ZARR_PROGRAM = 12 << 20
# More that the heap keeps now and then where plane follows plane for long
_MANY_PLANES, _MORE_HEAP = 16, (80 << 20, 20)
_HANDED = 3.0  # bytes a pixel of what goes from thread to thread
_BLOCK = 12  # bytes a pixel of what a tile becomes, until it is in the output's type
_CHECK, _CHECK_OUTPUT = 105.0, 8.0  # bytes a pixel of the input, and of the output
_AREAS = 13.0  # bytes a pixel of a plane, or of a cell, with unknown areas
_DEFECTS = 50.0  # the same, where its defects are looked for
_LEVELS, _DIAGNOSIS = 10, 144  # bytes a pixel that is looked at, or that noise is in
_MANY = 1 << 20  # pixels of a block from which on `Traits.memory` has another figure
_ERRORS = 320  # bytes a pixel of a block, to find its standard errors
_FITTED = 4  # bytes a pixel of what is learned from
_ROWS, _MOST_ROWS = 512, 2048  # of the output that are written together
_AGAIN = 256  # decoded rows that are kept for the next
_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")  # of a job or a container
_SHARE = 0.5  # of the machine's memory


def memory_needed(
    stack: Stack,
    chain: Chain,
    tile: int,
    dtype: np.dtype[Any] | None = None,
    *,
    checked: bool = False,
    overlapped: bool = False,
    uncertainty: bool = False,
    repaired: bool = False,
) -> int:
    """Return about how many bytes of memory a stack takes at most.

    `dtype` is that of the output's pixels, float32 where it is not known yet. Whether
    the output is `checked` matters, and whether the next rows are read, and the last
    ones written, while others are restored; so does `uncertainty`, whether standard
    errors are wanted, and whether defects are `repaired`.
    """
    height, width = stack.data.shape[-2:]
    made = (dtype or np.dtype(np.float32)).itemsize + 4 * uncertainty
    pixels = height * width
    program = int(stack.extra.get("kept bytes", 0)) + _up_to(_HEAP, pixels)
    if prod(stack.data.shape[:-2]) > _MANY_PLANES:
        program += _up_to(_MORE_HEAP, pixels)
    measured = chain.needs_noise or uncertainty
    if uncertainty or any(link.traits.device for link in chain.links):
        program += _TORCH_PROGRAM
    else:
        program += _NOISE_PROGRAM if measured else _PROGRAM
    if "Zarr" in stack.extra.get("format", ""):
        program += _ZARR_PROGRAM + _up_to(_ZARR, pixels)
    elif stack.chunk != (1, 1):
        program += _up_to(_DECODED, pixels)
    work = _work(stack, chain, tile)
    if uncertainty:
        work = max(work, _ERRORS * _block(stack, chain, tile))
    reading, preparing, planes, written, ahead = _planes(
        stack, chain, tile, made, repaired=repaired
    )
    if overlapped and (stack.large or len([*islice(stack.indices(), 2)]) > 1):
        restoring = reading + preparing + planes + work + written + ahead
    else:
        restoring = reading + max(preparing, planes + work)
    if checked:
        restoring += pixels * (_CHECK + _CHECK_OUTPUT * chain.traits.scale**2)
    to_restore = program + int(max(restoring, _looking(stack, noise=measured)))
    fit = chain.to_fit.traits.fit if chain.to_fit else None
    if not fit or not fit.steps:
        return to_restore
    learned = min(prod(stack.data.shape) // stack.channel_count, MOST_PIXELS)
    return max(_TORCH_PROGRAM + fit.memory + learned * _FITTED, to_restore)


def _up_to(most: tuple[int, int], pixels: int) -> int:
    """Return so many bytes a pixel, but no more than so many in all."""
    return min(most[0], most[1] * pixels)


def _work(stack: Stack, chain: Chain, tile: int, *, device: bool = False) -> int:
    """Return what the methods, or those on a device, work with beside a block."""
    enlarged, most = 1, 0
    for link in chain.links:
        traits = link.traits
        pixels = _block(stack, chain, tile) * enlarged**2
        few, many = traits.memory
        work = few * min(pixels, _MANY) + many * max(pixels - _MANY, 0)
        if not device or traits.device not in (None, "cpu"):
            most = max(most, work)
        enlarged *= traits.scale
    return most


def _block(stack: Stack, chain: Chain, tile: int) -> int:
    """Return the pixels of a tile with those around it."""
    traits = chain.traits
    side = max(stack.data.shape[-2:]) if traits.whole else tile + 2 * traits.margin
    return prod(min(side, one) for one in stack.data.shape[-2:])


def _looking(stack: Stack, *, noise: bool) -> float:
    """Return what it takes to look at some planes, or parts of them, before."""
    size, stored = prod(stack.data.shape[-2:]), stack.data.dtype.itemsize
    most = MOST_JUDGED if noise else MOST_PLANES
    planes = prod(stack.data.shape[:-2]) // stack.channel_count
    count = most if stack.large else min(planes, most)
    looked = min(size, (MOST_SIDE if count <= MOST_PLANES else MOST_SIDE // 2) ** 2)
    more = _DIAGNOSIS * min(size, _MANY) if noise else _LEVELS * looked
    return count * looked * (stored + 1) + more


def _planes(
    stack: Stack, chain: Chain, tile: int, made: int, *, repaired: bool
) -> tuple[float, float, float, float, float]:
    """Return what it takes to read, prepare, hold and write a plane, or parts of it.

    The last is what is held more where the next is read ahead. What is read of a plane
    that is not large is held as long as it is prepared.
    """
    height, width = stack.data.shape[-2:]
    traits, stored = chain.traits, stack.data.dtype.itemsize
    in_file = np.dtype(stack.extra.get("stored dtype", stack.data.dtype)).itemsize
    rows = height if traits.whole else min(tile, height)
    around = height if traits.whole else min(tile + 2 * traits.margin, height)
    enlarged = traits.scale**2
    small = height * width * enlarged <= LARGEST_WHOLE
    across = width * traits.scale
    together = min(_MOST_ROWS * across, max(LARGEST_WHOLE, _ROWS * across))
    written = (height * width * enlarged if small else together) * made
    band = _BLOCK * _block(stack, chain, tile) * enlarged
    if rows < height:  # else it is what is written
        band += rows * width * enlarged * made
    counts = 4 if chain.needs_noise else stored  # repaired defects are fractions
    looked = _DEFECTS if repaired else _AREAS
    if not stack.large:
        preparing = height * width * max(stored + looked, in_file + stored)
        held = height * width * (counts + 1) + band + written
        return 0, preparing, held, written, _HANDED * height * width
    cells = min(CELL, height)
    each = counts + 1 + stored  # the last where it is outside the field
    kept = min(around + 2 * cells, height) * each
    new = (cells + 2 * AROUND) * max(stored, in_file + stored * (in_file > stored))
    reading = _decoded_rows(stack) * stored + kept + new + cells * each
    preparing = (looked + 4) * (CELL + 2 * AROUND) ** 2 + written
    ready = width * (around * counts + rows * (1 + stored))
    return width * reading, preparing, ready + band + written, written, ready


def _decoded_rows(stack: Stack) -> int:
    """Return how many rows of a large plane the reader holds."""
    height = stack.data.shape[-2]
    if stack.chunk is None:
        return 2 * height
    return 0 if stack.chunk == (1, 1) else min(stack.chunk[0] + _AGAIN, height)


def fitting_tile(
    spec: RestoreSpec,
    stack: Stack,
    chain: Chain,
    dtype: np.dtype[Any] | None = None,
    *,
    repaired: bool = False,
) -> int:
    """Return the side of a tile, halved until the forecast fits.

    That is, into the memory that a user allows, or else half of the machine's: the
    system may end a program that takes more, before it can ask for less.

    Raises
    ------
    OutOfMemoryError
        When it takes more than is allowed, with any tile.
    """
    tile = _fitting_device(spec, stack, chain)

    def needed(side: int) -> int:
        return memory_needed(
            *(stack, chain, side, dtype),
            checked=spec.check,
            uncertainty=spec.uncertainty,
            repaired=repaired,
        )

    if spec.max_memory is None:
        room = _room(chain)
        if room is None or chain.traits.whole:
            return tile
        if needed(SMALLEST_TILE) >= room:
            return tile
    else:
        room = spec.max_memory
    while tile // 2 >= SMALLEST_TILE and needed(tile) > room:
        tile //= 2
    if spec.max_memory is not None and needed(tile) > room:
        raise OutOfMemoryError(
            f"it takes about {_size(needed(tile))} of memory, and --max-memory allows "
            f"{_size(room)}",
            hint=_remedy(spec, stack, chain, needed(tile)),
        )
    return tile


def _room(chain: Chain) -> int | None:
    """Return the bytes that may be taken where a user says nothing; None for any."""
    memory = machine_memory()
    on_cpu = all(link.traits.device in (None, "cpu") for link in chain.links)
    return int(_SHARE * memory) if memory and on_cpu else None


def overlaps(
    spec: RestoreSpec,
    stack: Stack,
    chain: Chain,
    tile: int,
    dtype: np.dtype[Any],
    *,
    repaired: bool = False,
) -> bool:
    """Return whether there is room to read, restore and write at the same time."""
    room = spec.max_memory or _room(chain)
    needed = memory_needed(
        *(stack, chain, tile, dtype),
        checked=spec.check,
        overlapped=True,
        uncertainty=spec.uncertainty,
        repaired=repaired,
    )
    return room is None or needed <= room


def _fitting_device(spec: RestoreSpec, stack: Stack, chain: Chain) -> int:
    """Return the side of a tile that fits into the memory of a GPU."""
    tile, room = spec.tile, spec.gpu_memory
    while (
        room is not None
        and tile // 2 >= SMALLEST_TILE
        and _work(stack, chain, tile, device=True) > room
    ):
        tile //= 2
    needed = _work(stack, chain, tile, device=True)
    if room is not None and needed > room:
        raise OutOfMemoryError(
            f"a tile takes about {_size(needed)} of the GPU's memory, and "
            f"--gpu-memory allows {_size(room)}",
            hint="allow more, or use --device cpu",
        )
    return tile


def _remedy(spec: RestoreSpec, stack: Stack, chain: Chain, needed: int) -> str:
    """Return what to do where a plane takes more memory than is allowed."""
    more = f"--max-memory {-(-needed // (1 << 20))}M"
    if spec.check and memory_needed(stack, chain, SMALLEST_TILE) < needed // 2:
        return f"--check takes whole planes: leave it out, or {more}"
    if chain.traits.whole:
        return f"{spec.method} takes whole planes: another method does not, or {more}"
    if stack.large and 2 * _decoded_rows(stack) >= stack.data.shape[-2]:
        return (
            f"this file can only be read as a whole: save it as a TIFF of tiles or "
            f"strips, or {more}"
        )
    return f"{more}, or cut the image into pieces"


def _size(count: int) -> str:
    """Return bytes as they are typed, rounded up to whole megabytes."""
    return f"{-(-count // (1 << 20))}M"


@lru_cache(maxsize=1)
def machine_memory() -> int | None:
    """Return the bytes of main memory that this process may have; None if unknown."""
    known = []
    with suppress(AttributeError, ValueError, OSError):
        known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for name in _LIMITS:
        with suppress(ValueError, OSError):
            known.append(int(Path("/sys/fs/cgroup", name).read_text()))
    return min(known, default=None)
