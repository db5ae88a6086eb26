"""The tables of a recipe, as dataclasses; `recipe.Recipe` holds one of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Span = tuple[float, float]


@dataclass(frozen=True)
class Masking:
    """What is hidden, for `examples = "alone"`.

    Attributes
    ----------
    by
        "quarter": it sees one pixel of every 2 x 2, as an image of half the size
        (Noise2SR); "spots": some pixels are replaced by neighbours (Noise2Void);
        "lattice": every pixel of a lattice is the mean of those around it (Noise2Self);
        "capture": it sees one capture and is asked for another (Noise2Noise).
    share, radius, value
        Of "spots": which part of the pixels, how far away a neighbour may be, and
        whether it is any "neighbour" of the square around, the pixel itself among them,
        or the "median" of the others (N2V2).
    reach
        Of "spots": how many pixels above and below, and left and right, of each are
        replaced too, because their noise is known to be alike (StructN2V).
    period
        Of "lattice": pixels from one of it to the next.
    """

    by: Literal["quarter", "spots", "lattice", "capture"] = "quarter"
    share: float = 0.015
    radius: int = 5
    value: Literal["neighbour", "median"] = "neighbour"
    reach: tuple[int, int] = (0, 0)
    period: int = 4


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

    "sim" are real SIM images, for `examples = "imaging"`; "even" is light without any
    structure, from which none is to be made.
    """

    pairs: float = 0.0
    averages: float = 0.0
    sharp: float = 0.0
    simulated: float = 1.0
    even: float = 0.0
    sim: float = 0.0


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


@dataclass(frozen=True)
class Imaging:
    """What `examples = "imaging"` draws beside `Light`; most are shares of patches.

    Attributes
    ----------
    bright, bright_from
        Share of patches with so many photons or more.
    cutoff
        Of the blur, in cycles a pixel of a grid twice as fine as the image.
    known
        Share of patches whose blur is told.
    hazy, overlaid
        With light out of focus, and with a second structure over the first.
    correlated, defective
        With processed images, whose noise is correlated, and with unknown pixels.
    """

    bright: float = 0.25
    bright_from: float = 1000.0
    cutoff: Span = (0.09, 0.24)
    known: float = 0.65
    hazy: float = 0.5
    overlaid: float = 0.3
    correlated: float = 0.35
    defective: float = 0.35


@dataclass(frozen=True)
class Network:
    """A network of `w2s_cli.networks`, and its hyper-parameters."""

    name: str = "unet"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Optimiser:
    """How weights follow their gradients.

    Attributes
    ----------
    rate, betas, weight_decay
        The highest learning rate, the memories of both moments, and the L2 penalty
        (decoupled for "adamw").
    clip
        The greatest norm of a gradient; 0 for any.
    renew
        Forget the moments every so many steps; 0 for never.
    """

    name: Literal["adam", "amsgrad", "adamw"] = "adam"
    rate: float = 1e-3
    betas: Span = (0.9, 0.999)
    weight_decay: float = 0.0
    clip: float = 0.0
    renew: int = 0


@dataclass(frozen=True)
class Schedule:
    """The learning rate over the steps, as a share of its peak.

    Attributes
    ----------
    name
        "constant"; "step": times `factor` at each milestone; "halving": half as much
        every `every` steps; "cosine": down to 0 with the last step; "one-cycle": up
        from 1/10 over 30 % of the steps, then by a cosine to 1/100 000.
    warm_up
        Steps of a linear rise before it.
    """

    name: Literal["constant", "step", "halving", "cosine", "one-cycle"] = "cosine"
    warm_up: int = 0
    milestones: tuple[int, ...] = ()
    factor: float = 0.1
    every: int = 1000


@dataclass(frozen=True)
class Features:
    """What the losses "perceptual", "texture" and "gram" see: features of VGG.

    Attributes
    ----------
    weights
        "vgg19" of the catalogue, or a file with VGG-16 or VGG-19.
    layers
        Layer -> weight, for "perceptual"; names as in `w2s_cli.networks.vgg`.
    distance
        Between features, for "perceptual".
    texture
        The layer of "texture" and "gram".
    """

    weights: str = "vgg19"
    layers: Mapping[str, float] = field(default_factory=lambda: {"conv5_4": 1.0})
    distance: Literal["l1", "mse"] = "l1"
    texture: str = "conv5_4"


@dataclass(frozen=True)
class Discriminator:
    """A discriminator to train against.

    Attributes
    ----------
    network
        Of `DISCRIMINATORS`; "" for none.
    options
        Its hyper-parameters.
    kind
        "vanilla", or "relativistic": real against the mean of made, and the reverse.
    both
        Whether the relativistic loss of the network counts real images as well.
    weight
        Of its loss in the network's.
    start
        A file with weights to start from.
    unpaired
        Whether real images are those of another batch.
    optimiser
        Of the discriminator; the schedule is the network's.
    """

    network: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    kind: Literal["vanilla", "relativistic"] = "vanilla"
    both: bool = True
    weight: float = 0.0
    start: str = ""
    unpaired: bool = False
    optimiser: Optimiser = field(default_factory=lambda: Optimiser(rate=1e-4))


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
class RealEsrgan:
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
