"""The network that a recipe begins with."""

import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from w2s_cli.errors import UnknownNameError, UsageError, WeightsError
from w2s_cli.networks import DISCRIMINATORS, NETWORKS
from w2s_cli.networks.rebuild import rebuild, recognise
from w2s_cli.registry import Entry, Registry
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import Network
from w2s_cli.weights import checkpoint
from w2s_cli.weights.cache import fetched_weights
from w2s_cli.weights.catalogue import WEIGHTS

_MOST_NUMBERS = 1_000_000_000  # of a network; those of the papers have up to 30 million
_MOST_TENSORS = 50_000  # RCAN has 1,600


def resolve_weights(key: str, named: str) -> Path:
    """Return the file of weights that a recipe names.

    - `key`: where in the recipe, for messages.
    - `named`: A path, or a name of the catalogue or of what ships.

    Raises WeightsError when there is none.
    """
    if named in WEIGHTS:
        return fetched_weights(named)
    shipped = checkpoint.shipped(named)
    path = shipped if "/" not in named and shipped.is_file() else Path(named)
    if not path.is_file():
        raise WeightsError(
            f"{key} is {named!r}: no such file, and no published or shipped weights",
            hint=f"set {key} to a file, or to a name that `w2s fetch --list` shows",
        )
    return path


def initial_network(recipe: Recipe) -> nn.Module:
    """Return the network of a recipe, as its seed or `start` has it.

    Raises UnknownNameError when there is no such network, or it has no such option;
    UsageError when it takes no patches of that size; WeightsError when `start` holds
    another network, one of another scale, or one that takes other units.
    """
    if recipe.start:
        network = _network_from_weights(recipe)
    else:
        torch.manual_seed(recipe.seed)
        network = build_module(NETWORKS, recipe.network)
        if recipe.initial:
            _draw_weights(network, recipe.initial)
    side = recipe.patches.side
    multiple = network.multiple_of
    if side % multiple:
        below = side // multiple * multiple
        near = [str(near) for near in (below, below + multiple) if near]
        raise UsageError(
            f"patches.side is {side}, but {recipe.network.name} takes multiples of "
            f"{multiple}",
            hint=f"set patches.side={' or '.join(near)}",
        )
    assert isinstance(network, nn.Module)
    return network


def _draw_weights(network: nn.Module, scale: float) -> None:
    """Draw the weights of convolutions for rectifiers, times `scale`; no biases."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
            with torch.no_grad():
                layer.weight *= scale
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _network_from_weights(recipe: Recipe) -> Any:
    """Return the network that `start` holds."""
    path = resolve_weights("start", recipe.start)
    found = checkpoint.load(path)
    row = recognise(found.state)
    if row is None or row.name != recipe.network.name:
        raise WeightsError(
            f"the recipe trains {recipe.network.name}, but {path} holds "
            f"{row.name if row else 'another network'}",
            hint="name weights of that network, or change network.name",
        )
    network = rebuild(found.state)
    if network.scale != scale_of(recipe):
        raise WeightsError(
            f"the recipe's network enlarges x{scale_of(recipe)}, but that in {path} "
            f"x{network.scale}",
            hint="change network.options.scale",
        )
    known = "root" if "expects" in found.record else found.record.get("units")
    if known not in (None, recipe.units):
        raise WeightsError(
            f"the recipe has units {recipe.units!r}, but the network in {path} takes "
            f"{known!r}",
            hint=f"set units to {known!r}, or start from other weights",
        )
    return network


def initial_discriminator(recipe: Recipe) -> nn.Module:
    """Return the discriminator of a recipe; errors are those of `network_of`."""
    options = recipe.discriminator
    if options.start:
        path = resolve_weights("discriminator.start", options.start)
        state = checkpoint.load(path).state
        kind = DISCRIMINATORS[options.network].load()
        if not kind.detect(state):
            raise WeightsError(
                f"the recipe trains against {options.network}, but {path} holds none",
                hint="change discriminator.start or discriminator.network",
            )
        network = kind.from_state_dict(state)
    else:
        torch.manual_seed(recipe.seed + 1)
        network = build_module(
            DISCRIMINATORS, Network(options.network, options.options)
        )
    if network.channels != 1:
        raise UsageError(
            f"{options.network} takes {network.channels} channels, but images are gray",
            hint="set discriminator.options.channels=1, or leave out its start",
        )
    _check_discriminator_size(options.network, network, recipe)
    assert isinstance(network, nn.Module)
    return network


def _check_discriminator_size(name: str, network: Any, recipe: Recipe) -> None:
    """Look whether a discriminator takes what the network makes of patches."""
    scale = scale_of(recipe)
    side = recipe.patches.side * scale
    own = getattr(network, "side", None)  # of one that takes images of one size only
    if own not in (None, side):
        raise UsageError(
            f"{name} takes images of {own} x {own} pixels, but patches of "
            f"{recipe.patches.side} pixels become {side} x {side}",
            hint=f"set patches.side={own // scale}, or "
            f"discriminator.options.side={side}",
        )
    if own is None and side % network.multiple_of:
        raise UsageError(
            f"{name} takes images whose sides are multiples of {network.multiple_of}, "
            f"but patches of {recipe.patches.side} pixels become {side} x {side}",
            hint="change patches.side",
        )


def scale_of(recipe: Recipe) -> int:
    """Return how many output pixels the recipe's network has along an input pixel."""
    return _scale(recipe.network.name, json.dumps(dict(recipe.network.options)))


@lru_cache(maxsize=16)
def _scale(name: str, options: str) -> int:
    with torch.device("meta"):
        return int(build_module(NETWORKS, Network(name, json.loads(options))).scale)


def build_module(catalogue: Registry[Entry], wanted: Network) -> Any:
    """Return a new module of a catalogue."""
    kind = catalogue[wanted.name].load()
    known = inspect.signature(kind).parameters
    for option in wanted.options:
        if option not in known:
            raise UnknownNameError(f"option of {wanted.name}", option, known)
        kind_of, given = known[option].annotation, wanted.options[option]
        least = 0 if option == "doublings" else 1  # a network of 0 levels has no end
        right = type(given) is kind_of and (kind_of is bool or given >= least)
        if kind_of in (int, bool) and not right:
            takes = kind_of.__name__ + (f" of {least} or more" * (kind_of is int))
            raise UsageError(
                f"option {option!r} of {wanted.name} takes {takes}, not {given!r}",
                hint="see the recipe's table network.options",
            )
    try:
        if wanted.options:
            with torch.device("meta"), _limited():  # which takes no memory
                kind(**wanted.options)
        return kind(**wanted.options)
    except (OverflowError, RuntimeError, TypeError, ValueError) as error:
        raise UsageError(
            f"{wanted.name} cannot be made of {dict(wanted.options)}: {error}",
            hint="see the recipe's table network.options",
        ) from error


@contextmanager
def _limited() -> Iterator[None]:
    """Raise ValueError when a network gets larger than any machine trains."""
    count = tensors = 0

    def add(module: nn.Module, name: str, parameter: nn.Parameter) -> None:
        nonlocal count, tensors
        count, tensors = count + parameter.numel(), tensors + 1
        if count > _MOST_NUMBERS or tensors > _MOST_TENSORS:
            raise ValueError(
                f"it would have over {_MOST_NUMBERS:,} numbers, or {_MOST_TENSORS:,} "
                "tensors"
            )

    hook = register_module_parameter_registration_hook(add)
    try:
        yield
    finally:
        hook.remove()
