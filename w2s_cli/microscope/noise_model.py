"""The noise of a camera, and the square root that makes it uniform.

A count is `gain * Poisson(p) + offset + read_noise * N(0, 1)`, where `p` is the
expected number of photons. Photon units, `(counts - offset) / gain`, have variance
`p + sigma^2` with `sigma = read_noise / gain`.

The generalised Anscombe transform ([1]_, Eq. 1) of `z` photon units is
``f(z) = 2 * sqrt(max(z + 3/8 + sigma^2, 0))``: its noise has a standard deviation of
about 1 whatever the light. A denoiser of transformed values gives an estimate of
``E{f(z) | p}``, and the square of that is not `p`: the root is not linear. The exact
unbiased inverse ([1]_, Eq. 6) maps ``E{f(z) | p}`` to `p`. There is no closed form of
it, so it is tabulated by numerical integration for each `sigma` that is asked for, in a
few milliseconds. What is tabulated is the correction ``p - (f / 2)^2``: it is smooth,
and tends to ``-1/8 - sigma^2`` in bright light.

References
----------
.. [1] M. Makitalo and A. Foi, "Optimal inversion of the generalized Anscombe
   transformation for Poisson-Gaussian noise", IEEE Trans. Image Process. 22 (2013).
.. [2] M. S. Robbins and B. J. Hadwen, "The noise performance of electron multiplying
   charge-coupled devices", IEEE Trans. Electron Devices 50 (2003).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.errors import UsageError

BRIGHT = 100.0  # photons; from here on the correction is its limit within 4e-4
_NODES = 512
_SPREAD = 9.0  # how far the normal distribution is integrated, in deviations
FARTHEST = 3
"""Pixels along Y and X between two whose noise is still compared."""
Correlation: TypeAlias = tuple[tuple[float, ...], ...]
"""Of the noise of two pixels: rows of Y lags 0 to `FARTHEST`, columns of X lags
-`FARTHEST` to `FARTHEST`. What lies further up has the value of its opposite."""


def noise_power(correlation: Correlation, shape: tuple[int, ...]) -> DoubleArray:
    """Return the power of noise of variance 1 at each frequency of a (Y, X) plane.

    Its mean is 1; that of a correlation that no noise can have may be below 0.
    """
    half = np.array(correlation)
    table = np.concatenate([half[:0:-1, ::-1], half])
    reach = np.arange(len(table)) - len(half) + 1
    field = np.zeros(shape)
    np.add.at(field, np.ix_(*(reach % side for side in shape)), table)
    return np.asarray(np.fft.fft2(field).real)


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
def _table(sigma: float) -> tuple[DoubleArray, DoubleArray]:
    """Return ``E{f(z) | y}`` from darkness to `BRIGHT`, and ``y - (E / 2)^2`` there."""
    photons = np.linspace(0, np.sqrt(BRIGHT), _NODES) ** 2
    caught = np.arange(BRIGHT + 12 * np.sqrt(BRIGHT))
    means = _poisson(photons, caught) @ _mean_after_reading(caught, sigma)
    corrections = photons - (means / 2) ** 2
    corrections[-1] = -1 / 8 - sigma**2  # np.interp holds it beyond the table
    return means, corrections


def _poisson(photons: DoubleArray, caught: DoubleArray) -> DoubleArray:
    """Return the probability, (photons, caught), of so many caught photons."""
    factorials = np.cumsum(np.log(np.maximum(caught, 1)))
    rates = np.maximum(photons, np.finfo(float).tiny)[:, None]
    table: DoubleArray = np.exp(caught * np.log(rates) - rates - factorials)
    return table


def _mean_after_reading(caught: DoubleArray, sigma: float) -> DoubleArray:
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
    mean: DoubleArray = (2 * root * density * 2 * root) @ weights * half
    return mean


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Poisson-Gaussian camera noise.

    Attributes
    ----------
    gain
        Counts a photon, above 0.
    offset
        Counts without light.
    read_noise
        Standard deviation of the Gaussian part, in counts, 0 or more.
    correlation
        How much of its noise a pixel shares with its neighbours; None where it is
        white. Its variance is that of the other numbers all the same.
    """

    gain: float
    offset: float = 0.0
    read_noise: float = 0.0
    correlation: Correlation | None = None

    def __post_init__(self) -> None:
        numbers = (self.gain, self.offset, self.read_noise)
        finite = all(isfinite(value) for value in numbers)
        if not finite or self.gain <= 0 or self.read_noise < 0:
            raise UsageError(
                f"impossible noise model: gain {self.gain:g}, "
                f"offset {self.offset:g}, read noise {self.read_noise:g}",
                hint="the gain is above 0 counts a photon, the read noise 0 or more",
            )
        if self.correlation is not None:
            _check_correlation(self.correlation)

    def as_json(self) -> dict[str, Any]:
        """Return the model as a JSON object, without the correlation of white noise."""
        numbers: dict[str, Any] = {
            "gain": self.gain,
            "offset": self.offset,
            "read_noise": self.read_noise,
        }
        if self.correlation is not None:
            numbers["autocorrelation"] = [[*row] for row in self.correlation]
        return numbers

    @property
    def sigma(self) -> float:
        """Return the read noise in photons."""
        return self.read_noise / self.gain

    @property
    def shared(self) -> float:
        """Return the variance of a mean over many pixels over that of white noise."""
        if self.correlation is None:
            return 1.0
        middle, *others = map(sum, self.correlation)
        return float(middle + 2 * sum(others))

    @property
    def lift(self) -> float:
        """Return what the stabilisation adds to the photons under the root."""
        return 0.375 + self.sigma**2

    @property
    def floor(self) -> float:
        """Return the stabilised value of no light."""
        return 2 * sqrt(self.lift)

    def photons(self, counts: NDArray[Any]) -> FloatArray:
        """Return `counts` in photon units; dark pixels may be negative."""
        return np.asarray((counts - np.float32(self.offset)) / self.gain, np.float32)

    def counts(self, photons: NDArray[Any]) -> FloatArray:
        """Return `photons` as counts: the inverse of `photons`."""
        return np.asarray(photons * self.gain + self.offset, np.float32)

    def variance(self, mean: FloatArray) -> FloatArray:
        """Return the variance of counts whose expectation is `mean` counts."""
        light = np.maximum(mean - self.offset, 0)
        return np.asarray(self.gain * light + self.read_noise**2, np.float32)

    def stabilise(self, counts: NDArray[Any]) -> FloatArray:
        """Return the generalised Anscombe transform of `counts`: noise sd about 1.

        Counts so dark that the root would be imaginary become 0.
        """
        lifted = np.maximum(self.photons(counts) + self.lift, 0)
        return np.asarray(2 * np.sqrt(lifted), np.float32)

    def square(self, values: FloatArray) -> FloatArray:
        """Return counts: the algebraic inverse of `stabilise`.

        It undoes the transform for a value that carries no noise, such as the
        output of a network that was trained on transformed truth.
        """
        return self.counts((values / 2) ** 2 - self.lift)

    def unstabilise(self, values: FloatArray) -> FloatArray:
        """Return counts: the exact unbiased inverse of `stabilise`.

        It maps the expectation of transformed noisy counts to the expectation of the
        counts, whatever the light: see `w2s_cli.microscope.noise_model`. Use it for a
        denoiser that averages transformed values.
        """
        return self.counts(unbiased_inverse(values, self.sigma))

    def sample(
        self,
        photons: FloatArray,
        rng: np.random.Generator,
        *,
        multiplied: bool = False,
    ) -> FloatArray:
        """Return noisy counts of an image of expected `photons`, not yet rounded.

        An EMCCD multiplies electrons at random before it reads them, which doubles
        their variance ([2]_): `multiplied` light has the mean and the variance
        of this model, from twice the photons, and a longer tail.
        """
        light = np.maximum(photons, 0)
        caught: NDArray[Any] = rng.poisson(2 * light if multiplied else light)
        if multiplied:
            caught = rng.standard_gamma(caught) / 2
        read = rng.standard_normal(photons.shape, np.float32)
        return self.counts(caught) + np.float32(self.read_noise) * read


def _check_correlation(table: Correlation) -> None:
    across = 2 * FARTHEST + 1
    if [len(row) for row in table] != [across] * (FARTHEST + 1):
        raise UsageError(
            f"the correlation of noise is a table of {FARTHEST + 1} rows and {across} "
            "columns",
            hint=f"rows: 0 to {FARTHEST} pixels down; columns: {FARTHEST} to the left "
            f"to {FARTHEST} to the right",
        )
    if not all(-1 <= value <= 1 for row in table for value in row):
        raise UsageError("the correlation of noise is -1 to 1")
