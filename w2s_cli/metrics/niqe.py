"""The natural image quality evaluator: how far from sharp, without a reference.

Statistics of blocks of an image that all sharp natural images share ([1]_, Sec. II).

Each pixel is normalised by the mean and the spread around it; what is left of a sharp
image, and the products of its neighbours, follow generalised Gaussians.

References
----------
.. [1] A. Mittal, R. Soundararajan and A. C. Bovik, "Making a 'completely blind' image
   quality analyzer", IEEE Signal Process. Lett. 20 (2013).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self
from zipfile import BadZipFile

import numpy as np
from scipy.ndimage import correlate1d, gaussian_filter
from scipy.special import gamma

from w2s_cli._typing import DoubleArray
from w2s_cli.errors import InputError, UsageError, WeightsError
from w2s_cli.metrics.input_checks import Image, check_range, checked_image

BLOCK = 96  # pixels along the side of a block on the first scale
FEATURES = 36  # of a block, 18 on each of two scales

_REACH, _SIGMA = 3, 7 / 6  # of the window around a pixel
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
# The shapes that are tried, and the ratio of moments that each has, which rises
_SHAPES = 0.2 + 0.001 * np.arange(9801)
_RATIOS = gamma(2 / _SHAPES) ** 2 / (gamma(1 / _SHAPES) * gamma(3 / _SHAPES))
_BETWEEN = (_RATIOS[1:] + _RATIOS[:-1]) / 2
_MEAN, _COVARIANCE = "mu_pris_param", "cov_pris_param"
WHITE = 255.0


class Asymmetric(NamedTuple):
    """Asymmetric generalised Gaussians, one for each block: (B,) each."""

    shape: DoubleArray
    left: DoubleArray  # scale below 0
    right: DoubleArray  # scale above 0


class Blocks(NamedTuple):
    """What was found in the blocks of an image; NaN where a block holds nothing."""

    features: DoubleArray  # (B, 36)
    sharpness: DoubleArray  # (B,), the mean spread around a pixel


def block_features(image: DoubleArray) -> Blocks:
    """Return the features of all whole blocks of an image.

    Black is about 0 and white about 255: the normalisation adds 1 to a spread.
    """
    height, width = (side // BLOCK * BLOCK for side in image.shape)
    fine = image[:height, :width]
    scales, sharpness = [], []
    for part, side in ((fine, BLOCK), (halved(fine), BLOCK // 2)):
        normalised, spread = contrast_normalised(part)
        scales.append(_features(_cut(normalised, side)))
        sharpness.append(_cut(spread, side).mean((1, 2)))
    return Blocks(np.concatenate(scales, axis=1), sharpness[0])


def contrast_normalised(image: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Return `(image - mean) / (spread + 1)`, and the spread, around each pixel."""
    mean, square = (
        np.asarray(gaussian_filter(one, _SIGMA, mode="nearest", radius=_REACH))
        for one in (image, image**2)
    )
    spread = np.sqrt(np.abs(square - mean**2))
    return (image - mean) / (spread + 1), spread


def asymmetric_fit(samples: DoubleArray) -> Asymmetric:
    """Fit asymmetric generalised Gaussians to (B, N) samples, by their moments.

    Lasmar et al., "Multiscale skewed heavy tailed model for texture analysis", ICIP
    2009, Sec. 3. NaN where no sample is below 0, or none above.
    """
    squares = samples**2
    with np.errstate(invalid="ignore", divide="ignore"):
        left, right = (
            np.sqrt((squares * side).sum(1) / side.sum(1))
            for side in (samples < 0, samples > 0)
        )
        lopsided = left / right
        moments = np.abs(samples).mean(1) ** 2 / squares.mean(1)
        moments *= (lopsided**3 + 1) * (lopsided + 1) / (lopsided**2 + 1) ** 2
    shape = _SHAPES[np.searchsorted(_BETWEEN, moments)]
    shape = np.where(np.isfinite(moments), shape, np.nan)
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return Asymmetric(shape, left * scale, right * scale)


def halved(image: DoubleArray) -> DoubleArray:
    """Return an image of even sides at half the size, as MATLAB's `imresize` does.

    Keys' cubic (a = -1/2), stretched to twice its width so that it passes no more than
    the coarse grid shows; the image is mirrored at its edges.
    """
    far = np.arange(-3.5, 4) / 2
    near = np.abs(far)
    taps = np.where(
        near <= 1,
        1.5 * near**3 - 2.5 * near**2 + 1,
        -0.5 * near**3 + 2.5 * near**2 - 4 * near + 2,
    )
    taps /= taps.sum()
    down = correlate1d(image, taps, 0, mode="reflect", origin=-1)[::2]
    return np.asarray(correlate1d(down, taps, 1, mode="reflect", origin=-1)[:, ::2])


