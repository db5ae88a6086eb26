"""What to train, as a dataclass of tables; `reading` makes it from a TOML file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from w2s_cli.training.recipe_tables import (
    Discriminator,
    Features,
    Imaging,
    Light,
    Masking,
    Mixture,
    Network,
    Optimiser,
    Pairs,
    Patches,
    RealEsrgan,
    Schedule,
    Sources,
)

Units = Literal["root", "z", "z/255", "unit", "centred"]


@dataclass(frozen=True)
class Recipe:
    """A training, whole.

    Attributes
    ----------
    name
        What the weights are called.
    kind
        "network", or "mixture" for a Gaussian mixture of patches, to which only the
        settings of the truth, the steps and the table `mixture` apply.
    paper, deviates
        The table and row that the recipe stands for, and what it does otherwise.
    data
        The folder that holds the images: as `examples.truth` says for "physics", as one
        of `w2s_cli.datasets` for the others; for "second-order", any images will do.
    runs
        The folder that gets checkpoints, the log and the weights.
    examples
        "physics": truth from `sources`, degraded by `light`, beside real W2S pairs;
        "imaging": the same and more, by `imaging`, for networks that are told of noise
        and blur; "pairs": real pairs; "second-order": truths degraded as Real-ESRGAN
        does; "alone": noisy images, of which a part is `hidden`.
    units
        What the network takes and gives: "root", stabilised counts, or one of
        `w2s_cli.networks.rebuild.Units`.
    start
        Weights to start from: a file, or a name of the catalogue; "" for none.
    loss
        Weight of each of `w2s_cli.training.losses.LOSSES`.
    steps, average
        How many steps, and the memory of the weights' moving average; 0 for none.
    patience
        Stop after so many steps without a better validation, and keep the best; 0 for
        never.
    fields
        The first and last field of view to train on; and those to validate on.
    simulated_fields
        How many simulated fields there are at a time; each step replaces one.
    seen
        The range of inputs that the weights are for; for `units = "root"`.
    phases
        Trainings one after the other, each from the weights of the one before. They
        are this recipe but for what their tables say.
    """

    name: str
    kind: Literal["network", "mixture"] = "network"
    summary: str = ""
    paper: str = ""
    deviates: str = ""
    licence: str = "MIT"
    data: Path = Path("data")
    runs: Path = Path("runs")
    examples: Literal["physics", "imaging", "pairs", "second-order", "alone"] = (
        "physics"
    )
    units: Units = "root"
    start: str = ""
    loss: Mapping[str, float] = field(default_factory=lambda: {"counts": 1.0})
    steps: int = 4000
    average: float = 0.0
    patience: int = 0
    seed: int = 0
    threads: int = 0
    precision: Literal["bf16", "fp32"] = "fp32"
    device: str = "auto"
    validate_every: int = 500
    validation_batches: int = 16
    train_fields: tuple[int, int] = (1, 70)
    validation_fields: tuple[int, int] = (71, 80)
    simulated_fields: int = 100
    network: Network = field(default_factory=Network)
    patches: Patches = field(default_factory=Patches)
    pairs: Pairs = field(default_factory=Pairs)
    sources: Sources = field(default_factory=Sources)
    light: Light = field(default_factory=Light)
    imaging: Imaging = field(default_factory=Imaging)
    hidden: Masking = field(default_factory=Masking)
    second_order: RealEsrgan = field(default_factory=RealEsrgan)
    mixture: Mixture = field(default_factory=Mixture)
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)
    features: Features = field(default_factory=Features)
    adversary: Discriminator = field(default_factory=Discriminator)
    seen: Mapping[str, Any] = field(default_factory=dict)
    phases: "tuple[Recipe, ...]" = ()

    @property
    def parts(self) -> "tuple[Recipe, ...]":
        """Return the trainings that it consists of, one after the other."""
        return self.phases or (self,)

    @property
    def folder(self) -> Path:
        """Return the folder of its checkpoints and log."""
        return self.runs / self.name

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON would hold it, without what is local."""
        table = asdict(self)
        for local in ("data", "runs", "threads", "device"):
            del table[local]
        table["phases"] = [phase.as_dict() for phase in self.phases]
        return table
