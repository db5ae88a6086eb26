"""How a simulated image is taken: its light, its camera and its noise."""

from dataclasses import dataclass
from math import inf

from w2s_cli.errors import UsageError
from w2s_cli.physics.noise import NoiseModel

FULL = 65535
"""The most counts of a 16-bit camera."""
_PHOTONS = "it counts photons a camera pixel"
_MEANING = {
    "photons": _PHOTONS,
    "background": _PHOTONS,
    "haze": "it is a share of the light in focus, often 0.1 to 0.5",
}


@dataclass(frozen=True, slots=True)
class Recording:
    """How a simulated image is taken.

    Attributes
    ----------
    noise
        Of the camera.
    photons
        Expected in a camera pixel that is as bright as the 99.8th percentile of the
        truth, before the blur; 0 where the truth is in photons a camera pixel already.
    background
        Even light, in photons a camera pixel.
    haze
        Light from out of focus, as a share of the light in focus.
    multiplied
        Whether an EMCCD multiplies the electrons.
    scale
        Truth pixels along the side of a camera pixel, 1 or 2.
    seed
        Chooses the noise.
    """

    noise: NoiseModel
    photons: float = 0.0
    background: float = 0.0
    haze: float = 0.0
    multiplied: bool = False
    scale: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        for name, meaning in _MEANING.items():
            value = getattr(self, name)
            if not 0 <= value < inf:
                raise UsageError(
                    f"--{name} must be 0 or more, found {value:g}", hint=meaning
                )
        if not 0 <= self.noise.offset < FULL:
            raise UsageError(
                f"--offset must be 0 or more and below {FULL}, "
                f"found {self.noise.offset:g}",
                hint="a 16-bit camera reads it where there is no light, often 100",
            )
