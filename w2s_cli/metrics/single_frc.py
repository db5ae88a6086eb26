"""Fourier ring correlation of one image, split into two with noise of their own.

Two ways to split. `checkerboard` takes alternate pixels ([1]_): it needs to know
nothing, but sees no detail below 4 pixels, and takes what is finer for coarse.
`thinned` deals each photon to one of two images by the toss of a coin ([2]_): it keeps
every pixel, but needs the camera's gain, offset and read noise. Both figures are those
of the image as it is: the 1/7 threshold is meant for halves.

Neither must be trusted where the noise of neighbouring pixels is correlated: after any
denoiser, deconvolution, network, resizing or JPEG; nor, for `thinned`, where the counts
are no longer those of the camera. For such images compare two exposures, each restored
alone, and mind that even then a network may draw the same pattern twice.

References
----------
.. [1] S. Koho et al., "Fourier ring correlation simplifies image restoration in
   fluorescence microscopy", Nature Commun. 10 (2019).
.. [2] B. Rieger et al., "Single image Fourier ring correlation", Opt. Express 32
   (2024).
"""

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import UsageError
from w2s_cli.metrics.checks import Image, plane
from w2s_cli.metrics.frc import LEAST, RingCorrelation, Threshold, rings

Counts = NDArray[np.int64]

_ROUNDING = 1 / 12  # variance that rounding to whole photons adds


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


def photon_frc(
    image: Image,
    *,
    gain: float,
    offset: float = 0.0,
    read_noise: float = 0.0,
    seed: int = 0,
    threshold: Threshold = "1/7",
) -> float:
    """Return the resolution of one image in pixels, from a division of its photons.

    Parameters
    ----------
    image
        (Y, X), 32 x 32 pixels or more, in counts as the camera took them.
    gain, offset, read_noise
        Of the camera, in counts, as `w2s estimate-noise` finds them.
    seed
        Of the coins.
    threshold
        See `RingCorrelation.threshold`.

    Raises
    ------
    UsageError
        When there is no such threshold or camera.
    InputError
        When the image is too small, constant or not finite, or has no photons.
    """
    pixels = plane(image, "the image", LEAST)
    halves = thinned(pixels, gain, offset, read_noise, np.random.default_rng(seed))
    first, second = (plane(half, "a half of the photons", LEAST) for half in halves)
    return rings(first, second).resolution(threshold)


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


def thinned(
    image: NDArray[np.floating],
    gain: float,
    offset: float,
    read_noise: float,
    rng: np.random.Generator,
) -> tuple[Counts, Counts]:
    """Deal the photons of each pixel of an image to two images, at random.

    The halves of a Poisson number are independent. Read noise counts as that many
    photons more, which have the same variance; without them it would correlate.

    Raises
    ------
    UsageError
        When there is no such camera.
    """
    if not (0 < gain < np.inf and 0 <= read_noise < np.inf):
        raise UsageError(
            f"no camera has a gain of {gain:g} and a read noise of {read_noise:g}",
            hint="both are in counts, the gain above 0",
        )
    extra = (read_noise / gain) ** 2 + _ROUNDING
    photons = np.rint(np.maximum((image - offset) / gain + extra, 0)).astype(np.int64)
    first = rng.binomial(photons, 0.5)
    return first, photons - first
