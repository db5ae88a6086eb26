"""Methods, their weights, and training: `methods`, `load_weights`, `train`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from w2s_cli.methods import METHODS, MethodEntry
from w2s_cli.registry import Registry

if TYPE_CHECKING:
    from w2s_cli.networks.rebuild import Network
    from w2s_cli.training.progress import TrainingProgress


def methods() -> Registry[MethodEntry]:
    """Return the methods: by name, or all of them in turn.

    Other packages add methods by entry points in the group ``w2s.methods``, which name
    a class such as those in `w2s_cli.methods`.

    Returns
    -------
    Registry
        Rows with `name`, `summary`, `source`, `licence`, `scale` and `needs`; and
        `traits`, for which the method is built, and its weights are loaded.

    Examples
    --------
    >>> import w2s_cli as w2s
    >>> "jdsr" in [method.name for method in w2s.methods()]
    True
    >>> w2s.methods()["median"].traits.margin
    1
    """
    return METHODS


def load_weights(weights: str | Path) -> "Network":
    """Load a network from a file of weights, or by the name of published ones.

    Anybody's checkpoint will do: nothing in it is ever run.

    Parameters
    ----------
    weights
        A file, or a name that `w2s fetch --list` shows; it is fetched if need be.

    Returns
    -------
    torch.nn.Module
        With `scale`, `margin`, `multiple_of` and `predicts`; on the processor.

    Raises
    ------
    WeightsError
        When there is no such file, or it holds no known network.

    Examples
    --------
    >>> import w2s_cli as w2s
    >>> w2s.load_weights("jdsr").scale
    2
    """
    from w2s_cli.networks.rebuild import rebuild
    from w2s_cli.training.initial_network import resolve_weights
    from w2s_cli.weights import checkpoint

    return rebuild(checkpoint.load(resolve_weights("weights", str(weights))).state)


def train(
    recipe: str | Path,
    settings: Sequence[str] = (),
    *,
    progress: "Callable[[TrainingProgress], None] | None" = None,
) -> Path:
    """Train a network by a recipe; go on where it was interrupted.

    Parameters
    ----------
    recipe
        A TOML file, or the name of a recipe that ships: `w2s train --list`.
    settings
        "key=value" for what is to be other than in the recipe, such as "steps=100".
    progress
        Called after each step.

    Returns
    -------
    Path
        The weights, for `restore`.

    Raises
    ------
    W2SError
        When the recipe, its data or its weights don't fit.

    Examples
    --------
    >>> import w2s_cli as w2s
    >>> w2s.train("dncnn-w2s", ["data=W2S", "steps=100"])  # doctest: +SKIP
    """
    from w2s_cli.training.loop import train as run
    from w2s_cli.training.recipe import load

    return run(load(str(recipe), settings), progress or (lambda _: None))
