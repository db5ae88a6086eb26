"""What JPEG leaves of an image.

It is Pillow's, of an 8-bit gray image in memory; the published code has a
differentiable imitation, in floats and of colours.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from w2s_cli.training.second_order.noise import WHITE, gray_levels
from w2s_cli.training.tables.second_order import Stage

FloatArray = NDArray[np.float32]


def drawn(image: FloatArray, stage: Stage, rng: np.random.Generator) -> FloatArray:
    """Return the (Y, X) `image` after JPEG at a random quality of a stage."""
    return compressed(image, round(rng.uniform(*stage.jpeg)))


def compressed(image: FloatArray, quality: int) -> FloatArray:
    """Return the (Y, X) `image`, in [0, 1], after JPEG at a quality from 1 to 100."""
    file = io.BytesIO()
    Image.fromarray(gray_levels(image)).save(file, "JPEG", quality=quality)
    with Image.open(file, formats=["JPEG"]) as read:
        return np.asarray(read, np.float32) / np.float32(WHITE)
