"""Inspect a weight file, convert it to safetensors, blend two of one network."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from w2s_cli import __version__
from w2s_cli.errors import UnknownNameError, UsageError, WeightsError, few
from w2s_cli.io.targets import check_writable
from w2s_cli.networks.rebuild import Description, UnitName, describe, input_units
from w2s_cli.weights import checkpoint
from w2s_cli.weights.catalogue import of_hash
from w2s_cli.weights.checkpoint import Checkpoint

SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class Weights:
    """A weight file and the network that it belongs to, if it is a known one."""

    path: Path
    checkpoint: Checkpoint
    network: Description | None

    def as_json(self) -> dict[str, Any]:
        """Return what is known of the file as a JSON object."""
        tensors = self.checkpoint.state.values()
        types = Counter(str(it.dtype).removeprefix("torch.") for it in tensors)
        known = self.network
        return {
            "file": str(self.path),
            "container": self.checkpoint.container,
            "wrapper": self.checkpoint.wrapper,
            "network": known.name if known else None,
            "options": known.options if known else {},
            "facts": known.facts if known else {},
            "units": self.checkpoint.record.get("units") or _units(self.checkpoint),
            "parameters": known.parameters if known else None,
            "tensors": len(tensors),
            "numbers": sum(tensor.numel() for tensor in tensors),
            "dtypes": dict(types),
            "record": dict(self.checkpoint.record),
            "sha256": self.checkpoint.digest,
        }


@dataclass(frozen=True, slots=True)
class Origin:
    """What the user knows of published weights; "" for nothing."""

    licence: str = ""  # the terms that they are under
    source: str = ""  # where they come from: an address, or what to cite
    units: str = ""  # what the network takes: `networks.rebuild.UnitName`


def inspect(path: Path) -> Weights:
    """Return what a weight file of any kind holds; nothing in it is run."""
    found = checkpoint.load(path, as_stored=True)
    return Weights(path, found, describe(found.state))


def convert(
    path: Path, target: Path, origin: Origin, *, overwrite: bool = False
) -> Weights:
    """Write the tensors of a weight file, as they are, to a safetensors file.

    Its record keeps what the old one said, and says in addition what network it is and
    where it comes from.
    """
    if target.suffix != SUFFIX:
        raise UsageError(
            f"{target} is no name for a safetensors file", hint=f"end it in {SUFFIX}"
        )
    if origin.units and origin.units not in get_args(UnitName):
        raise UnknownNameError("unit of input", origin.units, get_args(UnitName))
    check_writable(target, overwrite=overwrite)
    weights = inspect(path)
    found, known = weights.checkpoint, weights.network
    record = dict(found.record)
    if known:
        record |= {"network": known.name, "options": known.options}
    said = {"units": origin.units or _units(found)}
    said |= {"licence": origin.licence, "source": origin.source}
    record |= {key: value for key, value in said.items() if value}
    record["file"] = {
        "name": path.name,
        "sha256": found.digest,
        "container": found.container,
        "wrapper": found.wrapper,
    }
    record["converted by"] = f"w2s {__version__}"
    checkpoint.save(target, found.state, record, halve=False, overwrite=overwrite)
    return weights


def _units(found: Checkpoint) -> str | None:
    """Return what the network takes, by the catalogue or by its tensors."""
    item = of_hash(found.digest)
    return (item.units if item else None) or input_units(found.state)


def blend(
    first: Path, second: Path, target: Path, share: float, *, overwrite: bool = False
) -> None:
    """Write the weights of a network between two: a weighed mean ([1]_, Eq. 4).

    `share` is that of the second, from 0 to 1.

    References
    ----------
    .. [1] X. Wang et al., "ESRGAN: enhanced super-resolution generative adversarial
       networks", ECCV Workshops 2018.
    """
    if not 0 <= share <= 1:
        raise UsageError(
            f"the share of {second} is from 0 to 1, not {share:g}",
            hint="0 gives the first network, 1 the second",
        )
    check_writable(target, overwrite=overwrite)
    one, other = checkpoint.load(first), checkpoint.load(second)
    shapes = [
        {name: tensor.shape for name, tensor in found.state.items()}
        for found in (one, other)
    ]
    differing = {name for name, _ in shapes[0].items() ^ shapes[1].items()}
    if differing:
        raise WeightsError(
            f"{first} and {second} are not of one network: they differ in "
            f"{few(sorted(differing))}",
            hint="`w2s inspect` shows what each is",
        )
    units = [
        found.record.get("units", "") or "stabilised counts" for found in (one, other)
    ]
    if units[0] != units[1]:
        raise WeightsError(
            f"{first} takes {units[0]}, {second} {units[1]}",
            hint="blend networks that were trained on the same numbers",
        )
    state = {
        name: tensor.lerp(other.state[name], share)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in one.state.items()
    }
    record = {
        **one.record,
        "blended": [
            {"sha256": found.digest, "share": part, "name": found.record.get("name")}
            for found, part in ((one, 1 - share), (other, share))
        ],
        "blended by": f"w2s {__version__}",
    }
    checkpoint.save(target, state, record, halve=False, overwrite=overwrite)
