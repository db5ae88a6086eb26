"""How far two images are for a network: LPIPS-like, without learned weights."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import DoubleArray
from w2s_cli.errors import InputError
from w2s_cli.metrics.input_checks import check_finite, size

Layer = NDArray[np.floating]  # (C, Y, X)
_LEAST = 1e-10  # what a length is taken for at least


def feature_distance(reference: Sequence[Layer], image: Sequence[Layer]) -> float:
    """Return the LPIPS-like, unweighted distance of two images by their features.

    At each place of each layer the features are scaled to length 1 over the channels;
    the squared differences are summed over channels, averaged over places, and averaged
    over layers. [1]_, Eq. 1, has a sum over layers and weights learned from people's
    answers; without those weights the figure is no LPIPS and cannot be compared with
    one. [1]_ takes the features after each rectifier.

    Parameters
    ----------
    reference, image
        For each layer (C, Y, X) features, of the same layers of the same network.

    Raises
    ------
    InputError
        When there is no layer, the layers have different shapes, or a feature is no
        number.

    References
    ----------
    .. [1] R. Zhang et al., "The unreasonable effectiveness of deep features as a
       perceptual metric", CVPR (2018).
    """
    if not reference or len(reference) != len(image):
        raise InputError(
            f"the reference has {len(reference)} layers of features, the image "
            f"{len(image)}",
            hint="take both from the same layers of the same network",
        )
    distances = [_apart(*layers) for layers in zip(reference, image, strict=True)]
    return float(np.mean(distances))


def _apart(first: Layer, second: Layer) -> float:
    if first.ndim != 3 or first.shape != second.shape:
        raise InputError(
            f"a layer has {size(first)} features of the reference and {size(second)} "
            "of the image",
            hint="images must be of one size, their features (C, Y, X)",
        )
    difference = _directions(first) - _directions(second)
    return float((difference**2).sum(0).mean())


def _directions(layer: Layer) -> DoubleArray:
    features = np.asarray(layer, np.float64)
    check_finite(features, "a layer of features")
    lengths = np.sqrt((features**2).sum(0))
    return np.asarray(features / np.maximum(lengths, _LEAST))


def frechet_distance(
    reference: NDArray[np.floating], image: NDArray[np.floating]
) -> float:
    """Return the squared Frechet distance of two Gaussians fitted to features.

    `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))` ([1]_, Eq. 6), for the means and the
    sample covariances of both sets. The trace of the root is computed as the sum of the
    singular values of one centred set times the other: the same number, also where the
    covariances are singular, where others add 1e-6 to their diagonals.

    It is the FID only when the features are those of the last pooling of Inception v3
    (2048 numbers an image), which does not ship; with others, say which. It comes out
    too large for few images, and more so with fewer than features: compare only figures
    of the same number of images ([2]_), some thousands where it matters.

    Parameters
    ----------
    reference, image
        (N, D) and (M, D): the features of N and of M images.

    Raises
    ------
    InputError
        When a set has fewer than two images, the sets have different features, or one
        is no number.

    References
    ----------
    .. [1] M. Heusel et al., "GANs trained by a two time-scale update rule converge to a
       local Nash equilibrium", NeurIPS (2017).
    .. [2] M. J. Chong and D. Forsyth, "Effectively unbiased FID and Inception score and
       where to find them", CVPR (2020).
    """
    first, second = _checked(reference, "reference"), _checked(image, "image")
    if first.shape[1] != second.shape[1]:
        raise InputError(
            f"the references have {first.shape[1]} features each, the images "
            f"{second.shape[1]}",
            hint="take both from the same layer of the same network",
        )
    one, other = _root(first), _root(second)
    shared = np.linalg.svd(one @ other.T, compute_uv=False).sum()
    apart = first.mean(0) - second.mean(0)
    distance = apart @ apart + (one**2).sum() + (other**2).sum() - 2 * shared
    return float(max(distance, 0.0))


def _checked(features: NDArray[np.floating], kind: str) -> DoubleArray:
    if features.ndim != 2 or len(features) < 2 or features.shape[1] == 0:
        raise InputError(
            f"a Frechet distance takes features of 2 {kind}s or more, as an array "
            f"(images, features), found {features.shape}",
            hint="it compares sets of images, not two images",
        )
    numbers = np.asarray(features, np.float64)
    check_finite(numbers, f"the features of the {kind}s")
    return numbers


def _root(features: DoubleArray) -> DoubleArray:
    """Return R with R.T @ R the sample covariance, of as few rows as will do."""
    count, width = features.shape
    centred = (features - features.mean(0)) / np.sqrt(count - 1)
    root = np.linalg.qr(centred, mode="r") if count > width else centred
    return np.asarray(root)
