"""Real-ESRGAN's degradation, as published where a recipe says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from w2s_cli.training.tables import Span


@dataclass(frozen=True)
class Stage:
    """One degradation of `SecondOrder`: blur, a change of size, noise, JPEG.

    Attributes
    ----------
    blur
        Share of patches that are blurred.
    sinc
        Share of the blurs that are low-pass filters.
    kernels
        Weight of each kind of the other blurs.
    sigma, generalized, plateau
        Standard deviation in pixels; exponents of generalized and of plateau kernels.
    resize
        Weights of enlarging, of reducing and of keeping the size.
    factor
        The least and the greatest change of size: in the first stage of the size of
        the truth, in the second of that of the input.
    gaussian
        Share of patches with Gaussian noise; the others have Poisson noise.
    noise
        Standard deviation of Gaussian noise, in 8-bit gray levels.
    poisson
        How much of the noise of its light is added to an image.
    jpeg
        Quality.
    """

    blur: float = 1.0
    sinc: float = 0.1
    kernels: Mapping[str, float] = field(
        default_factory=lambda: {
            "iso": 0.45,
            "aniso": 0.25,
            "generalized_iso": 0.12,
            "generalized_aniso": 0.03,
            "plateau_iso": 0.12,
            "plateau_aniso": 0.03,
        }
    )
    sigma: Span = (0.2, 3.0)
    generalized: Span = (0.5, 4.0)
    plateau: Span = (1.0, 2.0)
    resize: tuple[float, float, float] = (0.2, 0.7, 0.1)
    factor: Span = (0.15, 1.5)
    gaussian: float = 0.5
    noise: Span = (1.0, 30.0)
    poisson: Span = (0.05, 3.0)
    jpeg: Span = (30.0, 95.0)


@dataclass(frozen=True)
class SecondStage(Stage):
    """The milder degradation that follows."""

    blur: float = 0.8
    sigma: Span = (0.2, 1.5)
    resize: tuple[float, float, float] = (0.3, 0.4, 0.3)
    factor: Span = (0.3, 1.2)
    noise: Span = (1.0, 25.0)
    poisson: Span = (0.05, 2.5)


@dataclass(frozen=True)
class SecondOrder:
    """How `examples = "second-order"` degrades sharp images, as Real-ESRGAN's x2 does.

    Attributes
    ----------
    first, second
        The two degradations.
    final_sinc
        Share of patches with a low-pass filter at the end.
    context
        How many times the side of a patch is degraded, before the patch is cut out.
    """

    first: Stage = field(default_factory=Stage)
    second: SecondStage = field(default_factory=SecondStage)
    final_sinc: float = 0.8
    context: float = 400 / 256
