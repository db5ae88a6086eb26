"""The gain and the offset that bring an image to its reference."""

import numpy as np
from numpy.typing import NDArray

from w2s_cli.evaluation.scores.convention import PERCENTILES, Fit
from w2s_cli.metrics.fidelity import least_squares

Pixels = NDArray[np.float64]


def fit(reference: Pixels, image: Pixels, rule: Fit) -> tuple[float, float]:
    """Return `gain` and `offset` of a rule of `convention.Fit`.

    Parameters
    ----------
    reference, image
        Pixels that belong to each other, of one shape.

    Returns
    -------
    gain, offset
        ``gain * image + offset`` is the fitted image. The gain is 0 for a constant
        image, and 1 without a fit.
    """
    if rule == "none":
        return 1.0, 0.0
    if rule == "percentile":
        low, high = np.percentile(reference, PERCENTILES)
        dark, bright = np.percentile(image, PERCENTILES)
        gain = (high - low) / (bright - dark) if bright > dark else 0.0
        return float(gain), float(low - gain * dark)
    return least_squares(reference, image)
