"""The network that a recipe begins with."""

import inspect
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from w2s_cli.assets import checkpoint
from w2s_cli.assets.catalogue import WEIGHTS
from w2s_cli.errors import UnknownNameError, UsageError, WeightsError
from w2s_cli.methods.published import weights_of
from w2s_cli.networks import DISCRIMINATORS, NETWORKS
from w2s_cli.networks.rebuild import rebuild, recognise
from w2s_cli.registry import Entry, Registry
from w2s_cli.training.recipe import Network, Recipe


def network_of(recipe: Recipe) -> nn.Module:
    """Return the network of a recipe, as its seed or `start` has it.

    Raises
    ------
    UnknownNameError
        When there is no such network, or it has no such option.
    WeightsError
        When `start` holds another network, or one of another scale.
    """
    if not recipe.start:
        torch.manual_seed(recipe.seed)
        new: nn.Module = made(NETWORKS, recipe.network)
        return new
    path = weights(recipe.start)
    state = checkpoint.load(path).state
    row = recognise(state)
    network = rebuild(state)
    if row is None or row.name != recipe.network.name:
        raise WeightsError(
            f"the recipe trains {recipe.network.name}, but {path} holds "
            f"{row.name if row else 'another network'}",
            hint="name weights of that network, or change network.name",
        )
    if network.scale != scale_of(recipe):
        raise WeightsError(
            f"the recipe's network enlarges x{scale_of(recipe)}, but that in {path} "
            f"x{network.scale}",
            hint="change network.options.scale",
        )
    assert isinstance(network, nn.Module)
    return network


def discriminator_of(recipe: Recipe) -> nn.Module:
    """Return the discriminator of a recipe; errors are those of `network_of`."""
    wanted = recipe.adversary
    if not wanted.start:
        torch.manual_seed(recipe.seed + 1)
        new: nn.Module = made(DISCRIMINATORS, Network(wanted.network, wanted.options))
        return new
    path = weights(wanted.start)
    state = checkpoint.load(path).state
    kind = DISCRIMINATORS[wanted.network].load()
    if not kind.detect(state):
        raise WeightsError(
            f"the recipe trains against {wanted.network}, but {path} holds no such one",
            hint="change adversary.start or adversary.network",
        )
    judge: nn.Module = kind.from_state_dict(state)
    return judge


def scale_of(recipe: Recipe) -> int:
    """Return how many output pixels the recipe's network has along an input pixel."""
    return _scale(recipe.network.name, json.dumps(dict(recipe.network.options)))


@lru_cache(maxsize=16)
def _scale(name: str, options: str) -> int:
    with torch.device("meta"):
        return int(made(NETWORKS, Network(name, json.loads(options))).scale)


def made(catalogue: Registry[Entry], wanted: Network) -> Any:
    """Return a new module of a catalogue."""
    kind = catalogue[wanted.name].load()
    known = inspect.signature(kind).parameters
    for option in wanted.options:
        if option not in known:
            raise UnknownNameError(f"option of {wanted.name}", option, known)
    try:
        return kind(**wanted.options)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{wanted.name} cannot be made of {dict(wanted.options)}: {error}",
            hint="see the recipe's table network.options",
        ) from error


def weights(named: str) -> Path:
    """Return the file of weights that a recipe names: a path, or of the catalogue."""
    shipped = checkpoint.shipped(named)
    if named in WEIGHTS:
        return weights_of(named)
    return shipped if "/" not in named and shipped.is_file() else Path(named)
