"""How far an image is from a reference, pixel by pixel.

All take two images of one shape and any real dtype, and compute in float64. Where a
mask `valid` is given, the other pixels do not count and may be NaN. All raise an
InputError when shapes differ, a pixel that counts is no number, or none counts.
"""

from math import inf
from typing import Literal

import numpy as np

from w2s_cli._typing import DoubleArray
from w2s_cli.errors import InputError, UsageError
from w2s_cli.metrics.input_checks import Image, Mask, check_range, scored_pixels

Normalisation = Literal["euclidean", "min-max", "mean"]


def rmse(reference: Image, image: Image, *, valid: Mask | None = None) -> float:
    """Return the root of the mean squared difference, in the images' own units."""
    first, second = scored_pixels(reference, image, valid)
    return float(np.sqrt(np.mean((first - second) ** 2)))


def nrmse(
    reference: Image,
    image: Image,
    *,
    normalisation: Normalisation = "euclidean",
    valid: Mask | None = None,
) -> float:
    """Return the RMSE over a size of the reference, as scikit-image names them.

    Parameters
    ----------
    reference, image
        Of one shape.
    normalisation
        "euclidean": the root of the reference's mean square; "min-max": its range;
        "mean": its mean. Only the range does not change when an offset is added.
    valid
        The pixels that count; None for all.

    Raises
    ------
    UsageError
        When there is no such normalisation.
    InputError
        When the reference has no such size above 0.
    """
    pixels, _ = scored_pixels(reference, image, valid)
    match normalisation:
        case "euclidean":
            extent = np.sqrt(np.mean(pixels**2))
        case "min-max":
            extent = np.ptp(pixels)
        case "mean":
            extent = pixels.mean()
        case _:
            raise UsageError(
                f"no RMSE is normalised by {normalisation!r}",
                hint="known: euclidean, min-max, mean",
            )
    if extent <= 0:
        raise InputError(
            f"the reference has a {normalisation} size of {extent:g}, and an RMSE is "
            "normalised by one above 0",
            hint="take the RMSE, or another normalisation",
        )
    return float(rmse(reference, image, valid=valid) / extent)


def psnr(
    reference: Image, image: Image, *, data_range: float, valid: Mask | None = None
) -> float:
    """Return the peak signal-to-noise ratio in dB, for a peak of `data_range`.

    Infinite for images that are the same.

    Raises
    ------
    UsageError
        When the range is not above 0.
    """
    check_range(data_range)
    error = rmse(reference, image, valid=valid)
    return float(20 * np.log10(data_range / error)) if error else inf


def scale_invariant_psnr(
    reference: Image,
    image: Image,
    *,
    low: float = 0.1,
    high: float = 99.9,
    valid: Mask | None = None,
) -> float:
    """Return the PSNR in dB as CARE has it ([1]_, Online Methods).

    The reference is normalised by its percentiles, and the image given the gain and
    offset of least squared difference from it: the peak is therefore the distance of
    the percentiles. With `low` 0 and `high` 100 it is the scale-invariant PSNR of
    Noise2Void's and DenoiSeg's authors.

    Parameters
    ----------
    reference, image
        Of one shape.
    low, high
        Percentiles of the reference, 0 to 100.
    valid
        The pixels that count; None for all.

    Raises
    ------
    InputError
        When the percentiles of the reference are the same.

    References
    ----------
    .. [1] M. Weigert et al., "Content-aware image restoration: pushing the limits of
       fluorescence microscopy", Nature Methods 15 (2018).
    """
    if not 0 <= low < high <= 100:
        raise UsageError(
            f"percentiles must rise from 0 to 100, found {low:g}, {high:g}"
        )
    pixels, _ = scored_pixels(reference, image, valid)
    bottom, top = np.percentile(pixels, (low, high))
    if bottom == top:
        raise InputError(
            f"percentiles {low:g} and {high:g} of the reference are both {top:g}",
            hint="a constant reference has no peak",
        )
    matched = fit_to_reference(reference, image, valid=valid)
    return psnr(reference, matched, data_range=float(top - bottom), valid=valid)


def fit_to_reference(
    reference: Image, image: Image, *, valid: Mask | None = None
) -> DoubleArray:
    """Return `a * image + b` with the least squared difference from the reference.

    Two instruments agree on structure, not on gain and offset: without the fit a score
    would compare their cameras. Only `valid` pixels are fitted; all are returned.
    """
    gain, offset = fit_gain_offset(*scored_pixels(reference, image, valid))
    return np.asarray(gain * np.asarray(image, np.float64) + offset)


def fit_gain_offset(reference: DoubleArray, image: DoubleArray) -> tuple[float, float]:
    """Return `gain` and `offset` with `gain * image + offset` next to the reference.

    A constant image has a gain of 0.
    """
    middle = reference.mean()
    # The mean of equal numbers is seldom quite that number: a spread of rounding alone
    # would be given any gain.
    if np.ptp(image) == 0:
        return 0.0, float(middle)
    spread = image - image.mean()
    gain = (spread * reference).sum() / (spread**2).sum()
    return float(gain), float(middle - gain * image.mean())
