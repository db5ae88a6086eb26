"""How far an image is from a reference, window by window.

References
----------
.. [1] Z. Wang et al., "Image quality assessment: from error visibility to structural
   similarity", IEEE Trans. Image Process. 13 (2004).
"""

from typing import Literal

import numpy as np
from scipy.ndimage import minimum_filter
from skimage.metrics import structural_similarity

from w2s_cli.errors import InputError, UsageError
from w2s_cli.metrics.checks import (
    FloatImage,
    Image,
    Mask,
    check_range,
    paired,
    size,
)

Window = Literal["gaussian", "uniform"]
Covariance = Literal["population", "sample"]

_TRUNCATE = 3.5  # standard deviations that scikit-image's window reaches


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
    first, second = paired(reference, image, valid)
    _check_size(first, 2 * reach + 1)
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


def _check_size(image: FloatImage, side: int) -> None:
    if image.ndim != 2 or min(image.shape) < side:
        raise InputError(
            f"the image is {size(image)} pixels, smaller than the window of SSIM, "
            f"{side} x {side}"
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
