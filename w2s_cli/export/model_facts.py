"""What a package says of its network: where it comes from, what it is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from w2s_cli.export.camera import Camera
from w2s_cli.methods import METHODS
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import EIGHT_BIT
from w2s_cli.weights import checkpoint
from w2s_cli.weights.cache import fetched_weights
from w2s_cli.weights.catalogue import DATASETS, WEIGHTS, Item, of_hash

_LEAST_SIDE = 64  # pixels of a tile


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a plane may be cut, in input pixels."""

    step: int  # sides are multiples of it
    halo: int  # what overlaps on each side
    least: int  # the shortest side

    @classmethod
    def of(cls, traits: Traits) -> "Tiling":
        """Return the tiling of a method: more than two halos, in whole steps."""
        step = traits.multiple_of
        halo = step * -(-max(traits.margin, 1) // step)
        least = max(2 * halo + 1, _LEAST_SIDE)
        return cls(step, halo, step * -(-least // step))


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A network, its camera, and who made it."""

    name: str  # of the model
    method: str
    summary: str  # what it does, in a few words
    traits: Traits
    camera: Camera
    tiling: Tiling
    licence: str  # "" where it is not known
    authors: tuple[str, ...]
    citations: tuple[tuple[str, str], ...]  # what to cite, and where it is
    trained_on: str
    digest: str  # SHA-256 of the weights

    @property
    def looks_further(self) -> bool:
        """Return whether tiles are not what the whole plane gives, however they lie."""
        near = self.traits.provenance.get("tiles", "")
        return self.traits.whole or "approximate" in near

    @property
    def unit(self) -> float:
        """Return the counts of a photon, or those that are 1 to the network."""
        if self.camera.noise:
            return self.camera.noise.gain
        return self.traits.expects.linear(self.camera.shown or EIGHT_BIT).one

    @classmethod
    def of(
        cls,
        spec: RestoreSpec,
        traits: Traits,
        camera: Camera,
        *,
        name: str = "",
        authors: tuple[str, ...] = (),
        licence: str = "",
    ) -> "ModelFacts":
        """Return the facts of a method, and of the weights that it takes."""
        entry = METHODS[spec.method]
        given = spec.weights[0] if spec.weights else None
        kept = fetched_weights if spec.method in WEIGHTS else checkpoint.shipped
        found = checkpoint.load(given or kept(spec.method))
        item = of_hash(found.digest) if given else WEIGHTS.get(spec.method)
        ours = not (given or item)
        if not authors and (ours or item):
            authors = (item.citation.split(", ")[0] if item else "The w2s authors",)
        stated = licence or (item.licence if item else found.record.get("licence", ""))
        return cls(
            name=name or f"w2s {given.stem if given else spec.method}",
            method=spec.method,
            summary=_summary(item, found.record, given, traits) or entry.summary,
            traits=traits,
            camera=camera,
            tiling=Tiling.of(traits),
            licence="" if stated == "not stated" else stated,
            authors=authors,
            citations=_citations(item, ours=ours),
            trained_on=_trained_on(item, found.record, ours=ours),
            digest=found.digest,
        )


def _summary(
    item: Item | None, record: Mapping[str, Any], given: Path | None, traits: Traits
) -> str:
    if record.get("summary") or item:
        return str(record.get("summary") or (item and item.title))
    does = f"enlarge x{traits.scale}" if traits.scale > 1 else "denoise"
    return f"{does} with the network in {given.name}" if given else ""


def _citations(item: Item | None, *, ours: bool) -> tuple[tuple[str, str], ...]:
    if item:
        return ((item.citation, item.url),)
    data = DATASETS["w2s-raw"]
    return ((data.citation, data.url.rpartition("/")[0]),) if ours else ()


def _trained_on(item: Item | None, record: Mapping[str, Any], *, ours: bool) -> str:
    if item:
        return item.trained_on
    recipe = record.get("recipe", {})
    if ours:
        first, last = recipe.get("train_fields", ("?", "?"))
        return (
            f"W2S, fields {first} to {last}, single captures and averages, and "
            "simulated structure, with the noise of many cameras"
        )
    return f"the recipe {recipe['name']} of w2s" if "name" in recipe else ""
