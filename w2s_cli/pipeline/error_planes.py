"""Standard errors of restored pixels, kept until they are written."""

from collections.abc import Callable
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from threading import RLock
from typing import Any, BinaryIO, cast
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.stack import split_index

Index = tuple[int, ...]
_IN_MEMORY = 64 << 20
_TYPE = np.dtype(np.float32)


@dataclass(eq=False)
class ErrorPlanes:
    """The standard errors of a restored stack, which are computed with its planes.

    What is computed is kept in a file without a name, in memory as long as it is small.
    """

    shape: tuple[int, ...]
    # Computes a plane, whose errors then come
    restore: Callable[[Index], object] = lambda index: None
    folder: str | None = None  # where the file is; None for that of temporary files
    dtype: np.dtype[Any] = _TYPE
    _rows: dict[Index, set[int]] = field(default_factory=dict)  # that are there
    _file: BinaryIO | None = None
    _lock: Any = field(default_factory=RLock)

    def put(self, index: Index, first: int, errors: FloatArray) -> None:
        """Keep rows of the plane at `index`, from a first one on."""
        with self._lock:
            if self._file is None:
                spool = SpooledTemporaryFile(_IN_MEMORY, dir=self.folder)  # noqa: SIM115
                self._file = cast("BinaryIO", spool)
                finalize(self, spool.close)
            self._file.seek(self._place(index, first))
            self._file.write(np.ascontiguousarray(errors, _TYPE).tobytes())
            self._rows.setdefault(index, set()).update(
                range(first, first + len(errors))
            )

    def __getitem__(self, index: tuple[Any, ...], /) -> NDArray[Any]:
        """Return the (Y, X) plane at `index`, or a part of it."""
        at, part = split_index(index)
        rows, columns = part or (slice(0, self.shape[-2]), slice(None))
        with self._lock:
            if not self._rows.get(at, set()).issuperset(range(rows.start, rows.stop)):
                self.restore(at)
            assert self._file is not None
            self._file.seek(self._place(at, rows.start))
            count = (rows.stop - rows.start) * self.shape[-1]
            content = self._file.read(count * _TYPE.itemsize)
        return np.frombuffer(content, _TYPE).reshape(-1, self.shape[-1])[:, columns]

    def close(self) -> None:
        """Forget all errors, and give back their room on the disk."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file, self._rows = None, {}

    def _place(self, index: Index, row: int) -> int:
        lead = self.shape[:-2]
        number = int(np.ravel_multi_index(index, lead)) if lead else 0
        return (number * self.shape[-2] + row) * self.shape[-1] * _TYPE.itemsize
