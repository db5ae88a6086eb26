"""The tables of a recipe, with the constraints of each field beside it.

`recipe` has one of each, and checks them with pydantic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictBool


def items(count: int) -> BeforeValidator:
    """Return the constraint of a list to have so many numbers."""

    def check(value: object) -> object:
        if isinstance(value, list | tuple) and len(value) != count:
            raise ValueError(f"should be a list of {count} numbers")
        return value

    return BeforeValidator(check)


def rising(least: float = -inf, most: float = inf, around: float = 0) -> AfterValidator:
    """Return the constraint of two numbers to rise, within bounds, around a number."""
    within = "" if least == -inf else f" of {least:g} or more"
    within = within if most == inf else f" from {least:g} to {most:g}"
    within += f", around {around:g}" if around else ""

    def check(span: tuple[float, float]) -> tuple[float, float]:
        low, high = span
        if not least <= low <= high <= most or (around and not low <= around <= high):
            raise ValueError(f"should be two rising numbers{within}")
        return span

    return AfterValidator(check)


def _some(weights: Mapping[str, float] | Sequence[float]) -> Any:
    if not any(weights.values() if isinstance(weights, Mapping) else weights):
        raise ValueError("should have a weight above 0")
    return weights


SOME = AfterValidator(_some)
_MOST = 2**31 - 1
Integer = Annotated[int, Field(ge=-_MOST, le=_MOST, strict=True)]
Count = Annotated[int, Field(ge=0, le=_MOST, strict=True)]
Positive = Annotated[int, Field(ge=1, le=_MOST, strict=True)]
Number = Annotated[float, Field(strict=True)]
Weight = Annotated[float, Field(ge=0, strict=True)]
Share = Annotated[float, Field(ge=0, le=1, strict=True)]
Memory = Annotated[float, Field(ge=0, lt=1, strict=True)]
AboveZero = Annotated[float, Field(gt=0, strict=True)]
Span = Annotated[tuple[Number, Number], items(2), rising()]
Amounts = Annotated[tuple[Weight, Weight], items(2), rising()]
Positives = Annotated[tuple[AboveZero, AboveZero], items(2), rising()]
Numbers = Annotated[tuple[Integer, Integer], items(2), rising()]
KernelKind = Literal[
    "iso",
    "aniso",
    "generalized_iso",
    "generalized_aniso",
    "plateau_iso",
    "plateau_aniso",
]


class Table:
    """What all tables have in common: no unknown key, no infinite number."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Masking(Table):
    """What a network does not see of a noisy image, for `self-supervised` examples.

    - `kind`: "subsample": it sees one pixel of every 2 x 2, as an image of half the
      size (Noise2SR); "blind-spots": some pixels are replaced by neighbours
      (Noise2Void); "grid": every pixel of a grid is the mean of those around it
      (Noise2Self); "capture": it sees one capture and is compared with another
      (Noise2Noise).
    - `share`, `radius`, `value`: of "blind-spots": the share of the pixels, how far
      away a neighbour may be, and whether it is any "neighbour" of the square around,
      the pixel itself among them, or the "median" of the others (N2V2).
    - `reach`: of "blind-spots": how many pixels above and below, and left and right, of
      each are replaced too, because their noise is correlated (StructN2V).
    - `period`: of "grid": pixels from one of it to the next.
    """

    kind: Literal["subsample", "blind-spots", "grid", "capture"] = "subsample"
    share: Annotated[float, Field(gt=0, lt=1, strict=True)] = 0.015
    radius: Positive = 5
    value: Literal["neighbour", "median"] = "neighbour"
    reach: Annotated[tuple[Count, Count], items(2)] = (0, 0)
    period: Positive = 4


def masking_of_record(recipe: Mapping[str, Any]) -> Masking | None:
    """Return the masking in the record of weights; None where they had truths."""
    if recipe.get("examples") == "self-supervised":
        return Masking(**recipe["masking"])
    if recipe.get("examples") == "alone":  # weights of the first version
        old = dict(recipe["hidden"])
        names: dict[str, Any] = {
            "quarter": "subsample",
            "spots": "blind-spots",
            "lattice": "grid",
        }
        old["kind"] = names.get(old["by"], old.pop("by"))
        return Masking(**old)
    return None


@dataclass(frozen=True)
class Patches(Table):
    """The patches of one step.

    - `side`, `batch`: pixels along a patch of the input, and how many patches.
    - `stride`: pixels between the patches of a grid that is gone through in random
      order; 0 for patches from anywhere.
    - `augment`: "turns": any of the eight ways to lay a square; "w2s": to half of the
      patches, each mirror and the transposition to half of them; "mirror": left and
      right in half of them; "none".
    """

    side: Positive = 64
    batch: Positive = 16
    stride: Count = 0
    augment: Literal["turns", "w2s", "mirror", "none"] = "turns"


