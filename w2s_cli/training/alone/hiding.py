"""What a network does not see of a noisy image, and is asked for.

References
----------
.. [1] X. Tian et al., "Noise2SR: learning to denoise from super-resolved single noisy
   fluorescence image", MICCAI 2022.
.. [2] J. Batson and L. Royer, "Noise2Self: blind denoising by self-supervision", ICML
   2019.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.ndimage import convolve

from w2s_cli.restore import FloatArray
from w2s_cli.training.alone.shown import Hiding, Shown, lattice
from w2s_cli.training.alone.spots import Spots
from w2s_cli.training.tables.alone import Hidden


def hiding_of(hidden: Hidden) -> Hiding:
    """Return the way to hide that a recipe names; another capture hides nothing."""
    match hidden.by:
        case "quarter":
            return Quarter()
        case "spots":
            return Spots(hidden.share, hidden.radius, hidden.value, hidden.reach)
        case "lattice":
            return Lattice(hidden.period)
        case "capture":
            return Nothing()


@dataclass(frozen=True, slots=True)
class Quarter:
    """Show one pixel of every 2 x 2, any of them, as half the image ([1]_, 2.2)."""

    scale: ClassVar[int] = 2

    def __call__(self, noisy: FloatArray, rng: np.random.Generator) -> Shown:
        """Hide three quarters of a patch."""
        height, width = (side // 2 for side in noisy.shape)
        cells = noisy.reshape(height, 2, width, 2).swapaxes(1, 2).reshape(-1, 4)
        taken = rng.integers(4, size=len(cells))
        image = cells[np.arange(len(cells)), taken].reshape(height, width)
        hidden = np.arange(4) != taken[:, None]
        whole = hidden.reshape(height, width, 2, 2).swapaxes(1, 2)
        return Shown(image, whole.reshape(noisy.shape))


@dataclass(frozen=True, slots=True)
class Lattice:
    """Fill in every pixel of a lattice from those around it ([2]_).

    Attributes
    ----------
    period
        Pixels from one of the lattice to the next.
    """

    scale: ClassVar[int] = 1

    period: int = 4

    def __call__(self, noisy: FloatArray, rng: np.random.Generator) -> Shown:
        """Hide one of the lattices of a patch."""
        return self.at(noisy, int(rng.integers(self.period**2)))

    def at(self, noisy: FloatArray, number: int) -> Shown:
        """Hide the lattice of a number below `period` squared."""
        hidden = lattice(noisy.shape, self.period, number)
        around = convolve(noisy, _AROUND, mode="mirror")
        return Shown(np.where(hidden, around, noisy), hidden)


@dataclass(frozen=True, slots=True)
class Nothing:
    """Show all of a patch: what is asked for is another capture."""

    scale: ClassVar[int] = 1

    def __call__(self, noisy: FloatArray, rng: np.random.Generator) -> Shown:
        """Hide nothing."""
        return Shown(noisy, np.ones(noisy.shape, bool))


_AROUND = np.array([[0.5, 1, 0.5], [1, 0, 1], [0.5, 1, 0.5]], np.float32) / 6
