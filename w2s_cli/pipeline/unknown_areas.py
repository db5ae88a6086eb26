"""What says nothing of the light is filled before any method, and put back after it."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_estimation import HINT
from w2s_cli.microscope.unknown_pixels import KnownPlane, Mask
from w2s_cli.stack import Computed, Stack

Index = tuple[int, ...]
_MOST_KEPT = 16  # planes in hand at a time


@dataclass(frozen=True, slots=True)
class UnknownAreas:
    """The unknown pixels of the planes of a stack, found as the planes are read."""

    source: Stack
    blank_channels: frozenset[int] = frozenset()  # their noise is not known
    shares: dict[Index, float] = field(default_factory=dict)  # of the pixels, by plane
    _kept: dict[Index, tuple[Mask, NDArray[Any]]] = field(default_factory=dict)

    @property
    def filled(self) -> Stack:
        """Return the stack, each plane filled when it is read."""
        data = self.source.data
        return replace(
            self.source, data=Computed(data.shape, data.dtype, self._filled_plane)
        )

    def _filled_plane(self, index: Index) -> NDArray[Any]:
        plane = self.source.data[index]
        found = KnownPlane.of(plane)
        if not found.blank and self.source.channel_of(index) in self.blank_channels:
            raise InputError(
                f"{self.source.plane_name(index)} shows light, while the planes of its "
                "channel that were looked at are blank: its noise is not known",
                hint=HINT,
            )
        share = float(found.unknown.mean())
        if share:
            self.shares[index] = share
            while len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)), None)
            self._kept[index] = (found.unknown, plane[found.unknown])
        return found.counts

    def put_back(self, index: Index, restored: NDArray[Any], scale: int) -> None:
        """Write what the unknown pixels were into a restored plane, just read."""
        if index not in self.shares:
            return
        unknown, values = self._kept.pop(index, (None, None))
        if unknown is None or values is None:
            plane = self.source.data[index]
            unknown = KnownPlane.of(plane).unknown
            values = plane[unknown]
        height, width = unknown.shape
        pixels = restored.reshape(height, scale, width, scale)
        for y, x in np.ndindex(scale, scale):
            pixels[:, y, :, x][unknown] = values

    def as_json(self) -> dict[str, Any]:
        """Return the part of the record: the planes with such pixels, and the share."""
        if not self.shares:
            return {}
        share = float(np.mean([*self.shares.values()]))
        return {"unknown": {"planes": len(self.shares), "share": round(share, 6)}}

    @property
    def words(self) -> str:
        """Return what was kept, or "" where nothing was, or nothing else."""
        planes = len([*self.source.indices()])
        share = sum(self.shares.values()) / planes
        if share in (0, 1):
            return ""
        return (
            f"{100 * share:.2g}% of the pixels are outside the field, drawn over or no "
            "numbers: left as they are"
        )
