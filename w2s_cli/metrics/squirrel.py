"""SQUIRREL: whether an image, blurred again, explains the widefield image it is of.

The super-resolved image is blurred, put on the input's pixels, and given the gain and
offset of least squared difference ([1]_, Eq. 1-3). What is left over is the error that
the input can show: structure that was lost, moved or invented on its scale. Detail
finer than the blur leaves no trace in it, true or false.

References
----------
.. [1] S. Culley et al., "Quantitative mapping and minimization of super-resolution
   optical imaging artifacts", Nature Methods 15 (2018).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, optimize, signal

from w2s_cli.errors import InputError, UsageError
from w2s_cli.metrics.fidelity import fit_gain_offset
from w2s_cli.metrics.input_checks import FloatImage, Image, checked_image, size

LEAST = 16
_WIDEST = 15.0  # standard deviation of the blur that is tried, in the image's pixels
_NARROWEST = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Squirrel:
    """The error of a super-resolved image against its input."""

    # Resolution-scaled error: the root of the mean squared error, in the input's units.
    # The noise of the input is part of it
    rse: float
    rsp: float  # resolution-scaled Pearson coefficient, -1 to 1
    # of the fitted blur, in pixels of the image; None where a PSF was given
    sigma: float | None
    error: FloatImage  # (Y, X), absolute, on the input's pixels and in its units
    # (Y, X), the image as the input should show it: blurred, in its pixels and units
    explained: FloatImage


def squirrel(low: Image, image: Image, *, psf: NDArray[Any] | None = None) -> Squirrel:
    """Return the error and its map.

    Parameters
    ----------
    low
        (Y, X) widefield input, 16 x 16 pixels or more.
    image
        (Y * scale, X * scale) image of the same field, for a whole scale.
    psf
        The blur between them on the image's pixels, with odd sides; None to find the
        Gaussian that explains the input best.

    Raises
    ------
    UsageError
        When the PSF has even sides, or sums to nothing.
    InputError
        When the sizes do not fit, or an image is too small, constant or not finite.
    """
    target = checked_image(low, "the input", LEAST)
    sharp = checked_image(image, "the image", LEAST)
    scale: int = sharp.shape[0] // target.shape[0]
    if scale < 1 or sharp.shape != tuple(scale * side for side in target.shape):
        raise InputError(
            f"the image is {size(sharp)} pixels and its input {size(target)}: it must "
            "have as many along Y and X, or a whole number of times as many",
            hint="the input comes first: are they swapped?",
        )
    sigma = None
    if psf is None:
        blur = _Blur(sharp, scale)
        sigma = _best_sigma(target, blur)
        seen = blur(sigma)
    else:
        seen = _binned(_blurred(sharp, psf), scale)
    explained = _matched(target, seen)
    error = np.abs(target - explained)
    one, other = target - target.mean(), seen - seen.mean()
    lengths = np.sqrt((one**2).sum() * (other**2).sum())
    return Squirrel(
        float(np.sqrt(np.mean(error**2))),
        float((one * other).sum() / max(lengths, 1e-300)),
        *(sigma, error, explained),
    )


def rse(low: Image, image: Image, *, psf: NDArray[Any] | None = None) -> float:
    """Return the resolution-scaled error: see `squirrel`."""
    return squirrel(low, image, psf=psf).rse


def rsp(low: Image, image: Image, *, psf: NDArray[Any] | None = None) -> float:
    """Return the resolution-scaled Pearson coefficient: see `squirrel`."""
    return squirrel(low, image, psf=psf).rsp


class _Blur:
    """An image under any Gaussian, mirrored at its edges, on coarse pixels."""

    def __init__(self, image: FloatImage, scale: int) -> None:
        self.scale = scale
        self.spectrum = fft.dctn(image)
        y, x = (np.arange(side) / (2 * side) for side in image.shape)
        self.squares = y[:, None] ** 2 + x**2  # of cycles a pixel

    def __call__(self, sigma: float) -> FloatImage:
        passed = np.exp(-2 * (np.pi * sigma) ** 2 * self.squares)
        return _binned(fft.idctn(self.spectrum * passed), self.scale)


def _best_sigma(target: FloatImage, blur: _Blur) -> float:
    """Return the width of the Gaussian that explains the input best."""

    def left_over(exponent: float) -> float:
        seen = blur(float(np.exp(exponent)))
        return float(np.mean((target - _matched(target, seen)) ** 2))

    found = optimize.minimize_scalar(
        left_over,
        bounds=(np.log(_NARROWEST), np.log(_WIDEST)),
        method="bounded",
        options={"xatol": 0.005},
    )
    return float(np.exp(found.x))


def _blurred(image: FloatImage, psf: NDArray[Any]) -> FloatImage:
    weights = np.asarray(psf, np.float64)
    if weights.ndim != 2 or not all(side % 2 for side in weights.shape):
        raise UsageError(f"a kernel has odd sides, found {size(weights)}")
    if not weights.sum() > 0:
        raise UsageError(f"a kernel sums to 1, found {weights.sum():g}")
    reach = [(side // 2, side // 2) for side in weights.shape]
    wide = np.pad(image, reach, "symmetric")
    return np.asarray(signal.fftconvolve(wide, weights / weights.sum(), "valid"))


def _binned(image: FloatImage, scale: int) -> FloatImage:
    """Return the means of scale x scale pixels."""
    height, width = (side // scale for side in image.shape)
    return np.asarray(image.reshape(height, scale, width, scale).mean((1, 3)))


def _matched(target: FloatImage, seen: FloatImage) -> FloatImage:
    """Return `seen` with the gain, 0 or more, and offset that fit it to `target`."""
    gain, _ = fit_gain_offset(target, seen)
    return np.asarray(max(gain, 0.0) * (seen - seen.mean()) + target.mean())
