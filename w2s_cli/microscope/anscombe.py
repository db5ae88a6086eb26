"""The way back from stabilised values to photons, exact and unbiased.

The generalised Anscombe transform of `z = Poisson(y) + sigma * N(0, 1)` photons is
``f(z) = 2 * sqrt(max(z + 3/8 + sigma^2, 0))``. A denoiser of transformed values gives
an estimate of ``E{f(z) | y}``, and the square of that is not `y`: the root is not
linear. The exact unbiased inverse ([1]_, Eq. 6) maps ``E{f(z) | y}`` to `y`.

There is no closed form of it, so it is tabulated by numerical integration for each
`sigma` that is asked for, in a few milliseconds. What is tabulated is the correction
``y - (f / 2)^2``: it is smooth, and tends to ``-1/8 - sigma^2`` in bright light.

References
----------
.. [1] M. Makitalo and A. Foi, "Optimal inversion of the generalized Anscombe
   transformation for Poisson-Gaussian noise", IEEE Trans. Image Process. 22 (2013).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray

_Table = NDArray[np.float64]

BRIGHT = 100.0  # photons; from here on the correction is its limit within 4e-4
_NODES = 512
_SPREAD = 9.0  # how far the normal distribution is integrated, in deviations


def unbiased_inverse(values: FloatArray, sigma: float) -> FloatArray:
    """Return the photons whose transformed noisy counts have the means `values`.

    Parameters
    ----------
    values
        Means of transformed photons, any shape, float32.
    sigma
        Read noise in photons, 0 or more.

    Returns
    -------
    float32 array
        Photons, `values.shape`; 0 where a value is below that of darkness.
    """
    means, corrections = _table(sigma)
    photons = np.asarray(np.interp(values, means, corrections), np.float32)
    photons += np.square(values / 2)
    return np.maximum(photons, 0, out=photons)


@lru_cache(maxsize=64)
def _table(sigma: float) -> tuple[_Table, _Table]:
    """Return ``E{f(z) | y}`` from darkness to `BRIGHT`, and ``y - (E / 2)^2`` there."""
    photons = np.linspace(0, np.sqrt(BRIGHT), _NODES) ** 2
    caught = np.arange(BRIGHT + 12 * np.sqrt(BRIGHT))
    means = _poisson(photons, caught) @ _mean_after_reading(caught, sigma)
    corrections = photons - (means / 2) ** 2
    corrections[-1] = -1 / 8 - sigma**2  # np.interp holds it beyond the table
    return means, corrections


def _poisson(photons: _Table, caught: _Table) -> _Table:
    """Return the probability, (photons, caught), of so many caught photons."""
    factorials = np.cumsum(np.log(np.maximum(caught, 1)))
    rates = np.maximum(photons, np.finfo(float).tiny)[:, None]
    table: _Table = np.exp(caught * np.log(rates) - rates - factorials)
    return table


def _mean_after_reading(caught: _Table, sigma: float) -> _Table:
    """Return ``E{f(caught + sigma * N(0, 1))}``.

    It is integrated over the root, where the integrand has no kink at 0.
    """
    lifted = caught + 3 / 8 + sigma**2
    if not sigma:
        return 2 * np.sqrt(lifted)
    nodes, weights = np.polynomial.legendre.leggauss(64)
    low = np.sqrt(np.maximum(lifted - _SPREAD * sigma, 0))
    high = np.sqrt(lifted + _SPREAD * sigma)
    half = (high - low) / 2
    root = (high + low)[:, None] / 2 + half[:, None] * nodes
    deviation = (root**2 - lifted[:, None]) / sigma
    density = np.exp(-(deviation**2) / 2) / np.sqrt(2 * np.pi) / sigma
    mean: _Table = (2 * root * density * 2 * root) @ weights * half
    return mean
