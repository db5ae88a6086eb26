"""One image file as a plane of values."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.datasets.data_set import Mask
from w2s_cli.errors import InputError
from w2s_cli.io import open_image

NPY = ".npy"
NPY_BROKEN = (EOFError, OSError, SyntaxError, ValueError)  # what numpy raises of one


@dataclass(frozen=True, slots=True)
class FilePlane:
    """The plane of a TIFF, PNG or NPY file: `value * factor + offset`."""

    path: Path  # the file
    # factor, offset: what makes counts of its values
    factor: float = 1.0
    offset: float = 0.0
    # the values at which a pixel is clipped, if any
    limits: tuple[float, float] | None = None

    @property
    def where(self) -> str:
        """Return the path."""
        return str(self.path)

    def shape(self) -> tuple[int, int]:
        """Return its size; of an NPY file only header and length are read for it."""
        if self.path.suffix == NPY:
            return _size(self._array().shape, self.path)
        return _size(self._stored().shape, self.path)

    def dtype(self) -> np.dtype[Any]:
        """Return the type of its values; InputError where it is broken."""
        if self.path.suffix == NPY:
            return self._array().dtype
        with open_image(self.path, double=True) as stack:
            return stack.data.dtype

    def read(self) -> tuple[FloatArray, Mask | None]:
        """Return its values, and where they are within the limits."""
        stored = self._stored()
        if not np.isfinite(stored).all():
            raise InputError(
                f"{self.path} has pixels that are no numbers",
                hint="copy or export it again",
            )
        values = np.asarray(stored * self.factor + self.offset, np.float32)
        if self.limits is None:
            return values, None
        low, high = self.limits
        return values, (stored > low) & (stored < high)

    def _stored(self) -> NDArray[Any]:
        """Return the plane as float32, or float64 where it is stored so."""
        if self.path.suffix == NPY:
            array = self._array()
            _size(array.shape, self.path)
            wide = np.promote_types(array.dtype, np.float32)
            return array.astype(wide).reshape(array.shape[-2:])
        with open_image(self.path, double=True) as stack:
            _size(stack.data.shape, self.path)
            index = (0,) * (len(stack.data.shape) - 2)
            return np.asarray(stack.data[index], np.float32)

    def _array(self) -> NDArray[Any]:
        try:
            array: NDArray[Any] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except NPY_BROKEN as error:
            raise InputError(
                f"{self.path} is missing, truncated or no array: {error}",
                hint="copy or make it again",
            ) from error
        if array.dtype.kind not in "uif":
            raise InputError(
                f"{self.path} has values of type {array.dtype}, not numbers",
                hint="copy or make it again",
            )
        return array


def planes(
    folder: Path,
    pattern: str,
    *,
    factor: float = 1.0,
    offset: float = 0.0,
) -> dict[str, FilePlane]:
    """Return the files of a folder by their stems, none where there is no folder."""
    return {
        path.stem: FilePlane(path, factor, offset)
        for path in sorted(folder.glob(pattern))
    }


def non_empty(
    parts: Mapping[int, dict[str, FilePlane]],
) -> dict[int, dict[str, FilePlane]]:
    """Return the parts that hold anything."""
    return {key: files for key, files in parts.items() if files}


def _size(shape: tuple[int, ...], path: Path) -> tuple[int, int]:
    if len(shape) < 2 or any(length != 1 for length in shape[:-2]) or 0 in shape:
        raise InputError(
            f"{path} has shape {shape}, expected one plane (Y, X)",
            hint="split a stack into one file a plane",
        )
    height, width = shape[-2:]
    return int(height), int(width)
