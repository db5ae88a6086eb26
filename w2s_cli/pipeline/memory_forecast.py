"""How much memory a restoration takes."""

from math import prod

from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.fitting import MOST_PIXELS
from w2s_cli.stack import Stack

# Peak resident memory is about that of the program with its libraries, plus a few
# copies of the plane in hand, before and after, plus what a method works with: so
# many bytes a pixel of a tile with its margin: an input pixel where the method was
# trained, else an output pixel. Measured, and rounded up.
_PROGRAM = 100 << 20
_PLANE = 14
_TRAINED_PROGRAM = 300 << 20
_TRAINED_WORK = 1536  # in fp32; half of it or more in bf16
_WORK = 64
_FITTED = 4  # bytes a pixel of what is learned from


def memory_needed(stack: Stack, chain: Chain, tile: int) -> int:
    """Return about how many bytes of memory a stack takes at most."""
    traits = chain.traits
    height, width = stack.data.shape[-2:]
    trained = any(link.traits.trained for link in chain.links)
    planes = height * width * (1 + traits.scale**2) * _PLANE
    sides = [
        side if traits.whole else min(side, tile + 2 * traits.margin)
        for side in (height, width)
    ]
    each = _TRAINED_WORK if trained else _WORK * traits.scale**2
    work = sides[0] * sides[1] * each
    to_restore = (_TRAINED_PROGRAM if trained else _PROGRAM) + planes + work
    fit = chain.to_fit.traits.fit if chain.to_fit else None
    if not fit or not fit.steps:
        return to_restore
    pixels = min(prod(stack.data.shape) // stack.channel_count, MOST_PIXELS)
    return max(_TRAINED_PROGRAM + fit.memory + pixels * _FITTED, to_restore)
