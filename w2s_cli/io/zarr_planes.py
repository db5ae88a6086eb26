"""Planes of a Zarr array, and parts of them, of which no more chunks are read."""

from collections import OrderedDict
from math import prod
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError

_KEPT = 256 << 20  # bytes of planes that were decoded with others
_Part = tuple[slice, slice]


class ZarrPlanes:
    """Reads planes of a zarr.Array, numbered along the leading axes longer than 1.

    Where a chunk holds several planes, those that were decoded with one are kept.
    """

    def __init__(self, array: Any, axes: str, name: str) -> None:
        """Take an array whose axes are letters, Y and X among them, in any order."""
        self._array, self._name = array, name
        self._y, self._x = axes.index("Y"), axes.index("X")
        places = range(len(axes))
        self._lead = [
            at for at in places if axes[at] not in "YX" and array.shape[at] > 1
        ]
        self.axes = "".join(axes[at] for at in self._lead) + "YX"
        self._order = (*self._lead, self._y, self._x)
        self.shape = tuple(array.shape[at] for at in self._order)
        self._deep = tuple(array.chunks[at] for at in self._lead)
        self._slabs: OrderedDict[Any, NDArray[Any]] = OrderedDict()
        self._lock = RLock()

    @property
    def kept(self) -> int:
        """Return the bytes that planes take at most which are decoded with others."""
        return 2 * _KEPT if prod(self._deep) > 1 else 0

    @property
    def chunk(self) -> tuple[int, int]:
        """Return the rows and columns that are decoded together."""
        chunks = self._array.chunks
        height, width = self.shape[-2:]
        return min(chunks[self._y], height), min(chunks[self._x], width)

    def read(self, number: int) -> NDArray[Any]:
        """Return a whole plane."""
        height, width = self.shape[-2:]
        return self.read_part(number, slice(0, height), slice(0, width))

    def read_part(self, number: int, rows: slice, columns: slice) -> NDArray[Any]:
        """Return the rows and columns of a plane."""
        at = tuple(int(one) for one in np.unravel_index(number, self.shape[:-2]))
        try:
            return self._of_slab(at, rows, columns)
        except MemoryError:
            raise
        except Exception as error:  # codecs fail in ways of their own
            raise InputError(
                f"{self._name}: plane {number + 1} cannot be decoded: "
                f"{' '.join(str(error).split()) or type(error).__name__}",
                hint="copy or export it again",
            ) from error

    def _of_slab(
        self, at: tuple[int, ...], rows: slice, columns: slice
    ) -> NDArray[Any]:
        """Return a part of a plane that is decoded with those in the same chunks."""
        starts = [one - one % deep for one, deep in zip(at, self._deep, strict=True)]
        lead = [
            slice(start, min(start + deep, length))
            for start, deep, length in zip(starts, self._deep, self.shape, strict=False)
        ]
        planes = prod(one.stop - one.start for one in lead)
        pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
        if planes == 1 or planes * pixels * self._array.dtype.itemsize > _KEPT:
            only = self._block([slice(one, one + 1) for one in at], rows, columns)
            return only.reshape(only.shape[-2:])
        key = (*starts, rows.start, rows.stop, columns.start, columns.stop)
        with self._lock:
            slab = self._slabs.pop(key, None)
            if slab is None:
                slab = self._block(lead, rows, columns)
            self._slabs[key] = slab
            while sum(one.nbytes for one in self._slabs.values()) > _KEPT:
                self._slabs.popitem(last=False)
        inside = (one - start for one, start in zip(at, starts, strict=True))
        return np.array(slab[tuple(inside)])

    def _block(self, lead: list[slice], rows: slice, columns: slice) -> NDArray[Any]:
        """Return a part of the array, its leading axes, then rows and columns."""
        index: list[int | slice] = [0] * self._array.ndim
        for at, one in zip(self._lead, lead, strict=True):
            index[at] = one
        index[self._y], index[self._x] = rows, columns
        block = np.asarray(self._array[tuple(index)])
        kept = sorted((*self._lead, self._y, self._x))
        return block.transpose([kept.index(at) for at in self._order])
