"""The blur between a widefield image and a sharp image of the same field.

The widefield image is `gain * see(kernel * sharp) + background` plus noise ([1]_,
Eq. 1). First a Gaussian kernel is fitted together with shift, gain and background; it
says where the images lie, how wide the kernel is, and what the edges of the images
contribute. Then all weights of the kernel are found by regularised least squares
([1]_, Eq. 2), in two rounds; many pairs share one kernel.

The noise of the sharp image is not accounted for: where its spectrum is mostly noise,
the kernel's comes out too small.

References
----------
.. [1] R. Zhou, M. El Helou, D. Sage, T. Laroche, A. Seitz and S. Susstrunk, "W2S:
   Microscopy data with joint denoising and super-resolution for widefield to SIM
   mapping", ECCV Workshops (2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError, UsageError
from w2s_cli.estimate.alignment import gaussian_fit
from w2s_cli.estimate.division import AUTHORS, divided
from w2s_cli.estimate.joint import checked_kernel, joint
from w2s_cli.estimate.overlay import Overlay
from w2s_cli.estimate.prior import Prior
from w2s_cli.estimate.residual import PairFit, judged
from w2s_cli.physics.kernel import Kernel

Pair = tuple[NDArray[Any], NDArray[Any]]

LEAST_SIDE, MOST_SIDE = 5, 75
MOST_LEFTOVER = 0.3
"""Correlation of neighbouring pixels in what is left, beyond which it is no noise."""


@dataclass(frozen=True, slots=True, eq=False)
class KernelFit:
    """A kernel and how it was found.

    Attributes
    ----------
    kernel
        On the grid of the sharp image; its middle is where the best Gaussian is.
    pairs
        One for each pair.
    prior
        What regularised it; None where it was a constant.
    ratio
        Noise power over kernel power, each image in units of its noise; or the
        constant.
    width
        Standard deviation of the Gaussian that was fitted first, in pixels.
    certainty
        The normalised correlation with the true kernel that is to be expected; None
        where a constant regularised, or what is left is no noise.
    """

    kernel: Kernel
    pairs: tuple[PairFit, ...]
    prior: Prior | None
    ratio: float
    width: float
    certainty: float | None


def fit_kernel(
    pairs: Sequence[Pair],
    side: int = 35,
    constant: float | None = None,
    names: Sequence[str] = (),
) -> KernelFit:
    """Return the kernel that blurs the sharp images into the widefield images.

    Parameters
    ----------
    pairs
        Widefield image (Y, X) and sharp image, which is twice as large, or as large;
        of any real dtype and intensity.
    side
        Pixels along each side of the kernel, odd.
    constant
        What is added to the power of the sharp image, as in Eq. 2 of the W2S paper;
        None to let the noise of the images decide.
    names
        What messages call the pairs.

    Raises
    ------
    UsageError
        When `side` or `constant` makes no sense.
    InputError
        When the images do not fit each other, or hold nothing to go by.
    """
    _check(side, constant)
    reach = side // 2
    overlays = [
        Overlay.of(low, sharp, reach, name)
        for (low, sharp), name in zip(
            pairs, names or _numbered(len(pairs)), strict=True
        )
    ]
    _check_alike(overlays)
    alignments, width = gaussian_fit(overlays)
    if constant is None:
        found = joint(overlays, alignments, width)
        fits = judged(overlays, found.alignments, found.kernel)
        noisy = max(fit.leftover for fit in fits) <= MOST_LEFTOVER
        certainty = found.certainty if noisy else None
        known = (found.prior, found.ratio, width, certainty)
        return KernelFit(found.kernel, fits, *known)
    shifts = [alignment.shift for alignment in alignments]
    kernel = checked_kernel(divided(overlays, shifts, constant))
    fits = judged(overlays, alignments, kernel)
    return KernelFit(kernel, fits, None, constant, width, None)


def _check(side: int, constant: float | None) -> None:
    if not LEAST_SIDE <= side <= MOST_SIDE or side % 2 == 0:
        raise UsageError(
            f"the side of a kernel must be odd, {LEAST_SIDE} to {MOST_SIDE} pixels, "
            f"found {side}",
            hint="35 holds most microscopes' kernels",
        )
    if constant is not None and not 0 < constant < np.inf:
        raise UsageError(
            f"the regularisation must be above 0, found {constant:g}",
            hint=f"auto lets the noise decide; the W2S authors added {AUTHORS:g}",
        )


def _check_alike(overlays: Sequence[Overlay]) -> None:
    first = overlays[0]
    for other in overlays[1:]:
        if other.scale != first.scale:
            raise InputError(
                f"{first.name}: the sharp image is x{first.scale}; "
                f"{other.name}: it is x{other.scale}",
                hint="estimate their kernels apart",
            )


def _numbered(count: int) -> list[str]:
    return [f"pair {number}" for number in range(1, count + 1)]
