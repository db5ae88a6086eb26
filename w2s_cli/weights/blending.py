"""Network interpolation: a network between two of one kind.

X. Wang et al., "ESRGAN: enhanced super-resolution generative adversarial networks",
ECCV Workshops 2018, Eq. 4: every weight is the mean of both networks', weighed.
"""

from pathlib import Path
from typing import Any

from w2s_cli import __version__
from w2s_cli.errors import UsageError, WeightsError, few
from w2s_cli.io.targets import check_place, replacing
from w2s_cli.weights import checkpoint
from w2s_cli.weights.checkpoint import Checkpoint


def blend(
    first: Path, second: Path, target: Path, share: float, *, overwrite: bool = False
) -> None:
    """Write the weights of a network between two.

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
    """
    if not 0 <= share <= 1:
        raise UsageError(
            f"the share of {second} is from 0 to 1, not {share:g}",
            hint="0 gives the first network, 1 the second",
        )
    check_place(target, overwrite=overwrite)
    one, other = checkpoint.load(first), checkpoint.load(second)
    _check_alike(one, other, (first, second))
    state = {
        name: tensor.lerp(other.state[name], share)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in one.state.items()
    }
    with replacing(target) as temporary:
        record = _record(one, other, share)
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


def _record(one: Checkpoint, other: Checkpoint, share: float) -> dict[str, Any]:
    return {
        **one.record,
        "blended": [
            {"sha256": found.digest, "share": part, "name": found.record.get("name")}
            for found, part in ((one, 1 - share), (other, share))
        ],
        "blended by": f"w2s {__version__}",
    }
