"""The names of axes: those that the user gives, those of the file, or a guess."""

import re
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import AxesError
from w2s_cli.stack import AXES

SAMPLES = "S"
"""The axis of samples of a pixel that are channels, beside those of another axis."""

_ORDER = "TCSZ"
_NAMED = re.compile(r"([A-Z])(\d*)")
_WORDS = {"T": "frames", "Z": "slices", "C": "channels"}


def given_axes(
    axes: str, stored: str, shape: tuple[int, ...], path: Path
) -> tuple[str, tuple[int, ...]]:
    """Return the axes that the user has named, and their lengths.

    `stored` and `shape` are the file's own. Axes with lengths, such as "T4C2YX", divide
    the planes anew, in the order of the file.
    """
    text = axes.upper()
    named = _NAMED.findall(text)
    if "".join(letter + length for letter, length in named) != text:
        raise AxesError(
            f"axes {axes!r} are not letters of {AXES!r}, with lengths or without",
            hint="for example --axes TCYX, or --axes T4C2YX",
        )
    names = "".join(letter for letter, _ in named)
    if stored.endswith("SYX") and names.endswith(("YXC", "YXS")):
        named = [*named[:-3], named[-1], *named[-3:-1]]
        names = names[:-3] + "CYX"
    _check_names(axes, names)
    lengths = [int(length) if length else 0 for _, length in named[:-2]]
    if any(lengths):
        return names, (*_divided(lengths, shape, axes, path), *shape[-2:])
    if len(names) != len(shape):
        raise AxesError(
            f"axes {axes!r} name {len(names)} dimensions, but {path} has shape {shape}",
            hint="name every axis longer than 1, for example --axes TYX, or say the "
            "length of one that is stored within another: --axes TC2YX",
        )
    return names, shape


def _check_names(axes: str, names: str) -> None:
    if not names.endswith("YX"):
        raise AxesError(
            f"axes {axes!r} do not end in 'YX'",
            hint="planes must be stored whole: transpose the image first",
        )
    if set(names) - set(AXES) or len(set(names)) < len(names):
        raise AxesError(
            f"axes {axes!r} are not different letters of {AXES!r}",
            hint="name each axis once: T time, C channel, Z depth, Y, X",
        )


def _divided(
    lengths: list[int], shape: tuple[int, ...], axes: str, path: Path
) -> list[int]:
    """Return lengths of axes with those that were left open, which the planes tell."""
    planes, known = prod(shape[:-2]), prod(filter(None, lengths))
    unknown = lengths.count(0)
    if unknown > 1:
        raise AxesError(
            f"axes {axes!r} leave {unknown} lengths open",
            hint="say the lengths of all axes but one, for example --axes TZ5C2YX",
        )
    if planes != known if not unknown else planes % known:
        raise AxesError(
            f"{path} has {planes} planes, which axes {axes!r} do not divide evenly",
            hint="was the recording stopped within a cycle? Cut its last planes off",
        )
    return [length or planes // known for length in lengths]


def known_axes(
    axes: str, shape: tuple[int, ...], path: Path
) -> tuple[str, tuple[str, ...]]:
    """Return the file's axes with names for the unknown ones, and what was guessed."""
    unknown = [
        (axis, length)
        for axis, length in zip(axes, shape, strict=True)
        if axis not in AXES + SAMPLES
    ]
    taken = axes.replace(SAMPLES, "C")
    free = [axis for axis in "TZC" if axis not in taken][: len(unknown)]
    if len(axes) < 2 or len(free) < len(unknown):
        raise AxesError(
            f"{path} has shape {shape}, which is not a stack of planes",
            hint="an image has Y and X, and may have T, C and Z before them",
        )
    free.sort(key=AXES.index)
    names = iter(free)
    named = "".join(axis if axis in AXES + SAMPLES else next(names) for axis in axes)
    if not unknown:
        return named, ()
    found = " x ".join(str(length) for _, length in unknown)
    guess = " x ".join(_WORDS[axis] for axis in free)
    other = "ZYX" if guess == "frames" else "TZYX"
    return named, (
        f"it does not say what its {found} planes are: they are taken for {guess}. "
        f"If they are not, name them, such as --axes {other}; channels in turn with "
        "--axes TCYX --channels 2",
    )


def plane_numbers(axes: str, lead: tuple[int, ...]) -> tuple[str, NDArray[np.intp]]:
    """Return sorted axes without Y and X, and the numbers of planes along them.

    Samples of a pixel come within channels, or are channels where there are no others.
    """
    order = sorted(range(len(lead)), key=lambda place: _ORDER.index(axes[place]))
    numbers = np.arange(prod(lead), dtype=np.intp).reshape(lead).transpose(order)
    names = "".join(axes[place] for place in order)
    if "CS" in names:
        at = names.index("C")
        merged = (*numbers.shape[:at], -1, *numbers.shape[at + 2 :])
        return names.replace(SAMPLES, ""), numbers.reshape(merged)
    return names.replace(SAMPLES, "C"), numbers
