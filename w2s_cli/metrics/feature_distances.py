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
