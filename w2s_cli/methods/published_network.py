"""Networks in the numbers of their authors, and how far they can be tiled."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import torch

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError, WeightsError
from w2s_cli.methods import JOINT
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.networks import NETWORKS, SHIPPED
from w2s_cli.networks.devices import kind_of
from w2s_cli.networks.inference import (
    NetworkRunner,
    available_device,
    fastest,
    to_device,
)
from w2s_cli.networks.rebuild import Network, input_units, rebuild, recognise
from w2s_cli.restorers.restorer import TrainedRange, Traits
from w2s_cli.restorers.units import DisplayRange, Units, excess
from w2s_cli.training.initial_network import build_module
from w2s_cli.training.recipe import load, recipes_for
from w2s_cli.training.recipe_tables import Network as NetworkTable
from w2s_cli.weights import catalogue, checkpoint
from w2s_cli.weights.cache import fetched_weights
from w2s_cli.weights.catalogue import Item, compact_weights
from w2s_cli.weights.checkpoint import Checkpoint

MOST_MARGIN = 72  # input pixels; a deep network could see further, but hardly does
MOST_POOLED = 256  # the same for networks that pool: those do see far
_POOLED = 4  # their inputs are multiples of this or more

_NAMES = [
    u.value for u in (Units.ROOT, Units.Z, Units.Z_GREY, Units.UNIT, Units.CENTRED)
]


@dataclass(frozen=True)
class ExternalNetwork:
    """A network of a published kind, in the numbers that it was trained on."""

    units: Annotated[
        Literal["auto", "z", "z/255", "unit", "centred"],
        "what the network takes; auto where its file or the catalogue says it",
    ] = "auto"
    black: Annotated[
        float | None, "counts that are black; 0 in 8 bits, else measured"
    ] = None
    white: Annotated[
        float | None, "counts that are white; 255 in 8 bits, else measured"
    ] = None
    name: str = ""  # what the method is called
    device: str = "auto"  # "auto", "cpu", "cuda", "cuda:n" or "mps"
    precision: str = "auto"  # "auto", "fp32", "bf16" or "fp16"
    # What is taken from stabilised counts, and added again: see `units.excess`
    lowered: float = 0.0

    def __post_init__(self) -> None:
        if self.black is not None and self.white is not None:
            DisplayRange(self.black, self.white)  # complains of the wrong order

    @property
    def provenance(self) -> dict[str, str]:
        """Return what decides about the output besides the input and the options."""
        loaded = self._loaded
        network = loaded.network
        return {
            "weights_sha256": loaded.digest,
            **({"weights": loaded.item.name} if loaded.item else {}),
            "device": kind_of(loaded.device),
            "precision": self._computed,
            "units": loaded.units,
            **({} if network.channels == 1 else {"colours": "grey in each, averaged"}),
            **tiling_of(network),
        }

    @property
    def traits(self) -> Traits:
        """Return the traits, as the network tells them."""
        network = self._loaded.network
        return Traits(
            scale=network.scale,
            margin=_margin(network),
            multiple_of=network.multiple_of,
            expects=Units(self._loaded.units),
            trained_range=self._loaded.trained_range,
            noise_free=self._loaded.noise_free,
            knows_noise=Units(self._loaded.units) is Units.ROOT,
            black=self.black,
            white=self.white,
            provenance=self.provenance,
            device=self._loaded.device,
            network=self.running,
            memory=(1536, 1536),
        )

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the restored planes."""
        if Units(self._loaded.units) is not Units.ROOT:
            return self.running(blocks)
        lowered = np.float32(self.lowered)
        made = self.running(blocks - lowered) + lowered
        return np.asarray(np.maximum(made, 0), np.float32)

    def with_noise(self, noise: NoiseModel) -> Self:
        """Return the restorer for images with this noise."""
        lowered = excess(noise)
        return replace(self, lowered=lowered) if lowered else self

    @property
    def running(self) -> NetworkRunner:
        """Return the network at work."""
        loaded = self._loaded
        return NetworkRunner(loaded.network, loaded.device, self._computed)

    @property
    def _computed(self) -> str:
        if self.precision != "auto":
            return self.precision
        item = self._loaded.item
        return fastest(self._loaded.device) if item and item.bf16 else "fp32"

    @cached_property
    def _loaded(self) -> "_Loaded":
        path, device = self._path, available_device(self.device)
        found = checkpoint.load(path)
        item = self._item(found)
        kind = JOINT.get(self.name, self.name)
        network = _network(found, item.network if item else kind, path)
        if "expects" in found.record and self.units != "auto":
            raise UsageError(
                f"{path} takes stabilised counts, not units={self.units}",
                hint=f"leave out {self.name}.units",
            )
        units: str = self.units
        own = "root" if "expects" in found.record else found.record.get("units")
        if units == "auto":
            units = own or (item.units if item else "")
            units = units or input_units(found.state) or ""
        if units not in _NAMES:
            what = f"of {units!r} is unknown" if units else "is not said in it"
            raise WeightsError(
                f"{path}: what numbers its network takes {what}",
                hint=f"say it: -O {self.name}.units=z, z/255, unit or centred",
            )
        named = (self.black, self.white) != (None, None)
        if named and not Units(units).needs_range:
            raise UsageError(
                f"black and white mean nothing to {self.name}, which takes {units}",
                hint=f"leave them out, or say -O {self.name}.units=unit",
            )
        network = to_device(network, device)
        light = found.record.get("recipe", {}).get("light", {})
        return _Loaded(
            network,
            units,
            found.digest,
            device,
            item,
            TrainedRange.of_record(found.record),
            noise_free=own == "root" and light.get("noisy") is False,
        )

    @property
    def _path(self) -> Path:
        """Return where the weights are."""
        raise NotImplementedError

    def _item(self, found: Checkpoint) -> Item | None:
        """Return the row of the catalogue that the weights belong to, if any."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Loaded:
    network: Network
    units: str
    digest: str
    device: str
    item: Item | None
    trained_range: TrainedRange | None
    noise_free: bool


def no_weights(names: Sequence[str], option: str) -> WeightsError:
    """Return the error that networks have no weights, and how to come by some."""
    ways = [f"give a file with {option}"]
    for name in names:
        same = [x.name for x in catalogue.WEIGHTS.values() if x.network == name]
        if same:
            ways.append(f"take a published {name} by its own name: {', '.join(same)}")
        joint = [x for x, kind in JOINT.items() if kind == name and compact_weights(x)]
        if joint:
            ways.append(f"take one that ships: {', '.join(joint)}")
        if recipes := recipes_for(name):
            trainings = ", ".join(f"w2s train {recipe}" for recipe in recipes)
            ways.append(f"train {name}: {trainings}")
    *most, last = names
    several = f"{', '.join(most)} and {last} have" if most else f"{last} has"
    return WeightsError(
        f"{several} no weights of {'their' if most else 'its'} own",
        hint="; or ".join(ways),
    )


def _network(found: Checkpoint, kind: str, path: Path) -> Network:
    """Return the network in a file, if it is of that kind and makes images."""
    row = recognise(found.state)
    if row is not None and row.name != kind:
        own = row.name in SHIPPED
        raise WeightsError(
            f"{path} holds the network {row.name}, not {kind}",
            hint=f"use --method {'denoise or jdsr' if own else row.name}",
        )
    network = rebuild(found.state)
    if network.channels not in (1, 3) or not getattr(network, "draws", True):
        raise WeightsError(
            f"the {kind} in {path} is for other images than grey or RGB: "
            f"it takes {network.channels} channels",
            hint="use weights for grey images",
        )
    return network


def _margin(network: Network) -> int:
    most = MOST_POOLED if network.multiple_of >= _POOLED else MOST_MARGIN
    return min(network.margin, most)


def tiling_of(network: Network) -> dict[str, str]:
    """Return how far tiles are from the whole plane, where they are."""
    if network.whole:
        return {"tiles": "approximate: the network looks at all that it is given"}
    margin = _margin(network)
    if margin < network.margin:
        return {"tiles": f"approximate: margin {margin} of {network.margin} pixels"}
    return {}


def own_size(network: Network) -> int:
    """Return how many numbers of a network were trained."""
    assert isinstance(network, torch.nn.Module)
    return sum(parameter.numel() for parameter in network.parameters())


@cache
def published_size(name: str) -> int:
    """Return how many the network of a method has in its paper."""
    recipe = f"{name}-w2s"
    kind = JOINT.get(name, name)
    table = load(recipe).network if recipe in recipes_for(kind) else NetworkTable(kind)
    with torch.device("meta"):
        return own_size(build_module(NETWORKS, table))


@dataclass(frozen=True)
class PublishedNetwork(ExternalNetwork):
    """A network of the catalogue, fetched at first use."""

    @property
    def _path(self) -> Path:
        return fetched_weights(self.name)

    def _item(self, found: Checkpoint) -> Item:
        return catalogue.find(self.name)


@dataclass(frozen=True)
class UserNetwork(ExternalNetwork):
    """A network of a known kind, with weights that the user brings, or compact ones."""

    weights: Path | None = None

    @property
    def provenance(self) -> dict[str, str]:
        """Return what decides about the output, and which weights ship."""
        own = compact_weights(self.name) if self.weights is None else None
        if own is None:
            return super().provenance
        size, published = own_size(self._loaded.network), published_size(self.name)
        return {
            **super().provenance,
            "weights": own.stem,
            "compact": f"{size / 1e6:.2f} M parameters, the paper's has "
            f"{published / 1e6:.1f} M",
        }

    @property
    def _path(self) -> Path:
        path = self.weights or compact_weights(self.name)
        if path is None:
            raise no_weights([self.name], "--weights FILE")
        return path

    def _item(self, found: Checkpoint) -> Item | None:
        item = catalogue.of_hash(found.digest)
        return item if item and item.network == self.name else None
