"""Planes turned as the Orientation tag of their page says."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.io.content import Content

_TAG = 274
# By the value of the tag: where the first row and column of a page belong
_TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: np.fliplr,
    3: lambda plane: np.rot90(plane, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda plane: np.rot90(plane, -1),
    7: lambda plane: np.rot90(plane, 2).T,
    8: np.rot90,
}
_SWAPPED = {"X": "Y", "Y": "X"}


def turned(content: Content, tags: Any) -> Content:
    """Return the content with its planes the way up that the tags of its page say."""
    orientation = tags.valueof(_TAG, default=1)
    turn = _TURNS.get(orientation if isinstance(orientation, int) else 1)
    if turn is None:
        return content
    *lead, height, width = content.shape
    read, across = content.read, orientation > 4  # rows become columns
    return replace(
        content,
        shape=(*lead, width, height) if across else content.shape,
        read=lambda number: turn(read(number)),
        read_part=None,
        pixel_size={
            _SWAPPED.get(axis, axis) if across else axis: size
            for axis, size in content.pixel_size.items()
        },
        extra={**content.extra, "turned": True},
        warnings=(
            *content.warnings,
            f"its Orientation tag is {orientation}: its planes are turned as that says",
        ),
    )
