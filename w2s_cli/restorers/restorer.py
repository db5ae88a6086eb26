"""What a method must be: a callable on a pile of planes, and its traits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import lcm
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias

from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.restorers.units import DisplayRange, Units

Series: TypeAlias = Sequence[FloatArray]
"""Planes (Y, X) of the same place, one after the other in time."""
FitProgress: TypeAlias = Callable[[int, int, float], None]
"""Called with the steps that were taken, of how many, and the loss of the last."""


@dataclass(frozen=True, slots=True)
class TrainedRange:
    """The range of images that a trained method is meant for.

    It lies inside what the method has learned from. Outside it the method may invent
    structure, and the user is told.
    """

    # Least and most light: the expected photons a pixel in the brightest parts
    photons: tuple[float, float]
    sigma: float  # most read noise, in photons
    # Smallest and largest pixel, in micrometres; None where any will do
    pixel_size: tuple[float, float] | None = None

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self | None:
        """Return the range that the record of weights tells, if it does."""
        if not (known := record.get("trained_on")):
            return None
        size = known.get("pixel_size")
        return cls(tuple(known["photons"]), known["sigma"], tuple(size or ()) or None)


@dataclass(frozen=True, slots=True)
class Fitting:
    """How a method is fitted to the images themselves before it restores any."""

    steps: int  # how many it takes; 0 once it is fitted
    memory: int = 0  # bytes that a step takes at most, about
    # Whether noise that neighbours share is taken for structure
    needs_white_noise: bool = False


class NetworkAtWork(Protocol):
    """A network, where and how it computes; called with (N, Y, X) in its units."""

    @property
    def network(self) -> Any:
        """Return the module, on the device."""

    @property
    def precision(self) -> str:
        """Return "fp32", "bf16" or "fp16"."""
        ...

    def __call__(self, blocks: FloatArray, /) -> FloatArray:
        """Return what it makes of planes."""
        ...


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
    starts_on
        Blocks begin on multiples of this as well, which their sides need not be.
    whole
        Whether the result depends on the whole plane, so that it is never tiled.
    expects
        The numbers it takes and gives.
    trained_range
        What it is meant for, for a method that was trained.
    black, white
        The counts that are 0 and 1 in `Units.UNIT`, where the user has named them.
    knows_noise
        Whether it is a `NoiseAware` restorer, to be told the noise of the channel.
    fit
        How it is fitted to the images first, for a `Fittable` restorer.
    selects
        Whether each pixel that it gives is one that it took, whole counts stay whole.
    automatic
        Whether it stands for a denoiser that the diagnosis chooses.
    noise_free
        Whether it has learned from images without noise.
    hazeless
        Whether it takes light out of focus away.
    shown_by
        What finds 0 and 1 of `Units.UNIT` in the known pixels of a channel, where they
        are not black and white.
    provenance
        What decides about the output besides the input and the options: hashes of
        files, device and precision, limits of tiling.
    device
        Where torch computes for it; None where it does not.
    network
        The network at work, for a method that is one.
    memory
        Bytes that it works with beside a block, a pixel of it: of the first million
        pixels, and of those beyond, for which the allocator wastes less. As measured.
    """

    scale: int = 1
    margin: int = 0
    multiple_of: int = 1
    starts_on: int = 1
    whole: bool = False
    expects: Units = Units.COUNTS
    trained_range: TrainedRange | None = None
    black: float | None = None
    white: float | None = None
    knows_noise: bool = False
    fit: Fitting | None = None
    selects: bool = False
    automatic: bool = False
    noise_free: bool = False
    hazeless: bool = False
    shown_by: Callable[[NDArray[Any]], DisplayRange] | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    device: str | None = None
    network: NetworkAtWork | None = None
    memory: tuple[int, int] = (16, 0)

    @property
    def grid(self) -> int:
        """Return what a block begins on multiples of."""
        return lcm(self.multiple_of, self.starts_on)

    @property
    def needs_noise(self) -> bool:
        """Return whether it works in units that a noise model defines."""
        return self.expects.needs_noise

    @property
    def needs_range(self) -> bool:
        """Return whether black and white must be measured for it."""
        return self.expects.needs_range and None in (self.black, self.white)

    @property
    def trained(self) -> bool:
        """Return whether it computes with weights."""
        return self.fit is not None or "weights_sha256" in self.provenance


class Restorer(Protocol):
    """Restore a pile of equally sized planes."""

    @property
    def traits(self) -> Traits:
        """Return what the driver has to know."""
        ...

    def __call__(self, blocks: FloatArray, /) -> FloatArray:
        """Map (N, Y, X) to (N, Y * scale, X * scale)."""
        ...


class NoiseAware(Restorer, Protocol):
    """A restorer whose numbers do not tell it all that it must know of the noise."""

    def with_noise(self, noise: NoiseModel) -> Restorer:
        """Return the restorer for images with this noise."""
        ...


class Fittable(Restorer, Protocol):
    """A restorer that is fitted to the images themselves before it is called."""

    @property
    def weights(self) -> Path | None:
        """Return the file that holds what was fitted; None before."""
        ...

    def fitted(
        self, series: Callable[[], Sequence[Series]], progress: FitProgress, /
    ) -> Self:
        """Return the restorer, fitted to images in stabilised counts.

        `series` gives them when it is called; `progress` is called after each step.
        Raises InputError when nothing can be learned from them.
        """
        ...
