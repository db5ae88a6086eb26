"""Richardson-Lucy deconvolution that knows the camera's noise, and when to stop.

Each step multiplies the light by what the camera saw over what it should have seen,
sent back through the optics [1]_ [2]_. It climbs towards the light that most likely
gave the image under Poisson noise. Read noise is taken in as light that is neither
blurred nor kept: a count with the variance p + sigma^2 behaves like a Poisson count of
p + sigma^2 [3]_.

The most likely light is noise turned into structure, so the steps must end early. The
photons are dealt out at random into two images, as if the camera had looked
twice [4]_; the steps are done on one, and end where they predict the other best.

References
----------
.. [1] W. H. Richardson, "Bayesian-based iterative method of image restoration",
   J. Opt. Soc. Am. 62 (1972).
.. [2] L. B. Lucy, "An iterative technique for the rectification of observed
   distributions", Astron. J. 79 (1974).
.. [3] D. L. Snyder et al., "Image recovery from data acquired with a
   charge-coupled-device camera", J. Opt. Soc. Am. A 10 (1993).
.. [4] N. L. Oliveira, J. Lei and R. J. Tibshirani, "Unbiased test error estimation in
   the Poisson means problem via coupled bootstrap techniques", arXiv 2212.01943 (2022).
.. [5] N. Dey et al., "Richardson-Lucy algorithm with total variation regularization
   for 3D confocal microscope deconvolution", Microsc. Res. Tech. 69 (2006).
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.optics import Optics
from w2s_cli.microscope.psf import PSF

STEEPEST_TV = 0.25  # a step divides by 1 - tv * c with c < 3.5: it must stay above 0
_DARKEST = np.float32(1e-6)  # photons: light is multiplied, and 0 would stay 0
_SHARE = 0.8  # of the photons that the steps see while the end is looked for
_PATIENCE = 8  # steps without a better prediction, at least
_LONGEST = 500  # steps


def richardson_lucy(
    photons: FloatArray,
    psf: PSF,
    *,
    scale: int = 1,
    sigma: float = 0.0,
    iterations: int = 0,
    tv: float = 0.0,
) -> FloatArray:
    """Return the deconvolved light, (Y * scale, X * scale) photons a camera pixel.

    Parameters
    ----------
    photons
        (Y, X) photons a pixel.
    psf
        The blur, on the grid of the result.
    scale
        Pixels of the result along a pixel of the camera.
    sigma
        Read noise in photons.
    iterations
        Steps; 0 to find their number from the image.
    tv
        Weight of the total variation [5]_, 0 to `STEEPEST_TV`.
    """
    optics = Optics.of(psf, photons.shape, scale)
    # As much as the read noise asks for, and enough to keep dark pixels above 0.
    lift = np.float32(max(sigma**2, 2 * sigma))
    seen = np.maximum(photons + lift, 0)
    steps = iterations or _best_steps(seen, lift, optics, tv)
    light, _ = next(islice(_estimates(seen, lift, optics, tv), steps, None))
    return light


def _best_steps(seen: FloatArray, lift: np.float32, optics: Optics, tv: float) -> int:
    """Return after how many steps the light predicts photons it was not made from."""
    whole = np.rint(seen).astype(np.int64)
    kept = np.random.default_rng(0).binomial(whole, _SHARE)
    held = np.asarray(whole - kept, np.float32)
    best, at = np.inf, 0
    training = np.asarray(kept / _SHARE, np.float32)
    for step, (_, expected) in enumerate(_estimates(training, lift, optics, tv)):
        predicted = np.float32(1 - _SHARE) * (expected + lift)
        error = float(np.mean((held - predicted) ** 2, dtype=np.float64))
        if error < best:
            best, at = error, step
        if step == _LONGEST or step - at > max(_PATIENCE, at // 2):
            break
    return max(at, 1)


def _estimates(
    seen: FloatArray, lift: np.float32, optics: Optics, tv: float
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield the light after 0, 1, 2, ... steps, and the image it would give."""
    even = np.maximum(seen.mean() - lift, _DARKEST)
    response = optics.back(np.ones_like(seen))
    light = np.full_like(response, even)
    while True:
        expected = optics.see(light)
        yield light, expected
        ratio = seen / np.maximum(expected + lift, _DARKEST)
        growth = optics.back(ratio)
        growth /= response
        if tv:
            growth /= 1 - np.float32(tv) * _curvature(light, 1e-3 * even)
        growth *= light
        light = np.maximum(growth, _DARKEST, out=growth)


def _curvature(light: FloatArray, smoothing: np.float32) -> FloatArray:
    """Return the divergence of the unit gradient: [5]_, Eq. 11."""
    dy = np.diff(light, axis=0, append=light[-1:])
    dx = np.diff(light, axis=1, append=light[:, -1:])
    length = np.sqrt(dy**2 + dx**2 + np.float32(smoothing) ** 2)
    dy /= length
    dx /= length
    along = np.diff(dy, axis=0, prepend=np.float32(0))
    return np.asarray(along + np.diff(dx, axis=1, prepend=np.float32(0)), np.float32)