def _cut(image: DoubleArray, side: int) -> DoubleArray:
    """Return the blocks of an image as (B, side, side)."""
    rows, columns = (length // side for length in image.shape)
    blocks = image.reshape(rows, side, columns, side).swapaxes(1, 2)
    return np.asarray(blocks.reshape(-1, side, side))


def _features(blocks: DoubleArray) -> DoubleArray:
    """Return the 18 features of (B, S, S) blocks: of pixels, and of 4 products."""
    flat = (len(blocks), -1)
    shape, left, right = asymmetric_fit(blocks.reshape(flat))
    columns = [shape, (left + right) / 2]
    for shift in _NEIGHBOURS:
        moved = np.roll(blocks, shift, axis=(1, 2))
        shape, left, right = asymmetric_fit((blocks * moved).reshape(flat))
        mean = (right - left) * gamma(2 / shape) / gamma(1 / shape)
        columns += [shape, mean, left, right]
    return np.stack(columns, axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Pristine:
    """The features of blocks of sharp images, as a Gaussian of many dimensions."""

    mean: DoubleArray  # (36,)
    covariance: DoubleArray  # (36, 36)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the model in an .npz: arrays `mu_pris_param` and `cov_pris_param`."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                mean, covariance = arrays[_MEAN].ravel(), arrays[_COVARIANCE]
        except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise WeightsError(
                f"{path}: no model of NIQE: {error}",
                hint=f"it is an .npz of {_MEAN} ({FEATURES}) and {_COVARIANCE} "
                f"({FEATURES} x {FEATURES})",
            ) from error
        shapes = (FEATURES,), (FEATURES, FEATURES)
        if (mean.shape, covariance.shape) != shapes:
            raise WeightsError(
                f"{path}: a model of NIQE has arrays of {shapes[0]} and {shapes[1]}, "
                f"found {mean.shape} and {covariance.shape}"
            )
        return cls(mean.astype(np.float64), covariance.astype(np.float64))

    @classmethod
    def fit(
        cls,
        images: Iterable[Image],
        *,
        data_range: float = WHITE,
        sharpness: float = 0.75,
    ) -> Self:
        """Return the model of your own sharp images, each of 96 x 96 pixels or more.

        Only the sharp blocks of each image count (Mittal 2013, Sec. II-B): those with
        more than `sharpness` times the local contrast of its sharpest.
        """
        if not 0 <= sharpness < 1:
            raise UsageError(f"sharpness is 0 or more, below 1, found {sharpness:g}")
        found = [np.empty((0, FEATURES))]
        for image in images:
            blocks = _blocks(image, data_range, 1)
            least = sharpness * blocks.sharpness.max()
            found.append(blocks.features[blocks.sharpness > least])
        features = np.concatenate(found)
        if len(features) <= FEATURES:
            raise InputError(
                f"a model of {FEATURES} features takes {FEATURES + 1} sharp blocks of "
                f"{BLOCK} x {BLOCK} pixels or more, found {len(features)}",
                hint="give more images, or larger ones",
            )
        return cls(features.mean(0), np.cov(features, rowvar=False))

    def distance(self, features: DoubleArray) -> float:
        """Return how far (B, 36) features are from the model: Eq. 10 of Mittal 2013."""
        apart = self.mean - features.mean(0)
        pooled = (self.covariance + np.cov(features, rowvar=False)) / 2
        return float(np.sqrt(apart @ np.linalg.pinv(pooled) @ apart))


def niqe(image: Image, pristine: Pristine, *, data_range: float = WHITE) -> float:
    """Return how far an image is from sharp natural images ([1]_): lower is better.

    Blocks of 96 x 96 pixels, 18 features on each of two scales, as the authors' code
    and BasicSR compute it. Blocks that hold nothing, such as a background of zeros, are
    left out.

    The published model is of photographs: what it calls natural is not what a cell
    looks like. Compare methods on the same images, or fit `Pristine` to sharp images of
    your own.

    Parameters
    ----------
    image
        (Y, X) of two whole blocks or more, black at 0; rounded to 255 steps.
    pristine
        The model of sharp images.
    data_range
        What is white in the image.

    Raises
    ------
    UsageError
        When the range is not above 0.
    InputError
        When the image is too small, constant or not finite, or fewer than two of its
        blocks hold anything.

    References
    ----------
    .. [1] A. Mittal, R. Soundararajan and A. C. Bovik, "Making a 'completely blind'
       image quality analyzer", IEEE Signal Process. Lett. 20 (2013).
    """
    return pristine.distance(_blocks(image, data_range, 2).features)


def _blocks(image: Image, data_range: float, least: int) -> Blocks:
    """Return the blocks of an image that hold something, `least` or more of them."""
    check_range(data_range)
    pixels = checked_image(image, "an image for NIQE", BLOCK)
    found = block_features(np.rint(pixels * (WHITE / data_range)))
    whole = np.asarray(np.isfinite(found.features).all(1))
    if whole.sum() < least:
        raise InputError(
            f"NIQE takes {least} blocks of {BLOCK} x {BLOCK} pixels with contrast or "
            f"more, found {whole.sum()} of {len(whole)}",
            hint="the image is too small or too flat, or data_range is not its own",
        )
    return Blocks(found.features[whole], found.sharpness[whole])
