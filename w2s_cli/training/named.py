"""The weights that a recipe names."""

from pathlib import Path

from w2s_cli.assets import checkpoint
from w2s_cli.assets.catalogue import WEIGHTS
from w2s_cli.errors import WeightsError
from w2s_cli.methods.published import weights_of


def weights(key: str, named: str) -> Path:
    """Return the file of weights that a recipe names.

    Parameters
    ----------
    key
        Where in the recipe, for messages.
    named
        A path, or a name of the catalogue or of what ships.

    Raises
    ------
    WeightsError
        When there is none.
    """
    if named in WEIGHTS:
        return weights_of(named)
    shipped = checkpoint.shipped(named)
    path = shipped if "/" not in named and shipped.is_file() else Path(named)
    if not path.is_file():
        raise WeightsError(
            f"{key} is {named!r}: no such file, and no published or shipped weights",
            hint=f"set {key} to a file, or to a name that `w2s fetch --list` shows",
        )
    return path
