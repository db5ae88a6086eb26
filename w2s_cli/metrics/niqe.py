"""The natural image quality evaluator: how far from sharp, without a reference."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError, UsageError, WeightsError
from w2s_cli.metrics.checks import FloatImage, Image, check_range, plane
from w2s_cli.metrics.natural_scene import BLOCK, FEATURES, Blocks, block_features

_MEAN, _COVARIANCE = "mu_pris_param", "cov_pris_param"
WHITE = 255.0


@dataclass(frozen=True, slots=True, eq=False)
class Pristine:
    """The features of blocks of sharp images, as a Gaussian of many dimensions.

    Attributes
    ----------
    mean
        (36,) float64.
    covariance
        (36, 36) float64.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the model in an .npz: arrays `mu_pris_param` and `cov_pris_param`.

        Raises
        ------
        WeightsError
            When it is missing, or holds no such model.
        """
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
        """Return the model of your own sharp images.

        Only the sharp blocks of each image count (Mittal 2013, Sec. II-B): those with
        more than `sharpness` times the local contrast of its sharpest.

        Parameters
        ----------
        images
            (Y, X) each, of 96 x 96 pixels or more.
        data_range
            Difference of white and black in the images.
        sharpness
            0 for all blocks, towards 1 for fewer.

        Raises
        ------
        UsageError
            When `data_range` or `sharpness` makes no sense.
        InputError
            When an image is too small, constant or not finite, or too few blocks are
            sharp.
        """
        if not 0 <= sharpness < 1:
            raise UsageError(f"sharpness is 0 or more, below 1, found {sharpness:g}")
        found = [_sharp(_blocks(image, data_range, 1), sharpness) for image in images]
        features = np.concatenate(found) if found else np.empty((0, FEATURES))
        if len(features) <= FEATURES:
            raise InputError(
                f"a model of {FEATURES} features takes {FEATURES + 1} sharp blocks of "
                f"{BLOCK} x {BLOCK} pixels or more, found {len(features)}",
                hint="give more images, or larger ones",
            )
        return cls._of(features)

    def distance(self, features: NDArray[np.float64]) -> float:
        """Return how far (B, 36) features are from the model: Eq. 10 of Mittal 2013."""
        other = self._of(features)
        apart = self.mean - other.mean
        pooled = (self.covariance + other.covariance) / 2
        return float(np.sqrt(apart @ np.linalg.pinv(pooled) @ apart))

    @classmethod
    def _of(cls, features: NDArray[np.float64]) -> Self:
        return cls(features.mean(0), np.cov(features, rowvar=False))


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
    pixels = plane(image, "an image for NIQE", BLOCK)
    found = block_features(_grays(pixels, data_range))
    whole = np.asarray(np.isfinite(found.features).all(1))
    if whole.sum() < least:
        raise InputError(
            f"NIQE takes {least} blocks of {BLOCK} x {BLOCK} pixels with contrast or "
            f"more, found {whole.sum()} of {len(whole)}",
            hint="the image is too small or too flat, or data_range is not its own",
        )
    return Blocks(found.features[whole], found.sharpness[whole])


def _grays(pixels: FloatImage, data_range: float) -> FloatImage:
    return np.rint(pixels * (WHITE / data_range))


def _sharp(blocks: Blocks, sharpness: float) -> NDArray[np.float64]:
    least = sharpness * blocks.sharpness.max()
    return np.asarray(blocks.features[blocks.sharpness > least])
