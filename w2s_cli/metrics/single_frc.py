"""Fourier ring correlation of one image, split into alternate pixels ([1]_).

The split needs to know nothing of the camera, but sees no detail below 4 pixels, and
takes what is finer for coarse. The figure is that of the image as it is: the 1/7
threshold is meant for halves.

It must not be trusted where the noise of neighbouring pixels is correlated: after any
denoiser, deconvolution, network, resizing or JPEG. For such images compare two
exposures, each restored alone, and mind that even then a network may draw the same
pattern twice.

References
----------
.. [1] S. Koho et al., "Fourier ring correlation simplifies image restoration in
   fluorescence microscopy", Nature Commun. 10 (2019).
"""

import numpy as np

from w2s_cli.metrics.checks import Image, plane
from w2s_cli.metrics.frc import LEAST, RingCorrelation, Threshold, rings


def single_frc(image: Image, *, threshold: Threshold = "1/7") -> float:
    """Return the resolution of one image in pixels, from alternate pixels: 4 at best.

    Parameters
    ----------
    image
        (Y, X), 64 x 64 pixels or more, as the camera took it: see the module.
    threshold
        See `RingCorrelation.threshold`.

    Raises
    ------
    UsageError
        When there is no such threshold.
    InputError
        When the image is too small, constant or not finite.
    """
    return checkerboard(image).resolution(threshold)


def checkerboard(image: Image) -> RingCorrelation:
    """Return the mean correlation of the two diagonal pairs of every 2 x 2 pixels.

    The pixels of a pair lie one pixel apart along Y and along X; the spectrum of one is
    turned by that much. An image of a quarter of the pixels has a quarter of the signal
    power for its noise, a half of the photons has a half: a correlation r becomes
    2 r / (1 + r), with the noise of half as many pixels. ([1]_ leaves the shift in, and
    corrects the frequency by a curve fitted to images instead.)

    Raises
    ------
    InputError
        As `single_frc`.
    """
    pixels = plane(image, "the image", 2 * LEAST)
    height, width = (side // 2 * 2 for side in pixels.shape)
    cells = pixels[:height, :width].reshape(height // 2, 2, width // 2, 2)
    falling = rings(cells[:, 0, :, 0], cells[:, 1, :, 1], (0.5, 0.5))
    rising = rings(cells[:, 0, :, 1], cells[:, 1, :, 0], (0.5, -0.5))
    # Far below 0 there is noise alone, and the formula has a pole
    shared = np.maximum((falling.correlation + rising.correlation) / 2, -0.5)
    return RingCorrelation(
        falling.frequency / 2, 2 * shared / (1 + shared), falling.count // 2
    )
