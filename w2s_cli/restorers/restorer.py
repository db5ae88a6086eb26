"""What a method must be: a callable on a pile of planes, and its traits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol, Self, TypeAlias, runtime_checkable

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel

Series: TypeAlias = Sequence[FloatArray]
"""Planes (Y, X) of the same place, one after the other in time."""
FitProgress: TypeAlias = Callable[[int, int, float], None]
"""Called with the steps that were taken, of how many, and the loss of the last."""


class Domain(Enum):
    """The numbers that a restorer takes and gives."""

    COUNTS = "camera counts"
    PHOTONS = "photon units: an expectation of p has the noise variance p + sigma^2"
    STABILISED = "stabilised counts, noise sd 1; gives the mean of such values"
    ROOT = "stabilised counts, noise sd 1; gives the transform of the truth"
    Z = "counts less the W2S mean, over the W2S spread"
    Z_GREY = "that over 255"
    UNIT = "0 where the channel is black, 1 where it is white"
    CENTRED = "that less 0.5"


STATISTICAL = frozenset({Domain.PHOTONS, Domain.STABILISED, Domain.ROOT})
"""The domains that a noise model defines."""
RELATIVE = frozenset({Domain.UNIT, Domain.CENTRED})
"""The domains that black and white define."""


@dataclass(frozen=True, slots=True)
class TrainedRange:
    """The range of images that a trained method is meant for.

    It lies inside what the method has learned from. Outside it the method may invent
    structure, and the user is told.

    Attributes
    ----------
    photons
        Least and most light: the expected photons a pixel in the brightest parts.
    sigma
        Most read noise, in photons.
    pixel_size
        Smallest and largest pixel, in micrometres; None where any will do.
    """

    photons: tuple[float, float]
    sigma: float
    pixel_size: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Traits:
    """What the driver has to know about a restorer, and all that it knows.

    Attributes
    ----------
    scale
        Output pixels per input pixel along Y and X.
    margin
        Input pixels on each side of a tile that its result depends on.
    multiple_of
        The sides of a block must be multiples of this, counted from the image's
        corner.
    whole
        Whether the result depends on the whole plane, so that it is never tiled.
    expects
        The numbers it takes and gives.
    seen
        What it is meant for, for a method that was trained.
    black, white
        The counts that are 0 and 1 in `Domain.UNIT`, where the user has named them.
    """

    scale: int = 1
    margin: int = 0
    multiple_of: int = 1
    whole: bool = False
    expects: Domain = Domain.COUNTS
    seen: TrainedRange | None = None
    black: float | None = None
    white: float | None = None


class Restorer(Protocol):
    """Restore a pile of equally sized planes."""

    @property
    def traits(self) -> Traits:
        """Return what the driver has to know."""
        ...

    def __call__(self, blocks: FloatArray, /) -> FloatArray:
        """Map (N, Y, X) to (N, Y * scale, X * scale)."""
        ...


@runtime_checkable
class NoiseAware(Protocol):
    """A restorer whose numbers do not tell it all that it must know of the noise."""

    def knowing(self, noise: NoiseModel) -> Restorer:
        """Return the restorer for images with this noise."""
        ...


@runtime_checkable
class Fittable(Restorer, Protocol):
    """A restorer that learns from the images themselves before it is called."""

    @property
    def weights(self) -> Path | None:
        """Return the file that holds what it has learned; None before."""
        ...

    @property
    def steps(self) -> int:
        """Return how many steps it takes to learn; 0 once it has learned."""
        ...

    @property
    def memory(self) -> int:
        """Return how many bytes a step of learning takes at most, about."""
        ...

    @property
    def needs_white_noise(self) -> bool:
        """Return whether it takes noise that neighbours share for structure."""
        ...

    def taught(
        self, series: Callable[[], Sequence[Series]], told: FitProgress, /
    ) -> Self:
        """Return the restorer when it has learned.

        Parameters
        ----------
        series
            Gives the images to learn from, in stabilised counts, when it is called.
        told
            What to call after each step.

        Raises
        ------
        InputError
            When nothing can be learned from them.
        """
        ...
