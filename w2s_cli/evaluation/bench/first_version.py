"""How the first version of the W2S tables restored its 8-bit images.

A denoised image was saved as whole grays before it was enlarged. Networks that enlarge
saw overlapping tiles without context beyond them, and later tiles were pasted over the
earlier ones, less their first pixels. So figures of that version have seams in them,
and the same network without tiles scores otherwise.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from w2s_cli.restore import Chain
from w2s_cli.restore.tiling import restore_plane

FloatArray = NDArray[np.float32]

TILE, STRIDE = 128, 64  # pixels of the input
SKIPPED = 32  # of them at the top and left of a tile that is not at the image's edge
WHITE = np.float32(255)


def restored(plane: FloatArray, chain: Chain) -> FloatArray:
    """Return what methods make of one image.

    Parameters
    ----------
    plane
        (Y, X), from 0 to 255.
    chain
        Methods that take and give such grays.

    Returns
    -------
    FloatArray
        (Y * scale, X * scale), clipped to 0 and 255.
    """
    first, then = _divided(chain)
    if first.links:
        plane = restore_plane(plane, first, tile=max(plane.shape)).clip(0, WHITE)
    if not then.links:
        return plane
    return _assembled(np.floor(plane) if first.links else plane, then)


def _divided(chain: Chain) -> tuple[Chain, Chain]:
    """Return the methods before the first that enlarges, and those from it on."""
    larger = [link.traits.scale > 1 for link in chain.links]
    at = larger.index(True) if any(larger) else len(larger)
    return Chain(chain.links[:at]), Chain(chain.links[at:])


def _assembled(plane: FloatArray, chain: Chain) -> FloatArray:
    scale = chain.traits.scale
    height, width = plane.shape
    output = np.empty((height * scale, width * scale), np.float32)
    for (y, top), (x, left) in product(_tiles(height), _tiles(width)):
        result = restore_plane(plane[y, x], chain, tile=TILE).clip(0, WHITE)
        place = np.s_[
            (y.start + top) * scale : y.stop * scale,
            (x.start + left) * scale : x.stop * scale,
        ]
        output[place] = result[top * scale :, left * scale :]
    return output


def _tiles(length: int) -> Iterator[tuple[slice, int]]:
    """Yield the tiles of an axis, and how many of their pixels are left out."""
    for start in range(0, length, STRIDE):
        yield slice(start, min(start + TILE, length)), SKIPPED if start else 0
