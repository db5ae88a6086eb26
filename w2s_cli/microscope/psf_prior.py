"""What is known of a PSF before it is measured, and what is known after.

A PSF has a width, and it is smooth on a scale that goes with it: before the images
are looked at, its weights are Gaussian random numbers whose power falls with the
distance from the middle (`extent`) and with spatial frequency (`smoothness`). Least
squares with such a prior is a Wiener filter, `conj(H) L / (|H|^2 + noise power / PSF
power)`, whose PSF power depends on frequency and place. The images themselves
choose the prior: the one under which they are most probable ([1]_, Sec. 2).

References
----------
.. [1] D. J. C. MacKay, "Bayesian interpolation", Neural Computation 4 (1992).
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from w2s_cli._typing import DoubleArray

LEAST_SMOOTHNESS = 0.7
NEGLIGIBLE = 1e-5  # part of the prior's greatest power
LEAST_NOISE = 1e-4  # part of the image's power: the equations are no more exact
ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Prior:
    """How far a PSF reaches, and how smooth it is: lengths in pixels."""

    # The standard deviation of a weight is exp(-r^2 / (4 extent^2)) at the distance r
    # from the middle, times that of the middle
    extent: float
    smoothness: float  # weights this far apart are correlated by exp(-1/2)

    def patterns(self, reach: int) -> DoubleArray:
        """Return (P, P, N) independent patterns that span such PSFs."""
        place = np.arange(-reach, reach + 1.0)
        envelope = np.exp(-((place / (2 * self.extent)) ** 2))
        apart = (place[:, None] - place) / max(self.smoothness, LEAST_SMOOTHNESS)
        covariance = np.outer(envelope, envelope) * np.exp(-0.5 * apart**2)
        power, lines = linalg.eigh(covariance)
        kept = power > NEGLIGIBLE * power.max()
        lines = lines[:, kept] * np.sqrt(power[kept])
        products = np.einsum("ya,xb->yxab", lines, lines)
        patterns = products.reshape(len(place), len(place), -1)
        strength = (patterns**2).sum((0, 1))
        kept = strength > NEGLIGIBLE * strength.max()
        return np.asarray(patterns[..., kept])


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """A PSF after the images have been looked at."""

    weights: DoubleArray  # (P, P), the most probable PSF
    ratio: float  # noise power over the PSF's power in its middle
    freedom: float  # how many numbers the images have determined
    doubt: float  # expected squared error, summed over the PSF
    # Minus twice the logarithm of the probability of the images, up to a constant
    improbability: float


def posterior(
    matrix: DoubleArray,
    vector: DoubleArray,
    energy: float,
    count: float,
    patterns: DoubleArray,
) -> Posterior:
    """Return the most probable PSF; the images choose the noise and the power.

    Parameters
    ----------
    matrix, vector
        (N, N) and (N,), the normal equations of all weights of a PSF.
    energy
        Squares of the widefield pixels, summed, when the PSF is 0.
    count
        How many pixels that were.
    patterns
        (P, P, K) with P^2 = N, from `Prior.patterns`.
    """
    span = patterns.reshape(len(matrix), -1)
    gains, turned = linalg.eigh(span.T @ matrix @ span)
    gains = np.maximum(gains, 0)
    span = span @ turned
    pull = span.T @ vector
    ratio = float(np.median(gains) + 1e-9 * gains.max())
    for _ in range(ROUNDS):
        seen = pull / (gains + ratio)
        freedom = float((gains / (gains + ratio)).sum())
        left = max(energy - 2 * seen @ pull + seen**2 @ gains, LEAST_NOISE * energy)
        noise = left / (count - freedom)
        before, ratio = ratio, float(noise * freedom / (seen @ seen))
        if abs(ratio / before - 1) < 1e-3:
            break
    spread = (span**2).sum(axis=0)
    fit = energy - pull**2 @ (1 / (gains + ratio))
    return Posterior(
        (span @ seen).reshape(patterns.shape[:2]),
        ratio,
        freedom,
        float(noise * spread @ (1 / (gains + ratio))),
        float(count * np.log(noise) + np.log1p(gains / ratio).sum() + fit / noise),
    )
