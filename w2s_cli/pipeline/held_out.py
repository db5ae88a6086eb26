"""How well methods predict light of an image that they have not seen.

Noise is added to a few squares of the image, and the same noise, larger, is taken away
from a copy. What noise the two have then is independent ([1]_, [2]_): what a method
makes of the first can only come near the second by coming near the truth. The second's
own noise adds the same to every method's error, and is taken off.

References
----------
.. [1] T. Pang, H. Zheng, Y. Quan and H. Ji, "Recorrupted-to-recorrupted: unsupervised
   deep learning for image denoising", CVPR (2021).
.. [2] N. L. Oliveira, J. Lei and R. J. Tibshirani, "Unbiased risk estimation in the
   normal means problem via coupled bootstrap techniques", Electron. J. Stat. 18 (2024).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, median_filter

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import Correlation, NoiseModel, noise_power

Method = Callable[[FloatArray, NoiseModel], FloatArray]
"""From counts (Y, X) and their noise to counts, (Y, X) or a multiple of it."""

_SIDE = 192  # of a square, in pixels
_MOST = 4  # squares of a channel
_ADDED = 0.5  # noise added to what a method sees, over the image's own
_FLOOR = 0.25  # of the mean variance, so that dark pixels do not decide alone
_BLOCK, _EDGE = 16, 8  # pixels
_DEFECT = 8.0  # deviations from its neighbours that make a pixel a defect


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a method leaves of the noise.

    Attributes
    ----------
    error
        Mean squared error of its result over the variance of the noise: 1 is that of
        the image itself.
    deviation
        Standard error of that.
    change
        Mean squared difference from what the method saw, over the variance.
    sharpened
        That between an enlarged result and itself, blurred as the image is; 0 of
        methods that keep the size.
    gains
        The errors of blocks of pixels less that of the image itself.
    """

    error: float
    deviation: float
    change: float
    sharpened: float
    gains: NDArray[np.float64]

    def excess_over(self, other: "HeldOut | None") -> tuple[float, float]:
        """Return how much larger the error is than another's, and its standard error.

        That is smaller than those of the two, which share the noise held out. None
        stands for the image itself.
        """
        more = self.gains - (other.gains if other else 0)
        return float(more.mean()), float(more.std() / np.sqrt(len(more)))


def squares_of(planes: Sequence[NDArray[Any]]) -> tuple[FloatArray, ...]:
    """Return a few squares of (Y, X) planes, from the brightest to a dark one."""
    found = []
    for plane in planes:
        starts = [range(0, max(side - _SIDE, 0) + 1, _SIDE) for side in plane.shape]
        for y in starts[0]:
            for x in starts[1]:
                square = plane[y : y + _SIDE, x : x + _SIDE]
                if np.isfinite(square).all() and square.min() < square.max():
                    found.append(square)
    found.sort(key=lambda one: -float(np.median(one)))
    step = max(len(found) // _MOST, 1)
    return tuple(one.astype(np.float32) for one in found[::step][:_MOST])


def held_out_errors(
    squares: Sequence[FloatArray], noise: NoiseModel, methods: Mapping[str, Method]
) -> dict[str, HeldOut]:
    """Return how well each method predicts held-out light.

    Parameters
    ----------
    squares
        (Y, X) counts.
    noise
        Of one pixel, and its correlation, if there is one.
    methods
        By any name; they take noise for white.
    """
    rng = np.random.default_rng(0)
    trials = [_Trial.of(square, noise, rng) for square in squares]
    power = sum(trial.power for trial in trials) / len(trials)
    found = {}
    for name, method in methods.items():
        made = [method(trial.seen, trial.noise) for trial in trials]
        gains, change, sharpened = [], 0.0, 0.0
        for trial, image in zip(trials, made, strict=True):
            plain, shown = trial.on_its_pixels(image)
            gains.append(trial.blocks(shown))
            change += trial.apart(shown, trial.seen)
            sharpened += trial.apart(plain, shown)
        gain = np.concatenate(gains) / power
        found[name] = HeldOut(
            1 + float(gain.mean()),
            float(gain.std() / np.sqrt(len(gain))),
            change / len(trials) / power,
            sharpened / len(trials) / power,
            gain,
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """One square, in two copies whose noise is independent."""

    seen: FloatArray  # (Y, X) counts, for the methods
    noise: NoiseModel  # of those
    held_out: FloatArray
    weight: FloatArray  # of each pixel's squared error
    power: float  # the weighted variance of the noise of the square

    @classmethod
    def of(
        cls, square: FloatArray, noise: NoiseModel, rng: np.random.Generator
    ) -> "_Trial":
        square = _without_outliers(square, noise)
        variance = noise.variance(gaussian_filter(square, 2.0))
        weight = 1 / (variance + _FLOOR * variance.mean() + 1e-30)
        added = np.sqrt(variance) * _noise(noise.correlation, square.shape, rng)
        more = 1 + _ADDED**2
        return cls(
            np.asarray(square + _ADDED * added, np.float32),
            NoiseModel(
                noise.gain * more, noise.offset, noise.read_noise * float(np.sqrt(more))
            ),
            np.asarray(square - added / _ADDED, np.float32),
            np.asarray(weight, np.float32),
            float((weight * variance).mean()),
        )

    def on_its_pixels(self, image: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return an image as sharp as it is, and as the square would show it.

        An enlarged one is blurred by what fits what the method saw.
        """
        if image.shape == self.seen.shape:
            return image, image
        # What this imports takes half a second.
        from w2s_cli.microscope.reblurring import binned, fit_blur

        everywhere = np.ones(self.seen.shape, np.bool_)
        variance = np.asarray(1 / self.weight, np.float32)
        blur = fit_blur(self.seen, image, variance, everywhere)
        return binned(image, blur.scale), blur(image)

    def apart(self, one: FloatArray, other: FloatArray) -> float:
        """Return the mean squared difference of two images, weighted."""
        return float(((one - other) ** 2 * self.weight).mean())

    def blocks(self, image: FloatArray) -> NDArray[np.float64]:
        """Return the weighted error of an image less that of the square, by blocks.

        What was seen has the noise of the square and what was added: the latter is
        taken off its error.
        """
        ours, own = (
            (one - self.held_out) ** 2 * self.weight for one in (image, self.seen)
        )
        gain = (ours - own).astype(np.float64) + _ADDED**2 * self.power
        edge = _EDGE if min(gain.shape) >= 2 * _EDGE + _BLOCK else 0
        rows, columns = (max((side - 2 * edge) // _BLOCK, 1) for side in gain.shape)
        inner = gain[edge:, edge:][: rows * _BLOCK, : columns * _BLOCK]
        return np.array(
            [
                part.mean()
                for band in np.array_split(inner, rows)
                for part in np.array_split(band, columns, axis=1)
            ]
        )


def _without_outliers(square: FloatArray, noise: NoiseModel) -> FloatArray:
    """Return the square without single pixels that no noise explains."""
    middle = median_filter(square, 3)
    spread = np.sqrt(np.maximum(noise.variance(middle), 1e-30))
    return np.where(np.abs(square - middle) > _DEFECT * spread, middle, square)


def _noise(
    correlation: Correlation | None, shape: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return noise of variance 1, correlated as is said."""
    white = rng.standard_normal(shape)
    if correlation is None:
        return white
    power = np.maximum(noise_power(correlation, shape), 0)
    found = np.fft.ifft2(np.fft.fft2(white) * np.sqrt(power / power.mean()))
    return np.asarray(found.real)