@dataclass(frozen=True)
class Pairs(Table):
    """Real pairs on disk, for `examples = "pairs"`.

    - `kind`: of `w2s_cli.datasets`, where the folder `data` holds several; "" for the
      first.
    - `levels`: numbers of averaged captures in the input; a patch has any of them.
    - `target`: "truth", or "another" capture of the same truth and level (Noise2Noise).
    - `split`, `validation`: the splits to train and to validate on. "published" are all
      80 fields that W2S trains on; what is validated on is then among them.
    - `fields`: whether `train_fields` and `validation_fields` pick from them, by
      number.
    - `few`: train on so many pairs, drawn at random; 0 for all.
    """

    kind: str = ""
    levels: tuple[Positive, ...] = (1,)
    target: Literal["truth", "another"] = "truth"
    split: str = "train"
    validation: str = "validation"
    fields: StrictBool = False
    few: Count = 0


@dataclass(frozen=True)
class Sources(Table):
    """Shares of the sources of truth (`patches.truth`); they need not add up to 1.

    "sim" are real SIM images, for `examples = "imaging"`; "even" is light without any
    structure, from which none is to be made.
    """

    pairs: Weight = 0.0
    averages: Weight = 0.0
    sharp: Weight = 0.0
    simulated: Weight = 1.0
    even: Weight = 0.0
    sim: Weight = 0.0


@dataclass(frozen=True)
class Light(Table):
    """The exposures to simulate; spans are drawn from evenly, photons evenly in log.

    - `photons`: expected photons a pixel where the truth is 1. An average of K captures
      has K times the photons of one, and sqrt(K) times its read noise.
    - `background`: even light, as a share of the photons.
    - `haze`: Out-of-focus light, as a share of the light in focus; in half of the
      patches, and in their truth.
    - `sigma`: read noise in photons; in half of the patches.
    - `blur`: standard deviation of the Gaussian kernels, in pixels of the truth.
    - `measured`: share of patches blurred by a kernel of the data's `kernels` file
      instead.
    - `multiplied`: share of patches with the noise of an EMCCD.
    - `noisy`: whether there is noise; without, a network sees the expected light.
    """

    photons: Positives = (2.0, 800.0)
    background: Amounts = (0.0, 0.3)
    haze: Amounts = (0.0, 0.0)
    sigma: Amounts = (0.0, 2.0)
    blur: Positives = (1.2, 3.6)
    measured: Weight = 0.0
    multiplied: Weight = 0.0
    noisy: StrictBool = True


@dataclass(frozen=True)
class Imaging(Table):
    """What `examples = "imaging"` draws beside `Light`; most are shares of patches.

    - `bright`, `bright_from`: share of patches with so many photons or more.
    - `cutoff`: of the blur, in cycles a pixel of a grid twice as fine as the image.
    - `known`: share of patches whose blur is told.
    - `hazy`, `overlaid`: with light out of focus, and with a second structure over the
      first.
    - `correlated`, `defective`: with processed images, whose noise is correlated, and
      with unknown pixels.
    """

    bright: Share = 0.25
    bright_from: AboveZero = 1000.0
    cutoff: Positives = (0.09, 0.24)
    known: Share = 0.65
    hazy: Share = 0.5
    overlaid: Share = 0.3
    correlated: Share = 0.35
    defective: Share = 0.35


@dataclass(frozen=True)
class Network(Table):
    """A network of `w2s_cli.networks`, and its hyper-parameters."""

    name: str = "unet"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Optimiser(Table):
    """The optimiser of weights.

    - `rate`, `betas`, `weight_decay`: the highest learning rate, the memories of both
      moments, and the L2 penalty (decoupled for "adamw").
    - `clip`: the greatest norm of a gradient; 0 for any.
    - `renew`: forget the moments every so many steps; 0 for never.
    """

    name: Literal["adam", "amsgrad", "adamw"] = "adam"
    rate: Weight = 1e-3
    betas: Annotated[tuple[Memory, Memory], items(2)] = (0.9, 0.999)
    weight_decay: Weight = 0.0
    clip: Weight = 0.0
    renew: Count = 0


@dataclass(frozen=True)
class Schedule(Table):
    """The learning rate over the steps, as a share of its peak.

    - `name`: "constant"; "step": times `factor` at each milestone; "halving": half as
      much every `every` steps; "cosine": down to 0 with the last step; "one-cycle": up
      from 1/10 over 30 % of the steps, then by a cosine to 1/100 000.
    - `warm_up`: steps of a linear rise before it.
    """

    name: Literal["constant", "step", "halving", "cosine", "one-cycle"] = "cosine"
    warm_up: Count = 0
    milestones: tuple[Count, ...] = ()
    factor: Weight = 0.1
    every: Positive = 1000


@dataclass(frozen=True)
class Features(Table):
    """The VGG features that the losses "perceptual", "texture" and "gram" compare.

    - `weights`: "vgg19" of the catalogue, or a file with VGG-16 or VGG-19.
    - `layers`: layer -> weight, for "perceptual"; names as in `w2s_cli.networks.vgg`.
    - `distance`: between features, for "perceptual".
    - `texture`: the layer of "texture" and "gram".
    """

    weights: str = "vgg19"
    layers: Mapping[str, Weight] = field(default_factory=lambda: {"conv5_4": 1.0})
    distance: Literal["l1", "mse"] = "l1"
    texture: str = "conv5_4"


