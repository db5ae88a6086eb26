"""Numbers along an edge of a plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_TICKS = 7
_ROOM = 0.04  # between the data and the frame, as a part of the range


@dataclass(frozen=True, slots=True)
class Axis:
    """Numbers from `low` to `high` along `length` pixels."""

    low: float
    high: float
    length: int

    @classmethod
    def over(cls, values: Sequence[NDArray[Any]], length: int) -> Self:
        """Return an axis for all finite values, with some room around.

        Raises
        ------
        ValueError
            When there is no finite value.
        """
        every = np.concatenate([np.ravel(some) for some in values]).astype(np.float64)
        every = every[np.isfinite(every)]
        low, high = float(every.min()), float(every.max())
        room = (high - low) * _ROOM or abs(high) / 2 or 1.0
        return cls(low - room, high + room, length)

    def __call__(self, values: NDArray[Any]) -> Values:
        """Return the places of `values`, in pixels from `low`."""
        part = (np.asarray(values, np.float64) - self.low) / (self.high - self.low)
        return part * self.length

    @property
    def step(self) -> float:
        """Return the distance of the ticks: 1, 2 or 5 times a power of ten."""
        least = (self.high - self.low) / _TICKS
        power = 10.0 ** floor(log10(least))
        return next(n * power for n in (1, 2, 5, 10) if n * power >= least * 0.999)

    @property
    def ticks(self) -> Values:
        """Return the round numbers that are labelled."""
        first, last = ceil(self.low / self.step), floor(self.high / self.step)
        return np.arange(first, last + 1, dtype=np.float64) * self.step
