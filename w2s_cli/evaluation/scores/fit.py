"""The gain and the offset that bring an image to its reference."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.evaluation.scores.convention import PERCENTILES, Fit


def fit(reference: NDArray[Any], image: NDArray[Any], rule: Fit) -> tuple[float, float]:
    """Return `gain` and `offset` of a rule of `convention.Fit`.

    Parameters
    ----------
    reference, image
        Pixels that belong to each other, of any real dtype.

    Returns
    -------
    gain, offset
        ``gain * image + offset`` is the fitted image. The gain is 0 for a constant
        image, and 1 without a fit.
    """
    if rule == "none":
        return 1.0, 0.0
    target, pixels = (np.asarray(given, np.float64) for given in (reference, image))
    if rule == "percentile":
        (low, high), (dark, bright) = np.percentile(
            [target.ravel(), pixels.ravel()], PERCENTILES, axis=1
        ).T
        gain = (high - low) / (bright - dark) if bright > dark else 0.0
        return float(gain), float(low - gain * dark)
    spread = pixels - pixels.mean()
    power = (spread**2).sum()
    gain = (spread * target).sum() / power if power else 0.0
    return float(gain), float(target.mean() - gain * pixels.mean())
