"""What a training shows: patches, real pairs, or truth under simulated light."""

from dataclasses import dataclass
from typing import Literal

from w2s_cli.training.tables import Span


@dataclass(frozen=True)
class Patches:
    """What one step looks at.

    Attributes
    ----------
    side, batch
        Pixels along a patch of the input, and how many patches.
    stride
        Pixels between the patches of a grid that is gone through in random order; 0 for
        patches from anywhere.
    augment
        "turns": any of the eight ways to lay a square; "w2s": to half of the patches,
        each mirror and the transposition to half of them; "mirror": left and right in
        half of them; "none".
    """

    side: int = 64
    batch: int = 16
    stride: int = 0
    augment: Literal["turns", "w2s", "mirror", "none"] = "turns"


@dataclass(frozen=True)
class Pairs:
    """Real pairs on disk, for `examples = "pairs"`.

    Attributes
    ----------
    kind
        Of `w2s_cli.datasets`, where the folder `data` holds several; "" for the first.
    levels
        Numbers of averaged captures in the input; a patch has any of them.
    target
        "truth", or "another" capture of the same field and level (Noise2Noise).
    split, validation
        The splits to train on and to choose on.
    fields
        Whether `train_fields` and `validation_fields` pick from them, by number.
    few
        Train on so many pairs, drawn at random; 0 for all.
    """

    kind: str = ""
    levels: tuple[int, ...] = (1,)
    target: Literal["truth", "another"] = "truth"
    split: str = "train"
    validation: str = "validation"
    fields: bool = False
    few: int = 0


@dataclass(frozen=True)
class Sources:
    """Shares of the sources of truth (`examples.truth`); they need not add up to 1.

    "even" is light without any structure, from which none is to be made.
    """

    pairs: float = 0.0
    averages: float = 0.0
    sharp: float = 0.0
    simulated: float = 1.0
    even: float = 0.0


@dataclass(frozen=True)
class Light:
    """The exposures to simulate; spans are drawn from evenly, photons evenly in log.

    Attributes
    ----------
    photons
        Expected photons a pixel where the truth is 1. An average of K captures has K
        times the photons of one, and sqrt(K) times its read noise.
    background
        Even light, as a share of the photons.
    haze
        Out-of-focus light, as a share of the light in focus; in half of the patches,
        and in their truth.
    sigma
        Read noise in photons; in half of the patches.
    blur
        Standard deviation of the Gaussian kernels, in pixels of the truth.
    measured
        Share of patches blurred by a kernel of the data's `kernels` file instead.
    multiplied
        Share of patches with the noise of an EMCCD.
    """

    photons: Span = (2.0, 800.0)
    background: Span = (0.0, 0.3)
    haze: Span = (0.0, 0.0)
    sigma: Span = (0.0, 2.0)
    blur: Span = (1.2, 3.6)
    measured: float = 0.0
    multiplied: float = 0.0
