"""How much of each plane says nothing of the light, and is left as it was."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from w2s_cli.errors import InputError
from w2s_cli.microscope.noise_estimation import HINT
from w2s_cli.microscope.unknown_pixels import Mask
from w2s_cli.stack import Stack

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UnknownAreas:
    """The unknown pixels of the planes of a stack, counted as the planes are read."""

    source: Stack
    blank_channels: frozenset[int] = frozenset()  # their noise is not known
    # Of each plane that has some: how many by the number of its rows of cells
    pixels: dict[Index, dict[int, int]] = field(default_factory=dict)

    def count(self, index: Index, row: int, unknown: Mask) -> None:
        """Count the unknown pixels of a row of cells, however often they are read."""
        pixels = int(np.count_nonzero(unknown))
        if pixels:
            self.pixels.setdefault(index, {})[row] = pixels
        if pixels < unknown.size and (
            self.source.channel_of(index) in self.blank_channels
        ):
            raise InputError(
                f"{self.source.plane_name(index)} shows light, while the planes of its "
                "channel that were looked at are blank: its noise is not known",
                hint=HINT,
            )

    @property
    def shares(self) -> list[float]:
        """Return the share of the pixels of each plane that has some."""
        size = np.prod(self.source.data.shape[-2:], dtype=float)
        return [sum(rows.values()) / size for rows in self.pixels.values()]

    def as_json(self) -> dict[str, Any]:
        """Return the part of the record: the planes with such pixels, and the share."""
        if not self.pixels:
            return {}
        share = round(float(np.mean(self.shares)), 6)
        return {"unknown": {"planes": len(self.pixels), "share": share}}

    @property
    def words(self) -> str:
        """Return what was kept, or "" where nothing was, or nothing else."""
        share = sum(self.shares) / np.prod(self.source.data.shape[:-2], dtype=float)
        if share in (0, 1):
            return ""
        return (
            f"{100 * share:.2g}% of the pixels are outside the field, drawn over or no "
            "numbers: left as they are"
        )
