"""What pairs of images say about the kernel between them, as linear equations.

Least squares asks for `matrix @ kernel = vector`: the matrix holds the correlations of
the sharp image with itself, the vector those with the widefield image. Where a kernel
may be of any size, both are diagonal in Fourier space and their quotient solves Eq. 2
of the W2S paper ([1]_); for a kernel of few pixels it takes a small dense system.

The camera sees only every second position of the kernel: the sharp image is taken
apart into its even and odd rows and columns ("phases"), whose correlations are computed
on the camera's grid. So what the camera aliases is accounted for.

References
----------
.. [1] R. Zhou, M. El Helou, D. Sage, T. Laroche, A. Seitz and S. Susstrunk, "W2S:
   Microscopy data with joint denoising and super-resolution for widefield to SIM
   mapping", ECCV Workshops (2020), Eq. 2.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from w2s_cli.estimate.alignment import Alignment
from w2s_cli.estimate.overlay import FloatArray, Overlay

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """The correlations of pairs, each pair weighed by its noise.

    Attributes
    ----------
    auto
        (S, S, S, S, L, L): of the phases (Y, X) with the phases (Y, X), for the
        lags along Y and X.
    cross
        (S, S, L, L): of the phases with what is left of the widefield image.
    energy
        Of what is left, in units of the noise variance.
    count
        How many pixels there are.
    """

    auto: Values
    cross: Values
    energy: float
    count: float

    def __add__(self, other: "Equations") -> "Equations":
        """Return the equations of both."""
        return Equations(
            self.auto + other.auto,
            self.cross + other.cross,
            self.energy + other.energy,
            self.count + other.count,
        )

    def system(self, reach: int) -> tuple[Values, Values]:
        """Return matrix and vector for the weights of a kernel, row by row."""
        scale, lags = len(self.auto), self.auto.shape[-1] // 2
        place = np.arange(-reach, reach + 1)
        phase = place % scale
        step = (place - phase) // scale
        apart = step[:, None] - step[None, :] + lags
        matrix = self.auto[
            phase[:, None, None, None],
            phase[None, :, None, None],
            phase[None, None, :, None],
            phase[None, None, None, :],
            apart[:, None, :, None],
            apart[None, :, None, :],
        ]
        vector = self.cross[
            phase[:, None],
            phase[None, :],
            step[:, None] + lags,
            step[None, :] + lags,
        ]
        return matrix.reshape(place.size**2, -1), vector.ravel()


def equations(
    overlay: Overlay, left: FloatArray, alignment: Alignment, noise: float
) -> Equations:
    """Return the equations of one pair for the change of the kernel that is missing.

    Parameters
    ----------
    overlay
        The pair.
    left
        (Y, X), what is left of the widefield image when the kernel so far has been
        taken into account; its weighted mean is 0.
    alignment
        Of the pair.
    noise
        Variance of the noise of the widefield image.
    """
    weight = overlay.weight.astype(np.float64)
    phases = _phases(overlay, alignment)
    root = np.sqrt(weight)
    residual = fft.rfft2(weight * left)
    plain = [[fft.rfft2(phase) for phase in row] for row in phases]
    tapered = [[fft.rfft2(root * phase) for phase in row] for row in phases]
    scale, shape = overlay.scale, left.shape
    farthest = 2 * overlay.reach // scale + 1
    lags = np.arange(-farthest, farthest + 1)
    near = np.ix_(lags, lags)
    auto = np.empty((scale,) * 4 + (len(lags),) * 2)
    cross = np.empty((scale,) * 2 + (len(lags),) * 2)
    each = range(scale)
    for a, b in product(each, each):
        cross[a, b] = fft.irfft2(plain[a][b].conj() * residual, shape)[near]
        for c, d in product(each, each):
            power = tapered[a][b].conj() * tapered[c][d]
            auto[a, b, c, d] = fft.irfft2(power, shape)[near]
    energy = float((weight * left.astype(np.float64) ** 2).sum())
    gain = alignment.gain
    return Equations(
        auto * (gain**2 / noise),
        cross * (gain / noise),
        energy / noise,
        float(weight.sum()),
    )


def _phases(overlay: Overlay, alignment: Alignment) -> list[list[Values]]:
    """Return what the camera would see of the sharp image moved by 0 or 1 pixels."""
    image = overlay.moved(alignment.shift).astype(np.float64)
    scale = overlay.scale
    for axis in range(2):
        within = [np.roll(image, -step, axis) for step in range(scale)]
        image = np.mean(within, axis=0)
    phases = [
        [np.roll(image, (a, b), (0, 1))[::scale, ::scale] for b in range(scale)]
        for a in range(scale)
    ]
    mean = overlay.mean(phases[0][0])
    return [[phase - mean for phase in row] for row in phases]
