"""How far an image is from a reference, pixel by pixel and window by window."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

Image = NDArray[Any]  # (Y, X), any real dtype


def rmse(reference: Image, image: Image) -> float:
    """Return the root of the mean squared difference, in the images' own units."""
    difference = np.asarray(reference, np.float64) - image
    return float(np.sqrt(np.mean(difference**2)))


def psnr(reference: Image, image: Image, *, data_range: float) -> float:
    """Return the peak signal-to-noise ratio in dB, for a peak of `data_range`."""
    return float(20 * np.log10(data_range / rmse(reference, image)))


def ssim(reference: Image, image: Image, *, data_range: float) -> float:
    """Return the mean structural similarity.

    The window is a Gaussian of standard deviation 1.5 and the variances are those of
    the population, as in [1]_, Sec. III-C.

    References
    ----------
    .. [1] Z. Wang et al., "Image quality assessment: from error visibility to
       structural similarity", IEEE Trans. Image Process. 13 (2004).
    """
    return float(
        structural_similarity(
            np.asarray(reference, np.float64),
            np.asarray(image, np.float64),
            data_range=data_range,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def fitted(reference: Image, image: Image) -> NDArray[np.float64]:
    """Return `a * image + b` with the least squared difference from the reference.

    Two instruments agree on structure, not on gain and offset: without the fit a score
    would compare their cameras.
    """
    pixels = np.asarray(image, np.float64)
    target = np.asarray(reference, np.float64)
    spread = pixels - pixels.mean()
    slope = (spread * target).sum() / max((spread**2).sum(), 1e-300)
    return np.asarray(slope * spread + target.mean())
