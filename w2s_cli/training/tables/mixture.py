"""What a recipe for a Gaussian mixture of patches has of its own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mixture:
    """A Gaussian mixture of patches, for a recipe of that kind.

    Attributes
    ----------
    components, side
        Number of Gaussians, and pixels along each side of a patch.
    patches
        How many patches one step looks at.
    floor
        The least variance of a component, where the noise has 1.
    """

    components: int = 200
    side: int = 8
    patches: int = 50_000
    floor: float = 1e-3
