"""The reader of image files: what `w2s restore` would take, with its calibration."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import w2s_cli as w2s
from w2s_cli.errors import W2SError
from w2s_cli.napari.layers import layers_of

LayerData = tuple[Any, dict[str, Any], str]


def reader(path: str | Sequence[str]) -> Callable[[Any], list[LayerData]] | None:
    """Return what reads a path, or None where w2s cannot.

    Several paths at once are left to other readers: which would be the stack's axis?
    """
    if not isinstance(path, str):
        return None
    try:
        w2s.imread(path)
    except (W2SError, OSError):
        return None
    return read


def read(path: str) -> list[LayerData]:
    """Return the layers of every image in a file: a layer each channel."""
    stacks = w2s.imread(path, series="all")
    stem = Path(path).name
    layers: list[LayerData] = []
    for number, stack in enumerate(stacks, 1):
        name = stem if len(stacks) == 1 else f"{stem} {number}"
        layers.append((*layers_of(stack, name), "image"))
    return layers
