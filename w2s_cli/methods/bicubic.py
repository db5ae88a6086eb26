"""Bicubic interpolation: what every super-resolution method must beat."""

from dataclasses import dataclass

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.restorers.restorer import Traits

# Keys' cubic convolution [1]_ with a = -1/2, a quarter of a pixel to the left and to
# the right of a sample: an output pixel is half an input pixel wide, and the two grids
# share their corners.
#
# [1] R. Keys, "Cubic convolution interpolation for digital image processing", IEEE
#     Trans. Acoust. Speech Signal Process. 29 (1981).
_LEFT = np.array([-9, 111, 29, -3], np.float32) / 128
_REACH = 2


@dataclass(frozen=True, slots=True)
class Bicubic:
    """Double the sides by cubic convolution."""

    @property
    def traits(self) -> Traits:
        """Return the traits."""
        return Traits(scale=2, margin=_REACH)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the enlarged planes."""
        return _doubled(_doubled(blocks, axis=1), axis=2)


def _doubled(blocks: FloatArray, axis: int) -> FloatArray:
    pad = [(0, 0)] * blocks.ndim
    pad[axis] = (_REACH, _REACH)
    wide = np.moveaxis(np.pad(blocks, pad, mode="symmetric"), axis, -1)
    length = blocks.shape[axis]
    taps = [wide[..., shift : shift + length] for shift in range(2 * _REACH + 1)]
    left = sum(w * tap for w, tap in zip(_LEFT[::-1], taps[:4], strict=True))
    right = sum(w * tap for w, tap in zip(_LEFT, taps[1:], strict=True))
    both = np.stack([left, right], axis=-1).reshape(*wide.shape[:-1], 2 * length)
    return np.moveaxis(both, -1, axis)
