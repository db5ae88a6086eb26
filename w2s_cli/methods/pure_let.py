"""PURE-LET: wavelet thresholds that minimise an estimate of their own error.

In [1]_ a denoised image is a low-pass part plus ``sum_k a_k F_k(y)``, a linear
expansion of thresholds (LET). In every band of an undecimated Haar transform one
function keeps all coefficients `w`, another only those that are no larger than their
noise, which a negative weight then takes away. The weights `a_k` are those of the least
mean squared error, by an estimate that needs no truth: the Poisson-Gaussian unbiased
risk estimate (PURE). It replaces the unknown product of the truth and `F` by ``sum_n
y_n F_n(y - e_n) - sigma^2 dF_n(y - e_n)/dy_n``, where ``e_n`` takes one photon from
pixel `n` ([1]_, Theorem 1).

With the Haar transform no Taylor series is needed: a photon less in one half of a
square is one less in its sum, and one less or more in its difference, whichever of its
pixels it came from.

The transform is undecimated and not normalised. A coefficient of level
j is the sum of a square of ``2^j * 2^j`` pixels, or the sum of one half of it less that
of the other. Nothing is divided: for photons, the variance of each of the differences
is the expectation of the sum at the same place. Squares lie wholly inside the image, so
that a level has ``2^(j-1)`` rows and columns less than the one before.

References
----------
.. [1] F. Luisier, T. Blu and M. Unser, "Image denoising in mixed Poisson-Gaussian
   noise", IEEE Trans. Image Process. 20 (2011).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from scipy.optimize import lsq_linear

from w2s_cli._typing import DoubleArray, FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import Units

SUM = (1, 1)  # the sign of the far half of a square along Y and X
DETAILS = ((1, -1), (-1, 1), (-1, -1))

Details = tuple[FloatArray, ...]  # in the order of `DETAILS`
MOST_LEVELS = 8
STRIP = 1 << 19  # pixels that are expanded at a time, to bound the memory
_FUNCTIONS = 2  # of thresholding, a band
_THRESHOLD = 3.0  # in deviations of the noise
_STEEPNESS = 4  # of the threshold, as the power of a square
_FAR = 10.0  # squares over their thresholds, beyond which nothing is left
_SQUARES = 16  # of the last level, or more, along a side: fewer say too little
_SMALLEST_SIDE = 8
MOST_OF_CLEAR, MOST_OF_FAINT = 2.0, 1.0
"""The most that coefficients above, and below, their noise are multiplied by."""
_PRIOR = 16.0  # pixels of noise that every function must outweigh
_SMALLEST = 1e-6  # eigenvalue, over the largest, that float32 sums can resolve


def haar_split(sums: FloatArray, level: int) -> tuple[FloatArray, Details]:
    """Return the sums of a level, and its three details, from the level before."""
    step = 2 ** (level - 1)
    near, far = _ends(sums, step, 0)
    added, taken = _ends(near + far, step, 1), _ends(near - far, step, 1)
    details = (added[0] - added[1], taken[0] + taken[1], taken[0] - taken[1])
    return added[0] + added[1], details


def haar_adjoint(band: FloatArray, level: int, signs: tuple[int, int]) -> FloatArray:
    """Return a band's coefficients spread over the places that they were summed from.

    This is the adjoint of what `split` does for that band.
    """
    step = 2 ** (level - 1)
    for axis, sign in enumerate(signs):
        sides = [side + step * (axis == at) for at, side in enumerate(band.shape)]
        grown: FloatArray = np.zeros(sides, np.float32)
        near, far = _ends(grown, step, axis)
        near += band
        far += band if sign > 0 else -band
        band = grown
    return band


def band_image(band: FloatArray, level: int, signs: tuple[int, int]) -> FloatArray:
    """Return a band's part of the image that its coefficients are from."""
    image = haar_adjoint(band, level, signs)
    for below in range(level - 1, 0, -1):
        image = haar_adjoint(image, below, SUM)
    image /= 16**level
    return image


def haar_join(sums: FloatArray, details: Sequence[Details]) -> FloatArray:
    """Return the image: the inverse of `split` over all levels, the first level first.

    It is exact where all squares that cover a pixel lie in the image.
    """
    for level in range(len(details), 0, -1):
        image = haar_adjoint(sums, level, SUM)
        for band, signs in zip(details[level - 1], DETAILS, strict=True):
            image += haar_adjoint(band, level, signs)
        sums = np.divide(image, 16, out=image)
    return sums


