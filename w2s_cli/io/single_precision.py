"""The types of pixels that files may have, and those that all of w2s takes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.stack import Pixels, Stack

_KEPT = ("uint8", "uint16", "int8", "int16", "float32")
_TAKEN = (*_KEPT, "bool", "float16", "float64", "int32", "uint32", "int64", "uint64")
_EXACT = 2.0**53  # beyond it not even float64 has every whole number
_ROWS = 256  # of a plane that are looked at together
_SEEN = 1e-6  # of the range of a plane: what rounds fractions by less is not seen


def can_be_read(dtype: np.dtype[Any]) -> bool:
    """Return whether pixels of a type can be taken."""
    return dtype.name in _TAKEN


class RoundingNotes(list[str]):
    """Warnings of a stack, the last of which says what rounding has done, if much."""

    def __init__(self, before: Sequence[str] = ()) -> None:
        super().__init__(before)
        self.before, self.worst = len(self), 0.0

    def note(self, error: float, words: str) -> None:
        """Note a rounding error, if it is the largest so far."""
        if error > self.worst:
            self.worst = error
            self[self.before :] = [words]


class _Single:
    """Pixels as float32, or uint8 for true and false; what that rounds is noted."""

    def __init__(self, source: Pixels, notes: RoundingNotes) -> None:
        self.shape, self._source, self._notes = source.shape, source, notes
        self.dtype = np.dtype(np.uint8 if source.dtype == bool else np.float32)

    def __getitem__(self, index: tuple[Any, ...], /) -> NDArray[Any]:
        plane = self._source[index]
        with np.errstate(over="ignore"):
            single = plane.astype(self.dtype)
        if error := _rounded_by(plane, single):
            self._notes.note(
                error,
                f"{plane.dtype} pixels are taken as 32-bit float, which has 7 digits: "
                f"it rounds values up to {_largest(plane):.10g} by as much as "
                f"{error:.2g}",
            )
        return single


def in_single_precision(stack: Stack) -> Stack:
    """Return a stack of types that all of w2s takes: at most 16 bits, or float32.

    Where that rounds pixels, its `warnings` say so once such a plane was read.
    """
    stored = stack.data.dtype
    if stored.name in _KEPT:
        return stack
    notes = RoundingNotes(stack.warnings)
    extra = {**stack.extra, "stored dtype": str(stored)}
    return replace(stack, data=_Single(stack.data, notes), extra=extra, warnings=notes)


def _rounded_by(plane: NDArray[Any], single: NDArray[Any]) -> float:
    """Return by how much pixels are rounded; 0 where nobody would see it."""
    if plane.dtype.itemsize < 4:
        return 0.0
    error, low, high = 0.0, np.inf, -np.inf
    for stored, taken in zip(_finite(plane), _finite(plane, single), strict=True):
        if not np.isfinite(taken).all():
            raise InputError(
                f"values as large as {_largest(plane):.2g} do not fit into 32-bit "
                "float",
                hint="divide them by a number first, for example with Fiji: "
                "Process > Math",
            )
        away = np.abs(taken.astype(np.float64) - stored)
        error = max(error, float(away.max(initial=0.0)))
        low, high = stored.min(initial=low), stored.max(initial=high)
    if plane.dtype.kind in "iu":
        return max(error, float(max(high, -low) > _EXACT))
    return error if error > _SEEN * (high - low) else 0.0


def _finite(
    plane: NDArray[Any], values: NDArray[Any] | None = None
) -> Iterator[NDArray[Any]]:
    """Yield the pixels of some rows that are finite, or other values of these."""
    for top in range(0, len(plane), _ROWS):
        rows = slice(top, top + _ROWS)
        taken = plane[rows].astype(np.float64) if values is None else values[rows]
        yield taken[np.isfinite(plane[rows])]


def _largest(plane: NDArray[Any]) -> float:
    """Return the largest absolute value that is finite."""
    return max(float(np.abs(one).max(initial=0.0)) for one in _finite(plane))
