"""Inspect a weight file, convert it to safetensors, blend two of one network."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from w2s_cli import __version__
from w2s_cli.errors import UnknownNameError, UsageError, WeightsError, few
from w2s_cli.io.targets import check_writable, replacing
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

    Raises
    ------
    UsageError
        When the target has another suffix, or there are no such units.
    OutputError
        When the target exists and may not be overwritten, or cannot be written.
    WeightsError
        When the weights cannot be read.
    """
    if target.suffix != SUFFIX:
        raise UsageError(
            f"{target} is no name for a safetensors file", hint=f"end it in {SUFFIX}"
        )
    if origin.units and origin.units not in get_args(UnitName):
        raise UnknownNameError("unit of input", origin.units, get_args(UnitName))
    check_writable(target, overwrite=overwrite)
    weights = inspect(path)
    with replacing(target) as temporary:
        record = _conversion_record(weights, origin)
        checkpoint.save(temporary, weights.checkpoint.state, record, halve=False)
    return weights


def _units(found: Checkpoint) -> str | None:
    """Return what the network takes, by the catalogue or by its tensors."""
    item = of_hash(found.digest)
    return (item.units if item else None) or input_units(found.state)


def _conversion_record(weights: Weights, origin: Origin) -> dict[str, Any]:
    found, known = weights.checkpoint, weights.network
    units = origin.units or _units(found)
    return {
        **found.record,
        **({"network": known.name, "options": known.options} if known else {}),
        **({"units": units} if units else {}),
        **({"licence": origin.licence} if origin.licence else {}),
        **({"source": origin.source} if origin.source else {}),
        "file": {
            "name": weights.path.name,
            "sha256": found.digest,
            "container": found.container,
            "wrapper": found.wrapper,
        },
        "converted by": f"w2s {__version__}",
    }


def blend(
    first: Path, second: Path, target: Path, share: float, *, overwrite: bool = False
) -> None:
    """Write the weights of a network between two: a weighed mean ([1]_, Eq. 4).

    Parameters
    ----------
    first, second
        Files of weights, of one network.
    target
        A safetensors file.
    share
        Of the second, from 0 to 1.
    overwrite
        Whether the target may exist.

    Raises
    ------
    UsageError
        When the share is none.
    WeightsError
        When a file cannot be read, or the networks differ.
    OutputError
        When the target exists, or cannot be written.

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
    _check_alike(one, other, (first, second))
    state = {
        name: tensor.lerp(other.state[name], share)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in one.state.items()
    }
    with replacing(target) as temporary:
        record = _blending_record(one, other, share)
        checkpoint.save(temporary, state, record, halve=False)


def _check_alike(one: Checkpoint, other: Checkpoint, paths: tuple[Path, Path]) -> None:
    """Refuse networks of other tensors, or of other numbers."""
    names = one.state.keys() ^ other.state.keys()
    names |= {
        name
        for name in one.state.keys() & other.state.keys()
        if one.state[name].shape != other.state[name].shape
    }
    if names:
        raise WeightsError(
            f"{paths[0]} and {paths[1]} are not of one network: they differ in "
            f"{few(sorted(names))}",
            hint="`w2s inspect` shows what each is",
        )
    units = [found.record.get("units", "") for found in (one, other)]
    if units[0] != units[1]:
        raise WeightsError(
            f"{paths[0]} takes {units[0] or 'stabilised counts'}, {paths[1]} "
            f"{units[1] or 'stabilised counts'}",
            hint="blend networks that were trained on the same numbers",
        )


def _blending_record(
    one: Checkpoint, other: Checkpoint, share: float
) -> dict[str, Any]:
    return {
        **one.record,
        "blended": [
            {"sha256": found.digest, "share": part, "name": found.record.get("name")}
            for found, part in ((one, 1 - share), (other, share))
        ],
        "blended by": f"w2s {__version__}",
    }