@dataclass(frozen=True)
class Discriminator(Table):
    """A discriminator to train against.

    - `network`, `options`: of `DISCRIMINATORS`, "" for none; and its hyper-parameters.
    - `kind`: "vanilla", or "relativistic": real against the mean of made, and the
      reverse.
    - `both`: whether the relativistic loss of the network counts real images as well.
    - `weight`: of its loss in the network's.
    - `start`: A file with weights to start from.
    - `unpaired`: whether real images are those of another batch.
    - `optimiser`: of the discriminator; the schedule is the network's.
    """

    network: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    kind: Literal["vanilla", "relativistic"] = "vanilla"
    both: StrictBool = True
    weight: Weight = 0.0
    start: str = ""
    unpaired: StrictBool = False
    optimiser: Optimiser = field(default_factory=lambda: Optimiser(rate=1e-4))


@dataclass(frozen=True)
class Mixture(Table):
    """A Gaussian mixture of patches, for a recipe of that kind.

    - `components`, `side`: number of Gaussians, and pixels along each side of a patch.
    - `patches`: how many patches one step looks at.
    - `floor`: the least variance of a component, where the noise has 1.
    """

    components: Positive = 200
    side: Annotated[int, Field(ge=2, strict=True)] = 8
    patches: Positive = 50_000
    floor: AboveZero = 1e-3


@dataclass(frozen=True)
class Stage(Table):
    """One degradation of `RealEsrgan`: blur, a change of size, noise, JPEG.

    - `blur`: share of patches that are blurred.
    - `sinc`: share of the blurs that are low-pass filters.
    - `kernels`: weight of each kind of the other blurs.
    - `sigma`, `generalized`, `plateau`: standard deviation in pixels; exponents of
      generalized and of plateau kernels.
    - `resize`: weights of enlarging, of reducing and of keeping the size.
    - `factor`: the least and the greatest change of size: in the first stage of the
      size of the truth, in the second of that of the input.
    - `gaussian`: share of patches with Gaussian noise; the others have Poisson noise.
    - `noise`: standard deviation of Gaussian noise, in 8-bit gray levels.
    - `poisson`: how much of the noise of its light is added to an image.
    - `jpeg`: Quality.
    """

    blur: Share = 1.0
    sinc: Share = 0.1
    kernels: Annotated[Mapping[KernelKind, Weight], SOME] = field(
        default_factory=lambda: {
            "iso": 0.45,
            "aniso": 0.25,
            "generalized_iso": 0.12,
            "generalized_aniso": 0.03,
            "plateau_iso": 0.12,
            "plateau_aniso": 0.03,
        }
    )
    sigma: Annotated[Span, rising(0.01, 100)] = (0.2, 3.0)
    generalized: Annotated[Span, rising(0.01, 10, around=1)] = (0.5, 4.0)
    plateau: Annotated[Span, rising(0.01, 10, around=1)] = (1.0, 2.0)
    resize: Annotated[tuple[Weight, Weight, Weight], items(3), SOME] = (0.2, 0.7, 0.1)
    factor: Annotated[Span, rising(0.01, 10, around=1)] = (0.15, 1.5)
    gaussian: Share = 0.5
    noise: Annotated[Span, rising(0, 255)] = (1.0, 30.0)
    poisson: Annotated[Span, rising(0, 100)] = (0.05, 3.0)
    jpeg: Annotated[Span, rising(1, 100)] = (30.0, 95.0)


@dataclass(frozen=True)
class SecondStage(Stage):
    """The milder degradation that follows."""

    blur: Share = 0.8
    sigma: Annotated[Span, rising(0.01, 100)] = (0.2, 1.5)
    resize: Annotated[tuple[Weight, Weight, Weight], items(3), SOME] = (0.3, 0.4, 0.3)
    factor: Annotated[Span, rising(0.01, 10, around=1)] = (0.3, 1.2)
    noise: Annotated[Span, rising(0, 255)] = (1.0, 25.0)
    poisson: Annotated[Span, rising(0, 100)] = (0.05, 2.5)


@dataclass(frozen=True)
class RealEsrgan(Table):
    """How `examples = "real-esrgan"` degrades sharp images, as Real-ESRGAN's x2 does.

    - `first`, `second`: the two degradations.
    - `final_sinc`: share of patches with a low-pass filter at the end.
    - `context`: how many times the side of a patch is degraded, before the patch is cut
      out.
    """

    first: Stage = field(default_factory=Stage)
    second: SecondStage = field(default_factory=SecondStage)
    final_sinc: Share = 0.8
    context: Annotated[float, Field(ge=1, le=10, strict=True)] = 400 / 256


@dataclass(frozen=True)
class TrainedOn(Table):
    """The range of inputs that weights are for, outside which `w2s restore` warns."""

    photons: Span
    sigma: Number
    pixel_size: Span | None = None
