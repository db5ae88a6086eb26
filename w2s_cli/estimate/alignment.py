"""Where a sharp image lies in a widefield one, and how bright and how blurred it is.

Registration by least squares: the sharp image, blurred by a Gaussian, is fitted to the
widefield image together with its own derivatives, which tell how far to move it and
how much more to blur it (Gauss-Newton steps).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from w2s_cli.errors import InputError
from w2s_cli.estimate.overlay import FloatArray, Overlay, Shift

LONGEST_STEP = 4.0
FIRST_WIDTH = 3.0
LEAST_WIDTH = 0.25
"""Standard deviations of the Gaussian, in pixels: the first and the least."""
GROWTH = 2.5
STEPS = 20


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the sharp image becomes the widefield one, blur apart.

    Attributes
    ----------
    shift
        How far the sharp image is moved along Y and X, in its pixels.
    gain
        What its intensities are multiplied by.
    background
        What is added to them then; the sharp image counted from its mean.
    """

    shift: Shift
    gain: float = 1.0
    background: float = 0.0


def gaussian_fit(overlays: Sequence[Overlay]) -> tuple[list[Alignment], float]:
    """Return the alignment of each pair, and the width of one Gaussian for all.

    The width is a standard deviation in sharp pixels.

    Raises
    ------
    InputError
        When a widefield image does not brighten where the sharp one does.
    """
    alignments = [Alignment(overlay.start) for overlay in overlays]
    variance, most = FIRST_WIDTH**2, (overlays[0].reach / 2) ** 2
    for _ in range(STEPS):
        growths = []
        for number, overlay in enumerate(overlays):
            y, x = overlay.frequencies
            otf = np.exp(-2 * np.pi**2 * variance * (y**2 + x**2)).astype(np.float32)
            seen = overlay.seen(alignments[number].shift, otf)
            alignments[number], growth = aligned(
                overlay, seen, alignments[number], free_width=True
            )
            growths.append(growth)
        wider = variance + float(np.median(growths))
        wider = float(np.clip(wider, variance / GROWTH, variance * GROWTH))
        before, variance = variance, float(np.clip(wider, LEAST_WIDTH**2, most))
        if abs(variance / before - 1) < 1e-3:
            break
    return alignments, sqrt(variance)


def aligned(
    overlay: Overlay, seen: FloatArray, before: Alignment, *, free_width: bool = False
) -> tuple[Alignment, float]:
    """Return a better alignment, by one Gauss-Newton step.

    Parameters
    ----------
    overlay
        The pair.
    seen
        What the camera would see with the alignment `before`.
    before
        The alignment so far.
    free_width
        Whether the width of the blur is also open.

    Returns
    -------
    Alignment, float
        And how much the variance of a Gaussian blur should grow, in squared sharp
        pixels; 0 unless `free_width`.

    Raises
    ------
    InputError
        When the widefield image does not brighten where the sharp one does.
    """
    scale = overlay.scale
    along_y, along_x = np.gradient(seen)
    columns = [seen, np.ones_like(seen), along_y, along_x]
    if free_width:
        columns.append(np.gradient(along_y, axis=0) + np.gradient(along_x, axis=1))
    matrix = np.stack([column.ravel() for column in columns]).astype(np.float64)
    weighted = matrix * overlay.weight.ravel()
    gain, background, dy, dx, *wider = np.linalg.lstsq(
        weighted @ matrix.T, weighted @ overlay.low.ravel(), rcond=None
    )[0]
    if gain <= 0:
        raise InputError(
            f"{overlay.name}: the widefield image does not brighten where the sharp "
            "one does",
            hint="are both of the same field and channel, in the same orientation?",
        )
    step = np.clip(
        [-scale * dy / gain, -scale * dx / gain], -LONGEST_STEP, LONGEST_STEP
    )
    shift = (before.shift[0] + float(step[0]), before.shift[1] + float(step[1]))
    growth = 2 * scale**2 * wider[0] / gain if wider else 0.0
    return Alignment(shift, float(gain), float(background)), float(growth)
