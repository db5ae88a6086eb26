"""How far an image is from a reference, window by window.

References
----------
.. [1] Z. Wang et al., "Image quality assessment: from error visibility to structural
   similarity", IEEE Trans. Image Process. 13 (2004).
"""

from typing import Literal

import numpy as np
from scipy.ndimage import gaussian_filter, minimum_filter
from skimage.metrics import structural_similarity

from w2s_cli.errors import InputError, UsageError
from w2s_cli.metrics.input_checks import (
    FloatImage,
    Image,
    Mask,
    check_range,
    checked_pair,
    size,
)

Window = Literal["gaussian", "uniform"]
Covariance = Literal["population", "sample"]

_TRUNCATE = 3.5  # standard deviations that scikit-image's window reaches
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # [1]_, Sec. 3.2
_SIGMA, _REACH = 1.5, 5
_LEAST = (2 * _REACH + 1) * 2 ** (len(WEIGHTS) - 1)
_K1, _K2 = 0.01, 0.03


def ssim(
    reference: Image,
    image: Image,
    *,
    data_range: float,
    window: Window = "gaussian",
    sigma: float = 1.5,
    side: int = 7,
    covariance: Covariance | None = None,
    border: int | None = None,
    valid: Mask | None = None,
) -> float:
    """Return the mean structural similarity ([1]_, Eq. 13), computed by scikit-image.

    As given, it is that of the paper: a Gaussian window of standard deviation 1.5,
    variances of the population, and no window that reaches beyond the image.
    scikit-image's own default is `window="uniform"`.

    Parameters
    ----------
    reference, image
        (Y, X), of any real dtype.
    data_range
        Difference of white and black, in their units.
    window, sigma, side
        "gaussian", of standard deviation `sigma` pixels, and reaching 3.5 of them; or
        "uniform", of an odd number of pixels along each side.
    covariance
        Of the "population", or of the "sample", which divides by one pixel less; None
        for the first in a Gaussian window, the second in a uniform one.
    border
        Pixels at each edge that are left out of the mean; None for those whose window
        reaches beyond the image, which is mirrored there.
    valid
        The mean is over pixels all of whose window is valid; None for all.

    Raises
    ------
    UsageError
        When an option makes no sense.
    InputError
        As `paired`, or when the image is smaller than a window, or no window counts.
    """
    reach = _reach(window, sigma, side)
    check_range(data_range)
    first, second = checked_pair(reference, image, valid)
    if first.ndim != 2 or min(first.shape) < 2 * reach + 1:
        raise InputError(
            f"the image is {size(first)} pixels, smaller than the window of SSIM, "
            f"{2 * reach + 1} x {2 * reach + 1}"
        )
    gaussian = window == "gaussian"
    _, similarity = structural_similarity(
        first,
        second,
        data_range=data_range,
        gaussian_weights=gaussian,
        sigma=sigma,
        win_size=None if gaussian else side,
        use_sample_covariance=(covariance == "sample") if covariance else not gaussian,
        full=True,
    )
    counted = _counted(first, reach if border is None else border, reach, valid)
    return float(similarity[counted].mean())


def _reach(window: Window, sigma: float, side: int) -> int:
    """Return how far a window reaches from its middle, in pixels."""
    if window == "gaussian" and sigma > 0:
        return int(_TRUNCATE * sigma + 0.5)
    if window == "uniform" and side >= 3 and side % 2:
        return side // 2
    found = f"{sigma:g}" if window == "gaussian" else str(side)
    raise UsageError(
        f"SSIM has no {window!r} window of {found}",
        hint="it is gaussian, of a sigma above 0, or uniform, of an odd side from 3",
    )


def _counted(image: FloatImage, border: int, reach: int, valid: Mask | None) -> Mask:
    """Return the pixels whose similarity enters the mean."""
    counted = np.zeros(image.shape, bool)
    height, width = image.shape
    counted[border : height - border, border : width - border] = True
    if valid is not None:
        # Mirrored at the edges, as the image is
        counted &= minimum_filter(valid, 2 * reach + 1, mode="reflect")
    if not counted.any():
        raise InputError(
            f"no window of {2 * reach + 1} x {2 * reach + 1} pixels is valid",
            hint="the mask, or the border, leaves too little",
        )
    return counted


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
    first, second = checked_pair(reference, image)
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
