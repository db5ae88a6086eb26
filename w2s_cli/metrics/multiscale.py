"""Structural similarity on several scales."""

import numpy as np
from scipy.ndimage import gaussian_filter

from w2s_cli.errors import InputError
from w2s_cli.metrics.checks import FloatImage, Image, check_range, paired, size

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # [1]_, Sec. 3.2
_SIGMA, _REACH = 1.5, 5
_LEAST = (2 * _REACH + 1) * 2 ** (len(WEIGHTS) - 1)
_K1, _K2 = 0.01, 0.03


def ms_ssim(reference: Image, image: Image, *, data_range: float) -> float:
    """Return the multi-scale structural similarity ([1]_, Eq. 7).

    The windows are Gaussians of standard deviation 1.5 over 11 x 11 pixels, all inside
    the image; each scale has the means of 2 x 2 pixels of the one before, and loses an
    odd row or column. As in the authors' code, luminance is averaged together with the
    rest of the last scale. A mean contrast below 0 counts as 0: it has no root.

    Parameters
    ----------
    reference, image
        (Y, X), 176 x 176 pixels or more, of any real dtype.
    data_range
        Difference of white and black, in their units.

    Raises
    ------
    UsageError
        When the range is not above 0.
    InputError
        When the shapes differ, the images are too small for five scales, or a pixel is
        no number.

    References
    ----------
    .. [1] Z. Wang, E. P. Simoncelli and A. C. Bovik, "Multi-scale structural
       similarity for image quality assessment", Asilomar Conf. (2003).
    """
    check_range(data_range)
    first, second = paired(reference, image)
    if first.ndim != 2 or min(first.shape) < _LEAST:
        raise InputError(
            f"MS-SSIM takes images of {_LEAST} x {_LEAST} pixels or more, found "
            f"{size(first)}",
            hint="take SSIM",
        )
    score = 1.0
    for weight in WEIGHTS[:-1]:
        _, contrast = _similarity(first, second, data_range)
        score *= max(contrast.mean(), 0.0) ** weight
        first, second = _halved(first), _halved(second)
    luminance, contrast = _similarity(first, second, data_range)
    return float(score * max((luminance * contrast).mean(), 0.0) ** WEIGHTS[-1])


def _similarity(
    first: FloatImage, second: FloatImage, data_range: float
) -> tuple[FloatImage, FloatImage]:
    """Return the likeness in luminance, and that in contrast and structure."""
    low, high = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    mean, other = _local(first), _local(second)
    variances = _local(first**2) + _local(second**2) - mean**2 - other**2
    covariance = _local(first * second) - mean * other
    luminance = (2 * mean * other + low) / (mean**2 + other**2 + low)
    return luminance, (2 * covariance + high) / (variances + high)


def _local(image: FloatImage) -> FloatImage:
    """Return weighted means over the windows that lie inside the image."""
    means = gaussian_filter(image, _SIGMA, radius=_REACH)
    return np.asarray(means[_REACH:-_REACH, _REACH:-_REACH])


def _halved(image: FloatImage) -> FloatImage:
    height, width = (side // 2 for side in image.shape)
    cells = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
    return np.asarray(cells.mean((1, 3)))
