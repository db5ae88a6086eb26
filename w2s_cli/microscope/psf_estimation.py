"""The blur between a widefield image and a sharp image of the same field.

The widefield image is `gain * see(psf * sharp) + background` plus noise ([1]_,
Eq. 1). First a Gaussian PSF is fitted together with shift, gain and background; it
says where the images lie, how wide the PSF is, and what the edges of the images
contribute. Then all weights of the PSF are found by regularised least squares
([1]_, Eq. 2), in two rounds; many pairs share one PSF.

A PSF has a width, and it is smooth on a scale that goes with it: before the images
are looked at, its weights are Gaussian random numbers whose power falls with the
distance from the middle (`extent`) and with spatial frequency (`smoothness`). Least
squares with such a prior is a Wiener filter, `conj(H) L / (|H|^2 + noise power / PSF
power)`, whose PSF power depends on frequency and place. The images themselves
choose the prior: the one under which they are most probable ([2]_, Sec. 2).

The noise of the sharp image is not accounted for: where its spectrum is mostly noise,
the PSF's comes out too small.

References
----------
.. [1] R. Zhou, M. El Helou, D. Sage, T. Laroche, A. Seitz and S. Susstrunk, "W2S:
   Microscopy data with joint denoising and super-resolution for widefield to SIM
   mapping", ECCV Workshops (2020).
.. [2] D. J. C. MacKay, "Bayesian interpolation", Neural Computation 4 (1992).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import sqrt
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from w2s_cli._typing import DoubleArray
from w2s_cli.errors import InputError, UsageError
from w2s_cli.microscope.psf import PSF
from w2s_cli.microscope.psf_equations import (
    W2S_CONSTANT,
    Enlarging,
    PairFit,
    PSFEquations,
    image_through,
    pair_fits,
    psf_equations,
    residual_image,
    wiener_psf,
)
from w2s_cli.microscope.psf_registration import (
    Alignment,
    Overlay,
    fit_gaussian_blur,
    refine_alignment,
)

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

    - `matrix`, `vector`: (N, N) and (N,), the normal equations of all weights of a PSF.
    - `energy`: squares of the widefield pixels, summed, when the PSF is 0.
    - `count`: how many pixels that were.
    - `patterns`: (P, P, K) with P^2 = N, from `Prior.patterns`.
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


FIT_ROUNDS = 2
EXTENTS = (0.8, 1.3, 2.0)
SMOOTHNESSES = (0.5, 0.7, 1.0)
"""Priors that the images choose from, in standard deviations of the Gaussian."""
ImagePair = tuple[NDArray[Any], NDArray[Any]]
LEAST_SIDE, MOST_SIDE = 5, 75
MOST_LEFTOVER = 0.3
"""Correlation of neighbouring pixels in what is left, beyond which it is no noise."""


@dataclass(frozen=True, slots=True, eq=False)
class JointPSF:
    """The PSF of many pairs."""

    psf: PSF  # on the grid of the sharp images
    alignments: Sequence[Alignment]  # one for each pair
    prior: Prior  # the one that the images chose
    ratio: float  # noise power over PSF power
    # The normalised correlation with the true PSF that is to be expected
    certainty: float


def fit_joint_psf(
    overlays: Sequence[Overlay], alignments: Sequence[Alignment], width: float
) -> JointPSF:
    """Return the PSF that pairs share.

    - `overlays`, `alignments`: the pairs, and how they lie.
    - `width`: standard deviation of the Gaussian that blurs them best, in sharp pixels.

    Raises InputError when the pairs show no PSF.
    """
    line = np.exp(
        -0.5 * (np.arange(-overlays[0].reach, overlays[0].reach + 1) / width) ** 2
    )
    psf = PSF.normalised(np.outer(line, line))
    for _ in range(FIT_ROUNDS):
        alignments = [
            refine_alignment(
                overlay, image_through(overlay, alignment, psf), alignment
            )[0]
            for overlay, alignment in zip(overlays, alignments, strict=True)
        ]
        parts = []
        for overlay, alignment in zip(overlays, alignments, strict=True):
            left = residual_image(overlay, alignment, psf)
            noise = overlay.mean(left**2)
            parts.append(psf_equations(overlay, left, alignment, noise))
        total: PSFEquations = reduce(add, parts)
        prior, found = _most_probable(total, psf, width)
        psf = checked_psf(found.weights)
    error = found.doubt / float((found.weights**2).sum())
    return JointPSF(psf, alignments, prior, found.ratio, 1 / sqrt(1 + error))


def checked_psf(weights: DoubleArray) -> PSF:
    """Return the PSF that an estimate of its weights stands for.

    Raises InputError when they do not sum to more than 0.
    """
    if weights.sum() <= 0:
        raise InputError(
            "no kernel could be found: its weights do not sum to more than 0",
            hint="are both images of the same field and channel?",
        )
    return PSF.normalised(weights)


def _most_probable(
    total: PSFEquations, psf: PSF, width: float
) -> tuple[Prior, Posterior]:
    """Return the best of the priors, and the PSF under it.

    The equations are those of a change of `psf`; the prior is one of the whole.
    """
    reach = psf.weights.shape[0] // 2
    matrix, vector = total.system(reach)
    so_far = psf.weights.ravel().astype(np.float64)
    known = matrix @ so_far
    energy = total.energy + float(2 * so_far @ vector + so_far @ known)
    priors = [Prior(e * width, s * width) for e in EXTENTS for s in SMOOTHNESSES]
    found = [
        posterior(matrix, vector + known, energy, total.count, prior.patterns(reach))
        for prior in priors
    ]
    best = min(range(len(found)), key=lambda number: found[number].improbability)
    return priors[best], found[best]


@dataclass(frozen=True, slots=True, eq=False)
class PSFFit:
    """A PSF and how it was found.

    - `psf`: on the grid of the sharp image; its middle is where the best Gaussian is.
    - `pairs`: one for each pair.
    - `prior`: what regularised it; None where it was a constant.
    - `ratio`: Noise power over PSF power, each image in units of its noise; or the
      constant.
    - `width`: standard deviation of the Gaussian that was fitted first, in pixels.
    - `certainty`: the normalised correlation with the true PSF that is to be expected;
      None where a constant regularised, or what is left is no noise.
    - `enlarging`: how the widefield image was enlarged, where a constant regularised.
    """

    psf: PSF
    pairs: tuple[PairFit, ...]
    prior: Prior | None
    ratio: float
    width: float
    certainty: float | None
    enlarging: Enlarging | None = None


def fit_psf(
    pairs: Sequence[ImagePair],
    side: int = 35,
    constant: float | None = None,
    names: Sequence[str] = (),
    *,
    enlarging: Enlarging = "linear",
) -> PSFFit:
    """Return the PSF that blurs the sharp images into the widefield images.

    - `pairs`: widefield image (Y, X) and sharp image, which is twice as large, or as
      large; of any real dtype and intensity.
    - `side`: pixels along each side of the PSF, odd.
    - `constant`: what is added to the power of the sharp image, as in Eq. 2 of the W2S
      paper; None to let the noise of the images decide.
    - `names`: what messages call the pairs.
    - `enlarging`: how the widefield image is enlarged where there is a constant.

    Raises UsageError when `side` or `constant` makes no sense; InputError when the
    images do not fit each other, or hold nothing to go by.
    """
    _check(side, constant)
    reach = side // 2
    overlays = [
        Overlay.of(low, sharp, reach, name)
        for (low, sharp), name in zip(
            pairs, names or [f"pair {at + 1}" for at in range(len(pairs))], strict=True
        )
    ]
    first = overlays[0]
    for other in overlays[1:]:
        if other.scale != first.scale:
            raise InputError(
                f"{first.name}: the sharp image is x{first.scale}; "
                f"{other.name}: it is x{other.scale}",
                hint="estimate their kernels apart",
            )
    alignments, width = fit_gaussian_blur(overlays)
    if constant is None:
        found = fit_joint_psf(overlays, alignments, width)
        fits = pair_fits(overlays, found.alignments, found.psf)
        noisy = max(fit.leftover for fit in fits) <= MOST_LEFTOVER
        certainty = found.certainty if noisy else None
        known = (found.prior, found.ratio, width, certainty)
        return PSFFit(found.psf, fits, *known)
    shifts = [alignment.shift for alignment in alignments]
    psf = checked_psf(wiener_psf(overlays, shifts, constant, enlarging))
    fits = pair_fits(overlays, alignments, psf)
    return PSFFit(psf, fits, None, constant, width, None, enlarging)


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
            hint=f"auto lets the noise decide; the W2S authors added {W2S_CONSTANT:g}",
        )
