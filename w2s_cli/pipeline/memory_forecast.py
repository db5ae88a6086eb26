"""How much memory a restoration takes, and what tiles the machine has room for."""

import os
from contextlib import suppress
from functools import lru_cache
from math import prod
from pathlib import Path

from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.fitting import MOST_PIXELS
from w2s_cli.restorers.tiling import SMALLEST_TILE
from w2s_cli.stack import Stack

# Peak resident memory is about that of the program with its libraries, the plane in
# hand before and after, and what the method works with. Measured on Linux with one
# thread; less is needed than the forecast says, by up to a quarter.
_PROGRAM = 299 << 20
_TRAINED_PROGRAM = 379 << 20  # oneDNN keeps the weights in an order of its own
_INPUT, _OUTPUT = 5.0, 8.5  # bytes a pixel of the plane in hand
_DIAGNOSIS = 144  # bytes a pixel of the planes that the noise is estimated from
_MANY = 1 << 20  # pixels of a block from which on `Traits.memory` has another figure
_FITTING_PROGRAM = 300 << 20
_FITTED = 4  # bytes a pixel of what is learned from
_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")  # of a job or a container
_SHARE = 0.5  # of the machine's memory


def memory_needed(stack: Stack, chain: Chain, tile: int) -> int:
    """Return about how many bytes of memory a stack takes at most."""
    height, width = stack.data.shape[-2:]
    scale = chain.traits.scale
    planes = height * width * (_INPUT + _OUTPUT * scale**2)
    enlarged, most = 1, 0
    for link in chain.links:
        traits = link.traits
        sides = [
            side if chain.traits.whole else min(side, tile + 2 * chain.traits.margin)
            for side in (height, width)
        ]
        pixels = prod(sides) * enlarged**2
        few, many = traits.memory
        work = few * min(pixels, _MANY) + many * max(pixels - _MANY, 0)
        most = max(most, work)
        enlarged *= traits.scale
    trained = any(link.traits.device for link in chain.links)
    program = _TRAINED_PROGRAM if trained else _PROGRAM
    diagnosis = _DIAGNOSIS * min(height * width, _MANY) if chain.needs_noise else 0
    to_restore = program + int(max(planes + most, diagnosis))
    fit = chain.to_fit.traits.fit if chain.to_fit else None
    if not fit or not fit.steps:
        return to_restore
    pixels = min(prod(stack.data.shape) // stack.channel_count, MOST_PIXELS)
    return max(_FITTING_PROGRAM + fit.memory + pixels * _FITTED, to_restore)


def fitting_tile(stack: Stack, chain: Chain, tile: int) -> int:
    """Return the side of a tile, halved until the forecast is half of the memory.

    The system may end a program that takes more, before it can ask for less.
    """
    room = machine_memory()
    on_other_device = any(
        link.traits.device not in (None, "cpu") for link in chain.links
    )
    if room is None or on_other_device or chain.traits.whole:
        return tile
    while tile // 2 >= SMALLEST_TILE and (
        memory_needed(stack, chain, tile)
        > _SHARE * room
        > memory_needed(stack, chain, SMALLEST_TILE)
    ):
        tile //= 2
    return tile


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
