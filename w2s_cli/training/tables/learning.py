"""What learns, how, and what it is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from w2s_cli.training.tables import Span


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
class Adversary:
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