def _ends(array: FloatArray, step: int, axis: int) -> tuple[FloatArray, FloatArray]:
    """Return views of all but the last `step` places along an axis, and the first."""
    if axis == 0:
        return array[:-step], array[step:]
    return array[:, :-step], array[:, step:]


@dataclass(frozen=True, slots=True)
class PureLet:
    """Denoise by a linear expansion of Haar wavelet thresholds (Luisier et al.)."""

    levels: Annotated[int, "levels of the wavelet transform, 1 to 8"] = 5
    sigma: float = 0.0  # the read noise, in photons

    def __post_init__(self) -> None:
        if not 1 <= self.levels <= MOST_LEVELS:
            raise UsageError(
                f"option levels must be 1 to {MOST_LEVELS}, found {self.levels}"
            )

    @property
    def traits(self) -> Traits:
        """Return the traits: the weights depend on the whole plane."""
        return Traits(
            whole=True, expects=Units.PHOTONS, knows_noise=True, memory=(226, 12)
        )

    def with_noise(self, noise: NoiseModel) -> "PureLet":
        """Return the method for images with this read noise."""
        return replace(self, sigma=noise.sigma)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the denoised planes, in photons."""
        return np.stack([self._plane(plane) for plane in blocks])

    def _plane(self, plane: FloatArray) -> FloatArray:
        side = min(plane.shape)
        levels = int(np.clip(np.log2(side / _SQUARES), 1, self.levels))
        wide = np.pad(plane, _margin(levels), mode="symmetric")
        # Noise and its mirror image are not independent: PURE would be biased by them.
        gram, products = normal_equations(
            plane if side >= _SMALLEST_SIDE else wide, levels, self.sigma
        )
        noise = max(float(plane.mean()), 0) + self.sigma**2
        # Not in the paper: few squares of noise alone would get wild weights.
        gram += _PRIOR * noise * np.eye(len(gram))
        weights = bounded_weights(gram, products)
        return combined(wide, levels, self.sigma, weights)


def normal_equations(
    image: FloatArray, levels: int, sigma: float
) -> tuple[DoubleArray, DoubleArray]:
    """Return the normal equations of the weights that minimise PURE.

    They are the products of the functions `F_k` with each other, (K, K), summed over
    the pixels that no border is near, in the order level, detail, function; and
    estimates of their products with the truth less its low-pass part, (K,). Both sides
    of the image, in photons, are at least ``2^(levels+1) - 1``.
    """
    gram, products = np.zeros(()), np.zeros(())
    for window in _strips(image, levels):
        functions, estimates = _expanded(window, levels, sigma)
        low = functions[-1]
        table = functions @ functions.T
        gram = gram + table[:-1, :-1].astype(float)
        products = products + estimates - (functions[:-1] @ low).astype(float)
    return gram, products


def combined(
    image: FloatArray, levels: int, sigma: float, weights: DoubleArray
) -> FloatArray:
    """Return the low-pass part of an image plus its functions times `weights`.

    The result ends ``2^levels - 1`` pixels inside the image's borders.
    """
    shares = weights.astype(np.float32).reshape(levels, len(DETAILS), _FUNCTIONS)
    strips = []
    for window in _strips(image, levels):
        sums, details = window, []
        for level, share in enumerate(shares, start=1):
            sums, bands = haar_split(sums, level)
            variance = _variance(sums, level, sigma)
            weighted = [
                clear * band + faint * _faint(band, variance)
                for band, (clear, faint) in zip(bands, share, strict=True)
            ]
            details.append(tuple(weighted))
        strips.append(_inside(haar_join(sums, details), levels))
    return np.concatenate(strips)


def _strips(image: FloatArray, levels: int) -> Iterator[FloatArray]:
    """Yield the rows inside the margin, some at a time, with the margin around them."""
    around = 2 * _margin(levels)
    height, width = image.shape
    rows = max(STRIP // width, around)
    for start in range(0, height - around, rows):
        yield image[start : min(start + rows + around, height)]


def _margin(level: int) -> int:
    return (1 << level) - 1


def _inside(window: FloatArray, levels: int) -> FloatArray:
    margin = _margin(levels)
    return window[margin:-margin, margin:-margin]


def _expanded(
    window: FloatArray, levels: int, sigma: float
) -> tuple[FloatArray, DoubleArray]:
    """Return the functions, (K, pixels), the low-pass part last, and PURE's products.

    A product is that of a function with the truth, estimated.
    """
    functions: list[FloatArray] = []
    estimates: list[float] = []
    # The light and the number of the pixels inside the margin, 0 outside
    inside = _inside(window, levels)
    judged: list[tuple[FloatArray, Details]] = [
        (np.pad(image, _margin(levels)), ()) for image in (inside, np.ones_like(inside))
    ]
    sums = window
    for level in range(1, levels + 1):
        sums, bands = haar_split(sums, level)
        judged = [haar_split(image, level) for image, *_ in judged]
        variance = _variance(sums, level, sigma)
        for band, signs in zip(bands, DETAILS, strict=True):
            for part in (band, _faint(band, variance)):
                image = band_image(part, level, signs)
                functions.append(_inside(image, levels).ravel())
        estimates += _products(sums, bands, judged, level, sigma)
    low = band_image(sums, levels, SUM)
    functions.append(_inside(low, levels).ravel())
    return np.stack(functions), np.array(estimates)


def _variance(sums: FloatArray, level: int, sigma: float) -> FloatArray:
    """Return the noise variance of the details where the sums of photons are these."""
    return np.maximum(np.abs(sums) + np.float32(4**level * sigma**2), 1)


def _faint(band: FloatArray, variance: FloatArray) -> FloatArray:
    """Return the coefficients below the threshold, those above it near 0."""
    return band * np.exp(-_excess(band, variance))


def _slopes(
    band: FloatArray, variance: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return `_faint`, and how it grows with the coefficient and with the variance."""
    excess = _excess(band, variance)
    share = np.exp(-excess)
    faint, bend = band * share, _STEEPNESS * excess * share
    return faint, share - 2 * bend, bend * band / variance


