"""One kernel for many pairs of images, regularised by the most probable prior."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import sqrt
from operator import add

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.estimate.alignment import Alignment, aligned
from w2s_cli.estimate.equations import Equations, equations
from w2s_cli.estimate.overlay import Overlay
from w2s_cli.estimate.prior import Posterior, Prior, posterior
from w2s_cli.estimate.residual import left_over, seen_through
from w2s_cli.physics.kernel import Kernel

ROUNDS = 2
EXTENTS = (0.8, 1.3, 2.0)
SMOOTHNESSES = (0.5, 0.7, 1.0)
"""Priors that the images choose from, in standard deviations of the Gaussian."""


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """The kernel of many pairs.

    Attributes
    ----------
    kernel
        On the grid of the sharp images.
    alignments
        One for each pair.
    prior
        The one that the images chose.
    ratio
        Noise power over kernel power.
    certainty
        The normalised correlation with the true kernel that is to be expected.
    """

    kernel: Kernel
    alignments: Sequence[Alignment]
    prior: Prior
    ratio: float
    certainty: float


def joint(
    overlays: Sequence[Overlay], alignments: Sequence[Alignment], width: float
) -> Joint:
    """Return the kernel that pairs share.

    Parameters
    ----------
    overlays, alignments
        The pairs, and how they lie.
    width
        Standard deviation of the Gaussian that blurs them best, in sharp pixels.

    Raises
    ------
    InputError
        When the pairs show no kernel.
    """
    kernel = _gaussian(width, overlays[0].reach)
    for _ in range(ROUNDS):
        alignments = [
            aligned(overlay, seen_through(overlay, alignment, kernel), alignment)[0]
            for overlay, alignment in zip(overlays, alignments, strict=True)
        ]
        total: Equations = reduce(
            add,
            (
                _equations(overlay, alignment, kernel)
                for overlay, alignment in zip(overlays, alignments, strict=True)
            ),
        )
        prior, found = _most_probable(total, kernel, width)
        kernel = checked_kernel(found.weights)
    error = found.doubt / float((found.weights**2).sum())
    return Joint(kernel, alignments, prior, found.ratio, 1 / sqrt(1 + error))


def checked_kernel(weights: NDArray[np.float64]) -> Kernel:
    """Return the kernel that an estimate of its weights stands for.

    Raises
    ------
    InputError
        When they do not sum to more than 0.
    """
    if weights.sum() <= 0:
        raise InputError(
            "no kernel could be found: its weights do not sum to more than 0",
            hint="are both images of the same field and channel?",
        )
    return Kernel.normalised(weights)


def _most_probable(
    total: Equations, kernel: Kernel, width: float
) -> tuple[Prior, Posterior]:
    """Return the best of the priors, and the kernel under it.

    The equations are those of a change of `kernel`; the prior is one of the whole.
    """
    reach = kernel.weights.shape[0] // 2
    matrix, vector = total.system(reach)
    so_far = kernel.weights.ravel().astype(np.float64)
    known = matrix @ so_far
    energy = total.energy + float(2 * so_far @ vector + so_far @ known)
    priors = [Prior(e * width, s * width) for e in EXTENTS for s in SMOOTHNESSES]
    found = [
        posterior(matrix, vector + known, energy, total.count, prior.patterns(reach))
        for prior in priors
    ]
    best = min(range(len(found)), key=lambda number: found[number].improbability)
    return priors[best], found[best]


def _equations(overlay: Overlay, alignment: Alignment, kernel: Kernel) -> Equations:
    left = left_over(overlay, alignment, kernel)
    return equations(overlay, left, alignment, overlay.mean(left**2))


def _gaussian(width: float, reach: int) -> Kernel:
    """Return a Gaussian that fills the kernel's side, whatever its width."""
    line = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    return Kernel.normalised(np.outer(line, line))
