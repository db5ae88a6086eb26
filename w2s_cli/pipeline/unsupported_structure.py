"""Structure of an output that its input does not ask for.

The output is compared with a smooth version of itself. Wherever it is brighter than
that, and wherever it is darker, the input is asked which of the two it fits, by a
likelihood-ratio test in a window that slides over the plane: where the structure could
be taken away, and the fit would be no worse than chance allows, the structure is not
supported. That need not mean that it is wrong.
What a method drew after the noise of this very input fits it, and is not found.
"""

from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel

Mask = NDArray[np.bool_]

_SMOOTH = 2.5  # pixels of the input: sd of the blur that takes structure away
_WINDOW = 2.5  # sd of the window, in pixels of the input
_MATTERS = 0.04  # of the range of the output, rms: of a line a quarter of its height
_SUPPORTED = 1.645  # standard deviations, p = .05 on one side
_FEWEST = 12  # pixels of a region


def find_unsupported(
    small: FloatArray,
    explained: FloatArray,
    residual: FloatArray,
    spread: FloatArray,
    good: Mask,
    noise: NoiseModel,
) -> tuple[Mask, Mask]:
    """Return where there is structure, and where it is not supported.

    Parameters
    ----------
    small
        The output on the pixels of the input, (Y, X).
    explained, residual, spread
        That as the input would show it, what is left of the input, in standard
        deviations of the noise, and these.
    good
        The pixels that count.
    noise
        Of the input.
    """
    dark, bright = np.percentile(small[good], [1, 99.9])
    fine = small - gaussian_filter(small, _SMOOTH)
    shown = np.where(good, explained - gaussian_filter(explained, _SMOOTH), 0) / spread
    structure, unsupported = np.zeros(good.shape, bool), np.zeros(good.shape, bool)
    for sign in (1, -1):
        part = np.maximum(sign * fine, 0)
        contrast = np.sqrt(gaussian_filter(part**2, _WINDOW))
        seen = good & (contrast > _MATTERS * (bright - dark))
        structure |= seen
        shape = sign * np.maximum(sign * shown, 0)
        unsupported |= seen & ~_supported(residual, shape, noise)
    regions, _ = label(unsupported)
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    return structure, sizes[regions] >= _FEWEST


def _supported(residual: FloatArray, shape: FloatArray, noise: NoiseModel) -> Mask:
    """Return where the input asks for a shape, that is more of it than chance."""
    evidence = gaussian_filter((residual + shape) * shape, _WINDOW)
    power = gaussian_filter(shape**2, _WINDOW / sqrt(2)) * max(noise.shared, 1.0)
    # The square of a window that sums to 1 sums to this.
    squares = 1 / (4 * pi * _WINDOW**2)
    return np.asarray(evidence > _SUPPORTED * np.sqrt(squares * power))
