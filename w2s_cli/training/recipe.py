"""What to train: a dataclass of tables, which `recipe_reading` reads from TOML."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from w2s_cli.training.recipe_tables import (
    Count,
    Discriminator,
    Features,
    Imaging,
    Light,
    Masking,
    Memory,
    Mixture,
    Network,
    Optimiser,
    Pairs,
    Patches,
    Positive,
    RealEsrgan,
    Schedule,
    Sources,
    Table,
    TrainedOn,
    Weight,
    items,
    rising,
)

UnitName = Literal["root", "z", "z/255", "unit", "centred"]
Examples = Literal["physics", "imaging", "pairs", "real-esrgan", "self-supervised"]
Fields = Annotated[tuple[Count, Count], items(2), rising()]


@dataclass(frozen=True)
class Recipe(Table):
    """A whole training.

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
        The folder of the images: as `patches.truth` says for "physics", as one of
        `w2s_cli.datasets` for the others; for "real-esrgan", any images will do.
    runs
        The folder that gets checkpoints, the log and the weights.
    examples
        "physics": truth from `sources`, degraded by `light`, beside real W2S pairs;
        "imaging": the same and more, by `imaging`, for conditional networks; "pairs":
        real pairs; "real-esrgan": truths degraded as Real-ESRGAN does;
        "self-supervised": noisy images, of which `masking` hides a part.
    units
        What the network takes and gives: "root", stabilised counts, or one of
        `w2s_cli.networks.rebuild.UnitName`.
    start
        Weights to start from: a file, or a name of the catalogue; "" for none.
    loss
        Weight of each of `w2s_cli.training.losses.LOSSES`.
    steps, average
        How many steps, and the memory of the weights' moving average; 0 for none.
    patience
        Stop after so many steps without a better validation, and keep the best; 0 for
        never.
    train_fields, validation_fields
        The first and last field of view to train and to validate on.
    simulated_fields
        How many simulated fields there are at a time; each step replaces one.
    trained_on
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
    examples: Examples = "physics"
    units: UnitName = "root"
    start: str = ""
    loss: Mapping[str, Weight] = field(default_factory=lambda: {"counts": 1.0})
    steps: Positive = 4000
    average: Memory = 0.0
    patience: Count = 0
    seed: Count = 0
    threads: Count = 0
    precision: Literal["bf16", "fp32"] = "fp32"
    device: str = "auto"
    validate_every: Positive = 500
    validation_batches: Count = 16
    train_fields: Fields = (1, 70)
    validation_fields: Fields = (71, 80)
    simulated_fields: Positive = 100
    network: Network = field(default_factory=Network)
    patches: Patches = field(default_factory=Patches)
    pairs: Pairs = field(default_factory=Pairs)
    sources: Sources = field(default_factory=Sources)
    light: Light = field(default_factory=Light)
    imaging: Imaging = field(default_factory=Imaging)
    masking: Masking = field(default_factory=Masking)
    real_esrgan: RealEsrgan = field(default_factory=RealEsrgan)
    mixture: Mixture = field(default_factory=Mixture)
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)
    features: Features = field(default_factory=Features)
    discriminator: Discriminator = field(default_factory=Discriminator)
    trained_on: TrainedOn | None = None
    phases: "tuple[Recipe, ...]" = ()

    @property
    def parts(self) -> "tuple[Recipe, ...]":
        """Return the trainings that it consists of, one after the other."""
        return self.phases or (self,)

    @property
    def folder(self) -> Path:
        """Return the folder of its checkpoints and log."""
        return self.runs / self.name

    @property
    def trained_range(self) -> dict[str, Any]:
        """Return `trained_on` as a record of weights holds it."""
        found = asdict(self.trained_on) if self.trained_on else {}
        return {key: value for key, value in found.items() if value is not None}

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON would hold it, without what is local."""
        table = asdict(self)
        for local in ("data", "runs", "threads", "device"):
            del table[local]
        table["trained_on"] = self.trained_range
        table["phases"] = [phase.as_dict() for phase in self.phases]
        return table