def _excess(band: FloatArray, variance: FloatArray) -> FloatArray:
    ratio = np.minimum(band * band / (_THRESHOLD**2 * variance), _FAR)
    excess: FloatArray = ratio**_STEEPNESS
    return excess


def _products(
    sums: FloatArray,
    bands: Details,
    judged: Sequence[tuple[FloatArray, Details]],
    level: int,
    sigma: float,
) -> Iterator[float]:
    """Yield the estimated product of the truth and each function of a level.

    What is `judged`, in each square, is the light and the number of the pixels whose
    error counts.
    """
    (light, light_bands), (number, number_bands) = judged
    less = sums - 1  # what a square has with a photon less
    variance = _variance(less, level, sigma)
    # How the variance grows with the light.
    rise: FloatArray = np.sign(less, where=variance > 1, out=np.zeros_like(less))
    for band, lit, counted in zip(bands, light_bands, number_bands, strict=True):
        yield _total(lit * band - light - sigma**2 * number) / 16**level
        product = 0.0
        for sign in (1, -1):  # the photon is from the near half, or from the far one
            faint, slope, with_variance = _slopes(band - sign, variance)
            product += sign * _total((light + sign * lit) * faint)
            growth = slope + sign * rise * with_variance
            product -= sigma**2 * _total((number + sign * counted) * growth)
        yield product / 2 / 16**level


def _total(array: FloatArray) -> float:
    return float(np.sum(array, dtype=np.float64))


def bounded_weights(gram: DoubleArray, products: DoubleArray) -> DoubleArray:
    """Return the weights of least estimated error with which no band runs away.

    Coefficients above their noise are multiplied by `MOST_OF_CLEAR` at most, those
    below it by `MOST_OF_FAINT`, neither by less than 0. The paper has no bounds; where
    the noise is not the one assumed (clipped, correlated, in a few pixels only), its
    weights reach -23 and draw a checkerboard. There are two weights a band: the factor
    of clear coefficients, and what is added to it for faint ones.
    """
    bands = len(gram) // _FUNCTIONS
    to_weights = np.kron(np.eye(bands), np.array([[1.0, 0.0], [-1.0, 1.0]]))
    gram, products = to_weights.T @ gram @ to_weights, to_weights.T @ products
    size = np.sqrt(np.diag(gram))
    scale = np.divide(1, size, out=np.zeros_like(size), where=size > 0)
    powers, vectors = np.linalg.eigh(gram * scale[:, None] * scale)
    kept = powers > _SMALLEST * powers.max()
    root = np.sqrt(powers[kept])
    vectors = vectors[:, kept]
    # An idle function, of size 0, has the weight 0 whatever its bounds are.
    most = np.tile([MOST_OF_CLEAR, MOST_OF_FAINT], bands) * np.where(size > 0, size, 1)
    found = lsq_linear(
        root[:, None] * vectors.T,
        vectors.T @ (scale * products) / root,
        (0, most),
        method="bvls",
    )
    return np.asarray(to_weights @ (scale * found.x))
