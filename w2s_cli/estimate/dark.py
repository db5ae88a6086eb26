"""The camera without light."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError

FloatArray = NDArray[np.float32]

OUTLIER = 5.0  # standard deviations: a hot pixel
_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Dark:
    """What a camera reads without light.

    Attributes
    ----------
    offset, read_noise
        Mean and standard deviation of a pixel, in counts.
    """

    offset: float
    read_noise: float


def dark_of(frames: Iterable[NDArray[Any]]) -> Dark:
    """Return offset and read noise from frames without light, hot pixels left out.

    The read noise is from the differences of successive frames, which pattern does not
    touch; from one frame alone it is the spread of the pixels, pattern included.

    Parameters
    ----------
    frames
        (Y, X) counts each.

    Raises
    ------
    InputError
        When a frame holds values that are not finite.
    """
    means, spreads, variances = [], [], []
    before: FloatArray | None = None
    for frame in frames:
        pixels = frame.astype(np.float32)
        if not np.isfinite(pixels).all():
            raise InputError("the dark frame holds NaN or infinite values")
        mean, spread = _without_outliers(pixels)
        means.append(mean)
        spreads.append(spread)
        if before is not None:
            variances.append(_without_outliers(pixels - before)[1] ** 2 / 2)
        before = pixels
    read_noise = np.sqrt(np.mean(variances)) if variances else spreads[0]
    return Dark(float(np.mean(means)), float(read_noise))


def _without_outliers(values: FloatArray) -> tuple[float, float]:
    """Return mean and standard deviation, without pixels five times further out."""
    mean = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - mean))) or float(values.std())
    for _ in range(_ROUNDS):
        inside = values[np.abs(values - mean) <= OUTLIER * spread]
        mean, spread = (
            float(inside.mean(dtype=np.float64)),
            float(inside.std(dtype=np.float64)),
        )
    return mean, spread
