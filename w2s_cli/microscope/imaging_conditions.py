"""What a stabilised image does not show of the camera and of the blur, as numbers.

A network that sees stabilised counts knows the standard deviation of their noise, 1. It
is told the rest: the value of no light, how much of its noise a pixel shares with its
neighbours, and how far the optics pass each spatial frequency. A blur that is not known
is a value of its own, which networks learn beside the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import asinh, log, pi, sqrt
from typing import Self

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import FARTHEST, NoiseModel
from w2s_cli.microscope.psf import PSF

LAGS = ((0, 1), (1, 0), (0, 2), (2, 0))
"""Pixels along Y and X between two whose noise is compared."""
FREQUENCIES = (0.06, 0.12, 0.18, 0.24, 0.32)
"""Cycles a pixel of the image at which the transfer of the blur is told."""
CAMERA_NUMBERS = 1 + len(LAGS)
BLUR_NUMBERS = len(FREQUENCIES) + 1
_FLOOR_SCALE = 4.0  # stabilised value around which its logarithm takes over
_DIRECTIONS = 8
_FWHM = 2 * sqrt(2 * log(2))  # of a Gaussian, over its standard deviation


@dataclass(frozen=True, slots=True)
class ImagingConditions:
    """What is known of an image beside its pixels.

    - `floor`: the stabilised value of no light, `NoiseModel.floor`.
    - `correlation`: correlation of the noise at each of `LAGS`, -1 to 1.
    - `transfer`: how far the blur passes each of `FREQUENCIES`, 0 to 1; None where it
      is unknown.
    """

    floor: float = 2 * sqrt(0.375)
    correlation: tuple[float, ...] = (0.0,) * len(LAGS)
    transfer: tuple[float, ...] | None = None

    def knowing(self, noise: NoiseModel, lowered: float = 0.0) -> Self:
        """Return the conditions with the noise of a camera.

        Stabilised values are `lowered` by as much before a network gets them.
        """
        told = noise.correlation
        shared = [told[y][FARTHEST + x] if told else 0.0 for y, x in LAGS]
        floor = noise.floor - lowered
        return replace(self, floor=floor, correlation=tuple(shared))

    @property
    def camera(self) -> tuple[float, ...]:
        """Return the `CAMERA_NUMBERS` numbers of the noise."""
        return (asinh(self.floor / _FLOOR_SCALE), *self.correlation)

    @property
    def blur(self) -> tuple[float, ...]:
        """Return the `BLUR_NUMBERS` numbers of the blur, the last 1 if it is known."""
        if self.transfer is None:
            return (0.0,) * BLUR_NUMBERS
        return (*self.transfer, 1.0)

    def __str__(self) -> str:
        """Return the conditions in words, for a record."""
        shared = ", ".join(
            f"{one:.2f} at {y},{x}"
            for (y, x), one in zip(LAGS, self.correlation, strict=True)
        )
        blur = "unknown"
        if self.transfer is not None:
            passed = zip(FREQUENCIES, self.transfer, strict=True)
            blur = ", ".join(
                f"{one:.2f} at {at:g} cycles a pixel" for at, one in passed
            )
        floor = f"no light is {self.floor:.2f}"
        return f"{floor}; correlation of the noise {shared}; blur {blur}"

    def numbers(self, count: int) -> tuple[float, ...]:
        """Return the first `count` numbers, those of the noise before the blur's.

        Raises ValueError when there are not so many.
        """
        known = (*self.camera, *self.blur)
        if count not in (CAMERA_NUMBERS, len(known)):
            raise ValueError(f"a network takes {count} conditions, there are {known}")
        return known[:count]

    def transposed(self) -> Self:
        """Return the conditions of the image with Y and X exchanged."""
        swapped = [LAGS.index((x, y)) for y, x in LAGS]
        return replace(self, correlation=tuple(self.correlation[at] for at in swapped))


def autocorrelation(noise: FloatArray) -> tuple[float, ...]:
    """Return the correlation of (Y, X) noise of any mean and spread at each of `LAGS`.

    Noise that is the same everywhere has none.
    """
    centred = noise - noise.mean(dtype=np.float64)
    height, width = noise.shape
    power = float(np.mean(centred**2))
    return tuple(
        float(np.mean(centred[y:, x:] * centred[: height - y, : width - x]))
        / max(power, 1e-12)
        for y, x in LAGS
    )


def gaussian_transfer(fwhm: float) -> tuple[float, ...]:
    """Return the transfer of a Gaussian blur of a full width in pixels of the image."""
    sigma = fwhm / _FWHM
    frequency = np.array(FREQUENCIES)
    return _numbers(np.exp(-2 * (pi * sigma * frequency) ** 2))


def diffraction_transfer(cutoff: float) -> tuple[float, ...]:
    """Return the transfer of a widefield microscope in focus.

    - `cutoff`: the highest frequency that it passes, `2 NA / wavelength`, in cycles a
      pixel of the image.
    """
    share = np.minimum(np.array(FREQUENCIES) / cutoff, 1)
    return _numbers(2 / pi * (np.arccos(share) - share * np.sqrt(1 - share**2)))


def psf_transfer(psf: PSF, finer: int = 1) -> tuple[float, ...]:
    """Return the transfer of a measured blur, its mean over all directions.

    - `psf`: of any shape.
    - `finer`: its pixels along a pixel of the image.
    """
    y, x = (np.arange(side) - side // 2 for side in psf.weights.shape)
    angles = np.arange(_DIRECTIONS) * pi / _DIRECTIONS
    passed = []
    for frequency in FREQUENCIES:
        turn = 2j * pi * frequency / finer
        along_y = np.exp(turn * np.outer(np.sin(angles), y))
        along_x = np.exp(turn * np.outer(np.cos(angles), x))
        waves = np.einsum("ay,yx,ax->a", along_y, psf.weights, along_x)
        passed.append(np.abs(waves).mean() / psf.weights.sum())
    return _numbers(passed)


def _numbers(values: Sequence[float] | np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
