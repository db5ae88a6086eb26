"""How well a kernel explains pairs of images, and what it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from w2s_cli.estimate.alignment import Alignment, aligned
from w2s_cli.estimate.overlay import FloatArray, Overlay
from w2s_cli.physics.kernel import Kernel
from w2s_cli.physics.optics import transfer


@dataclass(frozen=True, slots=True)
class PairFit:
    """What was found out about one pair.

    Attributes
    ----------
    alignment
        The shift, gain and background between the images, here counted from the sharp
        image's own 0.
    explained
        Part of the widefield image's variance that the kernel explains, 0 to 1.
    noise
        Standard deviation of what is left, in the widefield image's units.
    leftover
        Correlation of neighbouring pixels in what is left: about 0 for noise.
    """

    alignment: Alignment
    explained: float
    noise: float
    leftover: float


def judged(
    overlays: Sequence[Overlay], alignments: Sequence[Alignment], kernel: Kernel
) -> tuple[PairFit, ...]:
    """Return how well the kernel explains each pair."""
    fits = []
    for overlay, before in zip(overlays, alignments, strict=True):
        seen = seen_through(overlay, before, kernel)
        alignment, _ = aligned(overlay, seen, before)
        left = left_over(overlay, alignment, kernel)
        noise = overlay.mean(left**2)
        spread = overlay.mean((overlay.low - overlay.mean(overlay.low)) ** 2)
        beside = max(
            overlay.mean(left * np.roll(left, 1, axis)) / max(noise, 1e-30)
            for axis in (0, 1)
        )
        counted = replace(
            alignment,
            background=alignment.background - alignment.gain * overlay.level,
        )
        fits.append(PairFit(counted, 1 - noise / spread, sqrt(noise), beside))
    return tuple(fits)


def left_over(overlay: Overlay, alignment: Alignment, kernel: Kernel) -> FloatArray:
    """Return what a kernel leaves of the widefield image, less its mean."""
    seen = seen_through(overlay, alignment, kernel)
    left = overlay.low - np.float32(alignment.gain) * seen
    return np.asarray(left - np.float32(overlay.mean(left)), np.float32)


def seen_through(overlay: Overlay, alignment: Alignment, kernel: Kernel) -> FloatArray:
    """Return what the camera would see through a kernel: gain 1, background 0."""
    return overlay.seen(alignment.shift, transfer(kernel, overlay.grid))
