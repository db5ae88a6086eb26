"""The method for those who name none."""

from collections.abc import Sequence
from pathlib import Path

from w2s_cli.assets import checkpoint
from w2s_cli.errors import WeightsError
from w2s_cli.methods.network import Denoise, Jdsr
from w2s_cli.networks.rebuild import rebuild, recognise

OURS = "unet"  # a method has another name
_ALONE = {"quarter": "n2sr", "spots": "n2v", "lattice": "n2s", "capture": "n2n"}
"""What was hidden from a network that learned without truth -> its method."""


def method_for(weights: Sequence[Path]) -> str:
    """Return the methods that weights are for, joined by "+"; the default for none.

    Raises
    ------
    WeightsError
        When a file cannot be read, or belongs to no network that `w2s` knows.
    """
    return "+".join(map(_method, weights)) or Jdsr.name


def _method(path: Path) -> str:
    found = checkpoint.load(path)
    row = recognise(found.state)
    if row is None:
        raise WeightsError(
            f"{path} belongs to no network that w2s knows",
            hint="`w2s inspect` shows what is in it",
        )
    recipe = found.record.get("recipe", {})
    if recipe.get("examples") == "alone":
        return _ALONE[recipe["hidden"]["by"]]
    if row.name != OURS and "expects" not in found.record:
        return row.name
    scale = rebuild(found.state).scale
    return next(kind.name for kind in (Denoise, Jdsr) if kind.scale == scale)
