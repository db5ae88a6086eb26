"""The unsharp mask that Real-ESRGAN sharpens truths with [1]_.

References
----------
.. [1] X. Wang et al., "Real-ESRGAN", ICCV Workshops (2021): section 3.4; the numbers
   are those of the published code.
"""

import numpy as np
from numpy.typing import NDArray

from w2s_cli.physics.kernel import Kernel
from w2s_cli.training.second_order.kernels import gaussian
from w2s_cli.training.second_order.noise import WHITE

FloatArray = NDArray[np.float32]

WEIGHT = 0.5
SIDE = 51  # pixels of the Gaussian, which the published code calls its radius
THRESHOLD = 10  # 8-bit gray levels
_SIGMA = 0.3 * ((SIDE - 1) / 2 - 1) + 0.8  # what OpenCV takes for a side
_GAUSSIAN: Kernel = gaussian(np.eye(2) * _SIGMA**2, SIDE)


def sharpened(image: FloatArray) -> FloatArray:
    """Return the (Y, X) `image`, in [0, 1], with its details stronger by a half.

    Details are what a wide Gaussian blur takes away. Where they are fainter than the
    threshold, as noise is, the image stays; the border between is soft.
    """
    details = image - _GAUSSIAN.blur(image)
    strong = (np.abs(details) * WHITE > THRESHOLD).astype(np.float32)
    mask = _GAUSSIAN.blur(strong)
    sharper = np.clip(image + np.float32(WEIGHT) * details, 0, 1)
    return np.asarray(mask * sharper + (1 - mask) * image, np.float32)
